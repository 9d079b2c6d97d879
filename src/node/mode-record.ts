import { encodeUtf8 } from '../base/index.ts';
import { decode, encode, enumeration, struct } from '../codec/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Height, Ledger } from '../ledger/index.ts';
import type { TrustedBlock } from '../light/index.ts';
import { StateTree } from '../state/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import type { NodeCore } from './parts.ts';
import type { NodeMode } from './source.ts';
import { NODE_MODES } from './source.ts';
import type { LedgerStore } from './store/index.ts';
import { seal, unseal } from './store/index.ts';

const MODE_KEY = encodeUtf8('node-mode');
const CONSENT_KEY = encodeUtf8('node-consent');
/** What the store keeps of it. */
export const modeRecordCodec = struct('ModeRecord', {
  mode: enumeration('NodeMode', NODE_MODES),
});

/** Keeps the mode for the next start; returns once it is durable. */
export async function storeMode(
  store: KeyValueStore,
  suite: HashSuite,
  mode: NodeMode,
): Promise<void> {
  const value = seal(suite, encode(modeRecordCodec, { mode }));
  await store.write([{ kind: 'put', space: 'meta', key: MODE_KEY, value }], 'strict');
}

/** Keeps that a person agreed to what a mode costs, until another one is chosen. */
export async function storeConsent(
  store: KeyValueStore,
  suite: HashSuite,
  mode: NodeMode,
): Promise<void> {
  const value = seal(suite, encode(modeRecordCodec, { mode }));
  await store.write([{ kind: 'put', space: 'meta', key: CONSENT_KEY, value }], 'relaxed');
}

/** Whether a person agreed to what this mode costs. A spoilt record is none: it is asked again. */
export async function loadConsent({ home, ledger }: NodeCore, mode: NodeMode): Promise<boolean> {
  const sealed = await home.store.get('meta', CONSENT_KEY);
  const payload = sealed === undefined ? undefined : unseal(ledger.suite, sealed);
  const record = payload === undefined ? undefined : decode(modeRecordCodec, payload);
  return record?.ok === true && record.value.mode === mode;
}

/** The mode that was chosen last; a validator's is never `light`. */
export async function loadMode({
  home,
  ledger,
  options,
  diagnostics,
}: NodeCore): Promise<NodeMode> {
  const sealed = await home.store.get('meta', MODE_KEY);
  const payload = sealed === undefined ? undefined : unseal(ledger.suite, sealed);
  const record = payload === undefined ? undefined : decode(modeRecordCodec, payload);
  if (sealed !== undefined && record?.ok !== true) diagnostics.trace('warn', 'mode-spoilt');
  const mode = record?.ok === true ? record.value.mode : (options.mode ?? 'full');
  // Who decides must execute.
  return mode === 'light' && options.signer !== undefined ? 'full' : mode;
}

/** The block that every node has. Its state is small, and its own store may not hold it any more. */
export async function genesisBlock(ledger: Ledger, store: LedgerStore): Promise<TrustedBlock> {
  const { changes, membership } = ledger.genesis;
  const known = await store.header(0 as Height); // By definition.
  const header = known ?? ledger.genesisHeader(genesisRoot(ledger, changes));
  const hash = ledger.blockHash(header);
  return { header, hash, membership, nextMembership: membership };
}

function genesisRoot(ledger: Ledger, changes: Ledger['genesis']['changes']) {
  const height = 0 as Height; // By definition.
  return StateTree.empty(ledger.suite).stage(height, changes).root();
}
