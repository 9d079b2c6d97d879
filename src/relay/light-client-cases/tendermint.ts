import type { Bytes, Json } from '../../base/index.ts';
import {
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  formatHex,
  isJsonObject,
  parseHex,
} from '../../base/index.ts';
import { sha256 } from '../../crypto/index.ts';
import { isTrueClaim } from './native-check.ts';

// Light blocks as Tendermint writes them in JSON, and what its hashes and signatures bind: RFC 6962
// trees over amino (0.33, the bisections) or over protobuf (0.34, the single steps); see
// spec/core/encoding.md, spec/core/data_structures.md and types/canonical.proto there.

/** How the fields of a header are written before they are hashed. */
export type Era = 'amino' | 'protobuf';

/** A case that does not read as one. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

export type TendermintValidator = {
  readonly publicKey: Bytes;
  readonly address: string;
  readonly power: bigint;
};

/** What one member said of a block: absent, for the block, or for nil. */
export type TendermintVote = {
  readonly flag: 'absent' | 'commit' | 'nil';
  readonly address: string;
  readonly timestamp: Bytes;
  readonly signature: Bytes;
};

export type TendermintBlock = {
  readonly chainId: string;
  readonly height: number;
  /** Milliseconds since 1970, rounded down. */
  readonly timeMs: number;
  /** Of the header's own fields. */
  readonly hash: string;
  readonly parentHash: string | undefined;
  readonly validatorsHash: string;
  readonly nextValidatorsHash: string;
  readonly commit: {
    readonly height: number;
    readonly round: number;
    readonly blockHash: string;
    /** As it is signed. */
    readonly blockId: Bytes;
    readonly votes: readonly TendermintVote[];
  };
};

/* ------------------------------------------------------------- protobuf */

function varint(value: bigint): Bytes {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

const tag = (field: number, wire: number) => varint(BigInt(field * 8 + wire));

/** A field of bytes; absent when empty, as all of protobuf's third version. */
function bytesField(field: number, value: Bytes): Bytes {
  return value.length === 0 ? value : messageField(field, value);
}

/** A field that is written even if its value is empty. */
function messageField(field: number, value: Bytes): Bytes {
  return concatBytes(tag(field, 2), varint(BigInt(value.length)), value);
}

function intField(field: number, value: bigint): Bytes {
  return value === 0n ? new Uint8Array(0) : concatBytes(tag(field, 0), varint(value));
}

function fixedField(field: number, value: number): Bytes {
  if (value === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return concatBytes(tag(field, 1), bytes);
}

/** RFC 6962 §2.1. */
function treeHash(leaves: readonly Bytes[]): Bytes {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  const [leaf] = leaves;
  if (leaves.length === 1 && leaf) return sha256(concatBytes(Uint8Array.of(0), leaf));
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split))];
  return sha256(concatBytes(Uint8Array.of(1), left, right));
}

/* ----------------------------------------------------------------- JSON */

/** A member of a JSON object; throws when there is none. */
export function member(json: Json | undefined, name: string): Json {
  const value = isJsonObject(json) ? json[name] : undefined;
  if (value === undefined) throw new Unreadable(`no ${name}`);
  return value;
}

export function list(json: Json): readonly Json[] {
  if (!Array.isArray(json)) throw new Unreadable('not a list');
  return json;
}

/** Go writes an empty list as null. */
function listOrNull(json: Json): readonly Json[] {
  return json === null ? [] : list(json);
}

export function string(json: Json): string {
  if (typeof json !== 'string') throw new Unreadable('not a text');
  return json;
}

/** A whole number, also as a text, within 2^53. */
export function whole(json: Json): number {
  const value = typeof json === 'string' && /^\d{1,16}$/.test(json) ? Number(json) : json;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Unreadable('not a whole number');
  }
  return value;
}

function hex(json: Json): Bytes {
  const bytes = parseHex(string(json).toLowerCase());
  if (!bytes.ok) throw new Unreadable('not hexadecimal');
  return bytes.value;
}

