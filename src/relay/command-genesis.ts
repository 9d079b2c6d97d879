import type { Bytes, Json } from '../base/index.ts';
import { formatHex, parseHex, systemClock, TabellionError } from '../base/index.ts';
import { toJson } from '../codec/index.ts';
import type { Ledger } from '../ledger/index.ts';
import {
  createDevnetGenesis,
  createLedger,
  genesisJsonSchema,
  parseGenesis,
  protocol,
} from '../ledger/index.ts';
import { loadKey, policyOfKey } from './key-files.ts';
import { loadJson, storeJson } from './layout.ts';
import type { Output } from './output.ts';

const VALIDATOR_KEY_BYTES = 32;

/** `tabellion genesis create`. */
export async function createGenesisFile(
  options: {
    readonly file: string;
    readonly name: string;
    readonly validators: readonly string[];
    readonly faucetKeyFile: string | undefined;
  },
  output: Output,
): Promise<void> {
  const { file, name, faucetKeyFile } = options;
  const faucet = faucetKeyFile === undefined ? undefined : await loadKey(faucetKeyFile);
  const document = createDevnetGenesis({
    name,
    timestampMs: systemClock.now(),
    validators: options.validators.map(parseValidator),
    ...(faucet === undefined ? {} : { faucet: { policy: policyOfKey(faucet) } }),
  });
  if ((await loadJson(file)) !== undefined) throw new TabellionError('file-exists', { path: file });
  await storeJson(file, toJson(protocol.genesisCodec, document));
  await showGenesis(file, output);
}

function parseValidator(
  text: string,
  index: number,
): { readonly name: string; readonly publicKey: Bytes } {
  const at = text.lastIndexOf('=');
  const key = parseHex(text.slice(at + 1));
  if (!key.ok || key.value.length !== VALIDATOR_KEY_BYTES) {
    throw new TabellionError('validator-key-malformed', { validator: text });
  }
  return { name: at < 0 ? `Validator ${index + 1}` : text.slice(0, at), publicKey: key.value };
}

async function loadLedger(path: string): Promise<Ledger> {
  const json = await loadJson(path);
  if (json === undefined) throw new TabellionError('genesis-missing', { path });
  const document = parseGenesis(json);
  const ledger = document.ok ? createLedger(document.value) : document;
  if (ledger.ok) return ledger.value;
  const { code } = ledger.error;
  const at = 'at' in ledger.error ? ledger.error.at : '';
  throw new TabellionError('genesis-invalid', { reason: code, at });
}

/** `tabellion genesis show`. */
export async function showGenesis(path: string, output: Output): Promise<void> {
  const { chainId, genesis } = await loadLedger(path);
  const { name, validators } = genesis.document;
  output.result(
    `Network    ${name}\nChain id   ${formatHex(chainId)}\nValidators ${validators.length}`,
    { name, chainId: formatHex(chainId), validators: validators.length },
  );
}

/** `tabellion genesis check`: fails with `genesis-invalid` and the place of the first fault. */
export async function checkGenesis(path: string, output: Output): Promise<void> {
  const { chainId } = await loadLedger(path);
  output.result('Valid.', { isValid: true, chainId: formatHex(chainId) });
}

/** `tabellion genesis schema`: the JSON Schema, over several lines for people. */
export function showGenesisSchema(output: Output): void {
  // A schema is JSON by definition.
  output.result(JSON.stringify(genesisJsonSchema, undefined, 2), genesisJsonSchema as Json);
}
