import type { Json } from '../base/index.ts';
import { equalBytes, formatHex, isJsonObject } from '../base/index.ts';
import { toJson } from '../codec/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Action, Address, Amount, AssetId, FieldRole, Key, KeyHint } from '../ledger/index.ts';
import { keyIdOf, keyRecordCodec, NATIVE_ASSET } from '../ledger/index.ts';
import { actionCodec, registry } from './ledger-format.ts';
import type { LocalKey, NetworkFacts, SummaryField, SummaryLine, WalletClient } from './types.ts';

type Unit = { readonly asset: AssetId; readonly symbol: string; readonly decimals: number };

export type SummaryContext = {
  readonly client: WalletClient;
  readonly suite: HashSuite;
  readonly network: NetworkFacts;
  /** Keys whose labels are known here. */
  readonly keys: readonly LocalKey[];
  readonly signal: AbortSignal | undefined;
};

/** The asset that an action's amounts count: the one it names, the one it issues, or the native. */
async function unitOf(context: SummaryContext, action: Action): Promise<Unit> {
  const roles = registry.actionOfKind(action.kind)?.definition.description.fields ?? {};
  const assetField = Object.keys(roles).find((name) => roles[name] === 'asset');
  const { native } = context.network;
  if (assetField === undefined) {
    const { symbol, decimals } = action;
    return typeof symbol === 'string' && typeof decimals === 'number'
      ? { asset: NATIVE_ASSET, symbol, decimals }
      : { asset: NATIVE_ASSET, symbol: native.symbol, decimals: native.decimals };
  }
  const asset = action[assetField] as AssetId; // The codec of the action decoded it so.
  if (equalBytes(asset, NATIVE_ASSET)) {
    return { asset, symbol: native.symbol, decimals: native.decimals };
  }
  const facts = await context.client.asset(asset, context.signal);
  // An unknown asset is shown by its id, its amount in smallest units: nothing is guessed.
  return { asset, symbol: facts?.symbol ?? formatHex(asset), decimals: facts?.decimals ?? 0 };
}

function shortKey(keyId: Uint8Array): string {
  return formatHex(keyId).slice(0, 16);
}

/** Each member of a value that has a name, as plain words; nothing is left out. */
function wordsOf(json: Json | undefined): string {
  if (json === undefined || json === null) return '—';
  if (typeof json !== 'object') return String(json);
  if (Array.isArray(json)) return json.map((each: Json) => wordsOf(each)).join(', ');
  if (!isJsonObject(json)) return '—';
  return Object.entries(json)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${wordsOf(value)}`)
    .join('; ');
}

function keyText(context: SummaryContext, record: unknown): string {
  const { key } = record as { readonly key: Key }; // The role says that it is a key record.
  const json = toJson(keyRecordCodec, record as Parameters<typeof keyRecordCodec.toJson>[0]);
  return `${shortKey(keyIdOf(context.suite, key))} (${wordsOf(json)})`;
}

function keyIdText(context: SummaryContext, keyId: Uint8Array): string {
  const known = context.keys.find((key) => equalBytes(key.keyId, keyId));
  return known === undefined ? shortKey(keyId) : `${known.label} (${shortKey(keyId)})`;
}

/** Longest credential id shown whole; of a longer one, both ends and the length. */
const CREDENTIAL_BYTES_SHOWN = 32;

/** Everything of a hint: it becomes public, and lets others recognise the credential. */
function hintText(hint: KeyHint): string {
  const { credentialId, transports, label, isBackupEligible, isBackedUp } = hint;
  const hex = formatHex(credentialId);
  const { length } = credentialId;
  const id =
    length <= CREDENTIAL_BYTES_SHOWN
      ? hex
      : `${hex.slice(0, 32)}…${hex.slice(-32)} (${length} bytes)`;
  const words = (flag: boolean | undefined) => (flag === undefined ? '—' : String(flag));
  return [
    label === '' ? 'no label' : `“${label}”`,
    `credential: ${id}`,
    `transports: ${transports.length === 0 ? '—' : transports.join(', ')}`,
    `isBackupEligible: ${words(isBackupEligible)}`,
    `isBackedUp: ${words(isBackedUp)}`,
  ].join('; ');
}

function fieldOf(
  context: SummaryContext,
  role: FieldRole | undefined,
  field: { readonly name: string; readonly value: unknown; readonly json: Json | undefined },
  unit: Unit,
): SummaryField {
  const { name, value, json } = field;
  const text = (words: string): SummaryField => ({ name, value: { kind: 'text', text: words } });
  if (value === undefined) return text('—');
  // Each role promises the type of its field; the action's own codec decoded the value.
  switch (role) {
    case 'account':
    case 'recipient':
      return { name, value: { kind: 'address', address: value as Address } };
    case 'amount':
      return { name, value: { kind: 'amount', amount: value as Amount, ...unit } };
    case 'asset':
      return text(`${unit.symbol} (${formatHex(value as AssetId)})`);
    case 'key':
      return text(keyText(context, value));
    case 'hint':
      return text(hintText(value as KeyHint));
    case 'key-id':
      return text(keyIdText(context, value as Uint8Array));
    default:
      return text(wordsOf(json));
  }
}

/** One line for each action, with every field of it: those without a role come as plain words. */
export async function summarize(
  context: SummaryContext,
  actions: readonly Action[],
): Promise<SummaryLine[]> {
  const lines: SummaryLine[] = [];
  for (const action of actions) {
    const { description } = registry.actionOfKind(action.kind)?.definition ?? {};
    const json = toJson(actionCodec, action);
    const unit = await unitOf(context, action);
    const fields = Object.entries(action)
      .filter(([name]) => name !== 'kind')
      .map(([name, value]) => {
        const member = isJsonObject(json) ? json[name] : undefined;
        const role = description?.fields[name];
        return fieldOf(context, role, { name, value, json: member }, unit);
      });
    lines.push({ kind: action.kind, title: description?.title ?? action.kind, fields });
  }
  return lines;
}