function base64(json: Json): Bytes {
  const bytes = Buffer.from(string(json), 'base64');
  if (bytes.toString('base64') !== json) throw new Unreadable('not base64');
  return new Uint8Array(bytes);
}

/** Seconds and nanoseconds of a time such as `2019-11-02T15:04:10.5Z`. */
function instant(json: Json): { readonly seconds: bigint; readonly nanos: bigint } {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(string(json));
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}Z`);
  if (Number.isNaN(ms)) throw new Unreadable('not a time');
  return { seconds: BigInt(ms / 1000), nanos: BigInt((match?.[2] ?? '').padEnd(9, '0')) };
}

/** Milliseconds since 1970, rounded down. */
export function timeMs(json: Json): number {
  const { seconds, nanos } = instant(json);
  return Number(seconds * 1000n + nanos / 1_000_000n);
}

function timestamp(json: Json): Bytes {
  const { seconds, nanos } = instant(json);
  return concatBytes(intField(1, seconds), intField(2, nanos));
}

/* --------------------------------------------------------------- blocks */

/** A set of validators, in its order. */
export function readValidators(json: Json): readonly TendermintValidator[] {
  return listOrNull(member(json, 'validators')).map((each) => {
    const key = member(each, 'pub_key');
    if (member(key, 'type') !== 'tendermint/PubKeyEd25519') throw new Unreadable('not Ed25519');
    return {
      publicKey: base64(member(key, 'value')),
      address: string(member(each, 'address')),
      power: BigInt(whole(member(each, 'voting_power'))),
    };
  });
}

/** Amino's name of an Ed25519 key, and the key's length. */
const AMINO_ED25519 = Uint8Array.of(0x16, 0x24, 0xde, 0x64, 0x20);

/** What a header holds of a set of validators: by power, and by address among equals. */
export function validatorsHash(era: Era, validators: readonly TendermintValidator[]): string {
  const inOrder = validators.toSorted(
    (one, two) => Number(two.power - one.power) || (one.address < two.address ? -1 : 1),
  );
  const leaves = inOrder.map(({ publicKey, power }) => {
    const isAmino = era === 'amino';
    const key = isAmino ? concatBytes(AMINO_ED25519, publicKey) : bytesField(1, publicKey);
    return concatBytes(messageField(1, key), intField(2, power));
  });
  return formatHex(treeHash(leaves));
}

/** The address that belongs to a key. */
export function addressOf({ publicKey }: TendermintValidator): string {
  return formatHex(sha256(publicKey).subarray(0, 20)).toUpperCase();
}

type BlockId = { readonly hash: Bytes; readonly total: number; readonly partsHash: Bytes };

function readBlockId(json: Json): BlockId {
  const parts = member(json, 'part_set_header');
  return {
    hash: hex(member(json, 'hash')),
    total: whole(member(parts, 'total')),
    partsHash: hex(member(parts, 'hash')),
  };
}

/** A block's id within a header; amino leaves out what is empty. */
function blockIdBytes(era: Era, { hash, total, partsHash }: BlockId): Bytes {
  const parts = concatBytes(intField(1, BigInt(total)), bytesField(2, partsHash));
  const field = era === 'amino' ? bytesField : messageField;
  return concatBytes(bytesField(1, hash), field(2, parts));
}

/** A block's id within a vote; amino has the two fields of its parts the other way round. */
function canonicalBlockId(era: Era, { hash, total, partsHash }: BlockId): Bytes {
  const [first, second] = [1, 2];
  const parts =
    era === 'amino'
      ? concatBytes(bytesField(first, partsHash), intField(second, BigInt(total)))
      : concatBytes(intField(first, BigInt(total)), bytesField(second, partsHash));
  return concatBytes(bytesField(1, hash), messageField(2, parts));
}

const NO_BLOCK: BlockId = { hash: new Uint8Array(0), total: 0, partsHash: new Uint8Array(0) };

function lengthPrefixed(value: Bytes): Bytes {
  return value.length === 0 ? value : concatBytes(varint(BigInt(value.length)), value);
}

function headerHash(era: Era, header: Json): Bytes {
  const isAmino = era === 'amino';
  const version = member(header, 'version');
  const versionBytes = concatBytes(
    intField(1, BigInt(whole(member(version, 'block')))),
    intField(2, BigInt(whole(member(version, 'app')))),
  );
  const wrapped = (value: Bytes) => (isAmino ? lengthPrefixed(value) : bytesField(1, value));
  const digest = (name: string) => wrapped(hex(member(header, name)));
  const height = BigInt(whole(member(header, 'height')));
  const last = member(header, 'last_block_id');
  return treeHash([
    versionBytes,
    wrapped(encodeUtf8(string(member(header, 'chain_id')))),
    isAmino ? varint(height) : intField(1, height),
    timestamp(member(header, 'time')),
    blockIdBytes(era, last === null ? NO_BLOCK : readBlockId(last)),
    digest('last_commit_hash'),
    digest('data_hash'),
    digest('validators_hash'),
    digest('next_validators_hash'),
    digest('consensus_hash'),
    digest('app_hash'),
    digest('last_results_hash'),
    digest('evidence_hash'),
    digest('proposer_address'),
  ]);
}

const FLAGS = [undefined, 'absent', 'commit', 'nil'] as const;

function readVote(json: Json): TendermintVote {
  const flag = FLAGS[whole(member(json, 'block_id_flag'))];
  if (flag === undefined) throw new Unreadable('unknown flag of a vote');
  if (flag === 'absent') {
    return { flag, address: '', timestamp: new Uint8Array(0), signature: new Uint8Array(0) };
  }
  return {
    flag,
    address: string(member(json, 'validator_address')),
    timestamp: timestamp(member(json, 'timestamp')),
    signature: base64(member(json, 'signature')),
  };
}

/** Reads a signed header. */
export function readBlock(era: Era, signed: Json): TendermintBlock {
  const [header, commit] = [member(signed, 'header'), member(signed, 'commit')];
  const last = member(header, 'last_block_id');
  const parentHash = last === null ? '' : formatHex(readBlockId(last).hash);
  const blockId = readBlockId(member(commit, 'block_id'));
  return {
    chainId: string(member(header, 'chain_id')),
    height: whole(member(header, 'height')),
    timeMs: timeMs(member(header, 'time')),
    hash: formatHex(headerHash(era, header)),
    parentHash: parentHash === '' ? undefined : parentHash,
    validatorsHash: formatHex(hex(member(header, 'validators_hash'))),
    nextValidatorsHash: formatHex(hex(member(header, 'next_validators_hash'))),
    commit: {
      height: whole(member(commit, 'height')),
      round: whole(member(commit, 'round')),
      blockHash: formatHex(blockId.hash),
      blockId: canonicalBlockId(era, blockId),
      votes: listOrNull(member(commit, 'signatures')).map(readVote),
    },
  };
}

/** Whether a vote of a commit is signed by a key: over the canonical vote, type 2. */
export function isSigned(
  { chainId, commit }: TendermintBlock,
  { flag, timestamp: time, signature }: TendermintVote,
  publicKey: Bytes,
): boolean {
  const vote = concatBytes(
    intField(1, 2n),
    fixedField(2, commit.height),
    fixedField(3, commit.round),
    flag === 'commit' ? messageField(4, commit.blockId) : new Uint8Array(0),
    messageField(5, time),
    bytesField(6, encodeUtf8(chainId)),
  );
  const message = concatBytes(varint(BigInt(vote.length)), vote);
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  return isTrueClaim({ algorithm: 'ed25519', publicKey, message, signature });
}

/** Whether two addresses are one. */
export function isAddress(one: string, other: string): boolean {
  return equalBytes(encodeUtf8(one.toUpperCase()), encodeUtf8(other.toUpperCase()));
}

/** Text of a file that may be no JSON at all. */
export function parseCase(bytes: Uint8Array): Json {
  const text = decodeUtf8(bytes);
  if (!text.ok) throw new Unreadable('not UTF-8');
  try {
    return JSON.parse(text.value) as Json; // What it parses is JSON.
  } catch {
    throw new Unreadable('not JSON');
  }
}
