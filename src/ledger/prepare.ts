import type { Bytes, Result } from '../base/index.ts';
import { assert, concatBytes, defined, fail, ok } from '../base/index.ts';
import type { Codec, DecodeError } from '../codec/index.ts';
import { decode, encode, Writer } from '../codec/index.ts';
import type { Hash, HashSuite, SignatureClaim, Verified } from '../crypto/index.ts';
import {
  isP256SignatureInRange,
  leafMemory,
  mintVerified,
  webauthnMessage,
} from '../crypto/index.ts';
import type { ModuleRegistry } from './action.ts';
import { createActionCodec } from './action.ts';
import type { TransactionError } from './errors.ts';
import { blockHashOf, signedHashOf, signingHashOf, transactionIdOf } from './ids.ts';
import type { Kernel } from './kernel.ts';
import { TRANSACTION_BYTES_MAX } from './limits.ts';
import type { Block, Header, KeySignature, Transaction, TransactionCodecs } from './types.ts';
import { headerCodec, transactionCodecs } from './types.ts';

/** A transaction with everything that is computed from its bytes, computed once. */
export type PreparedTransaction = {
  readonly transaction: Transaction;
  /** Canonical signed bytes. */
  readonly bytes: Bytes;
  readonly bodyBytes: Bytes;
  /** Hash of the body: what people and receipts call the transaction. */
  readonly id: Hash;
  /** What its keys sign. */
  readonly signingHash: Hash;
  /** Hash of `bytes`; two transactions of one id may differ in it. */
  readonly signedHash: Hash;
  /** Signatures to check: the sender's in their order, then the sponsor's. */
  readonly claims: readonly SignatureClaim[];
};

/** A block with its transactions prepared; none of their signatures is checked yet. */
export type PreparedBlock = {
  readonly block: Block;
  readonly hash: Hash;
  readonly transactions: readonly PreparedTransaction[];
  /** Its canonical bytes, where it came in them. */
  readonly bytes?: Bytes;
};

type Span = { readonly source: Uint8Array; readonly from: number; readonly to: number };

/** Codecs that remember which bytes each decoded body and transaction came from. */
const spans = new WeakMap<object, Span>();
/**
 * Where the values of a codec begin and end while a whole block is decoded, in their order: a weak
 * map made decoding it slower by a fifth, and collecting garbage after it.
 */
type Places = { readonly froms: number[]; readonly tos: number[] };
let bodyPlaces: Places | undefined;
let wholePlaces: Places | undefined;

function remembering<Value>(codec: Codec<Value>): Codec<Value> {
  const { shape } = codec;
  const isBody = shape.kind === 'struct' && shape.name === 'TransactionBody';
  return {
    ...codec,
    read(reader) {
      const from = reader.at;
      const places = isBody ? bodyPlaces : wholePlaces;
      if (places !== undefined) reader.lend(); // What is read is our own copy of a block.
      const value = codec.read(reader);
      if (places !== undefined) {
        places.froms.push(from);
        places.tos.push(reader.at);
        return value;
      }
      // Bodies and transactions are objects.
      spans.set(value as object, { source: reader.source, from, to: reader.at });
      return value;
    },
  };
}

function takeSpan(value: object): Span | undefined {
  const span = spans.get(value);
  if (span !== undefined) spans.delete(value);
  return span;
}

function spanOf(value: object): Span {
  return defined(takeSpan(value), 'decoded by these codecs');
}

/** Codecs of bodies, transactions and blocks for some modules. */
export function preparingCodecs(registry: ModuleRegistry): TransactionCodecs {
  return transactionCodecs(createActionCodec(registry), remembering);
}

function claimOf(signature: KeySignature, signingHash: Hash): SignatureClaim {
  const { publicKey } = signature;
  if (signature.kind !== 'webauthn-p256') {
    const { kind: algorithm, signature: raw } = signature;
    return { algorithm, publicKey, message: signingHash, signature: raw };
  }
  const message = webauthnMessage(signature.authenticatorData, signature.clientDataJson);
  return { algorithm: 'p256', publicKey, message, signature: signature.signature };
}

/** Every signature of a transaction as a claim of its own; no state is needed. */
export function signatureClaims(transaction: Transaction, signingHash: Hash): SignatureClaim[] {
  const [first, second] = transaction.sender.signatures;
  const isAlone = first !== undefined && second === undefined && transaction.sponsor === undefined;
  if (isAlone) return [claimOf(first, signingHash)]; // Nearly all of them.
  const signatures = [...transaction.sender.signatures, ...(transaction.sponsor?.signatures ?? [])];
  return signatures.map((signature) => claimOf(signature, signingHash));
}

type Forms = { readonly bytes: Bytes; readonly bodyBytes: Bytes };

function prepare(suite: HashSuite, transaction: Transaction, forms: Forms): PreparedTransaction {
  const { bytes, bodyBytes } = forms;
  const signingHash = signingHashOf(suite, bodyBytes);
  return {
    transaction,
    bytes,
    bodyBytes,
    id: transactionIdOf(suite, bodyBytes),
    signingHash,
    signedHash: signedHashOf(suite, bytes),
    claims: signatureClaims(transaction, signingHash),
  };
}

const HASH_BYTES = 32;

/** As `prepare`, of many: four hashes are digested together, and all stand in one buffer. */
function prepareAll(
  suite: HashSuite,
  transactions: readonly Transaction[],
  forms: readonly Forms[],
): PreparedTransaction[] {
  const hashes = leafMemory(3 * forms.length);
  const ids = suite.batch('transaction');
  const signing = suite.batch('sign-transaction');
  const signed = suite.batch('signed-transaction');
  for (let index = 0; index < forms.length; index++) {
    const { bytes, bodyBytes } = forms[index] as Forms; // Inside.
    const at = 3 * HASH_BYTES * index;
    ids.add(bodyBytes, 0, bodyBytes.length, hashes, at);
    signing.add(bodyBytes, 0, bodyBytes.length, hashes, at + HASH_BYTES);
    signed.add(bytes, 0, bytes.length, hashes, at + 2 * HASH_BYTES);
  }
  for (const batch of [ids, signing, signed]) batch.flush();
  // Where digests were written.
  const hashAt = (at: number) => hashes.bytes.subarray(at, at + HASH_BYTES) as Hash;
  return forms.map(({ bytes, bodyBytes }, index) => {
    const transaction = transactions[index] as Transaction; // One a form.
    const at = 3 * HASH_BYTES * index;
    const signingHash = hashAt(at + HASH_BYTES);
    return {
      transaction,
      bytes,
      bodyBytes,
      id: hashAt(at),
      signingHash,
      signedHash: hashAt(at + 2 * HASH_BYTES),
      claims: signatureClaims(transaction, signingHash),
    };
  });
}

/** Decodes and prepares the bytes of a transaction; refusals are `malformed` and `too-large`. */
export function prepareTransactionBytes(
  kernel: Kernel,
  input: Uint8Array,
): Result<PreparedTransaction, TransactionError> {
  if (input.length > TRANSACTION_BYTES_MAX) {
    return fail({ code: 'too-large', bytes: input.length, bytesMax: TRANSACTION_BYTES_MAX });
  }
  const decoded = decode(kernel.codecs.transaction, input);
  if (!decoded.ok) {
    return fail({ code: 'malformed', reason: decoded.error.code, at: decoded.error.at });
  }
  const bytes = new Uint8Array(input);
  spanOf(decoded.value);
  const body = spanOf(decoded.value.body);
  const bodyBytes = bytes.slice(body.from, body.to);
  return ok(prepare(kernel.suite, decoded.value, { bytes, bodyBytes }));
}

/** Prepares a transaction made here; the only refusal is `too-large`. */
export function prepareTransactionValue(
  kernel: Kernel,
  transaction: Transaction,
): Result<PreparedTransaction, TransactionError> {
  const bytes = encode(kernel.codecs.transaction, transaction);
  if (bytes.length > TRANSACTION_BYTES_MAX) {
    return fail({ code: 'too-large', bytes: bytes.length, bytesMax: TRANSACTION_BYTES_MAX });
  }
  const bodyBytes = encode(kernel.codecs.body, transaction.body);
  return ok(prepare(kernel.suite, transaction, { bytes, bodyBytes }));
}

/** Decodes and prepares the bytes of a block without encoding anything twice. */
export function prepareBlockBytes(
  kernel: Kernel,
  input: Uint8Array,
): Result<PreparedBlock, DecodeError> {
  const bodies: Places = { froms: [], tos: [] };
  const wholes: Places = { froms: [], tos: [] };
  bodyPlaces = bodies;
  wholePlaces = wholes;
  // One copy for all: a buffer for each transaction and body took as long as decoding them. The
  // header, which is kept for longer, is read into buffers of its own.
  const copy = new Uint8Array(input);
  let decoded: Result<Block, DecodeError>;
  try {
    decoded = decode(kernel.codecs.block, copy);
  } finally {
    bodyPlaces = undefined;
    wholePlaces = undefined;
  }
  if (!decoded.ok) return decoded;
  const { length } = decoded.value.transactions;
  const isEach = wholes.froms.length === length && bodies.froms.length === length;
  assert(isEach, 'one place a transaction');
  const forms: Forms[] = [];
  for (let index = 0; index < length; index++) {
    const from = wholes.froms[index] ?? 0;
    const to = wholes.tos[index] ?? 0;
    if (to - from > TRANSACTION_BYTES_MAX) return fail({ code: 'too-long', at: from });
    const bytes = copy.subarray(from, to);
    const bodyBytes = copy.subarray(bodies.froms[index] ?? 0, bodies.tos[index] ?? 0);
    forms.push({ bytes, bodyBytes });
  }
  const hash = blockHashOf(kernel.suite, decoded.value.header);
  const transactions = prepareAll(kernel.suite, decoded.value.transactions, forms);
  return ok({ block: decoded.value, hash, transactions, bytes: copy });
}

/**
 * Prepares a block that was decoded as part of something else, by these same codecs: from the bytes
 * its transactions came in, where they are still known.
 */
export function prepareBlockValue(
  kernel: Kernel,
  block: Block,
): Result<PreparedBlock, { readonly code: 'too-long' }> {
  const forms: Forms[] = [];
  for (const transaction of block.transactions) {
    const each = formsOf(kernel, transaction);
    if (each.bytes.length > TRANSACTION_BYTES_MAX) return fail({ code: 'too-long' });
    forms.push(each);
  }
  const transactions = prepareAll(kernel.suite, block.transactions, forms);
  return ok({ block, hash: blockHashOf(kernel.suite, block.header), transactions });
}

function formsOf(
  kernel: Kernel,
  transaction: Transaction,
): { readonly bytes: Bytes; readonly bodyBytes: Bytes } {
  const whole = takeSpan(transaction);
  const body = takeSpan(transaction.body);
  if (whole === undefined || body === undefined || whole.source !== body.source) {
    return {
      bytes: encode(kernel.codecs.transaction, transaction),
      bodyBytes: encode(kernel.codecs.body, transaction.body),
    };
  }
  const bytes = new Uint8Array(whole.source.subarray(whole.from, whole.to));
  return { bytes, bodyBytes: bytes.slice(body.from - whole.from, body.to - whole.from) };
}

/** Prepares a block whose transactions are prepared already. */
export function prepareBlockParts(
  suite: HashSuite,
  header: Header,
  transactions: readonly PreparedTransaction[],
): PreparedBlock {
  const block = { header, transactions: transactions.map(({ transaction }) => transaction) };
  return { block, hash: blockHashOf(suite, header), transactions };
}

/**
 * Canonical bytes of a block: those it came in, or joined from what its transactions came in. They
 * are not to be changed.
 */
export function encodePreparedBlock(prepared: PreparedBlock): Bytes {
  if (prepared.bytes !== undefined) return prepared.bytes;
  const count = new Writer(8);
  count.uleb(prepared.transactions.length);
  return concatBytes(
    encode(headerCodec, prepared.block.header),
    count.finish(),
    ...prepared.transactions.map(({ bytes }) => bytes),
  );
}

/** Marks a transaction as verified, or says which signature fails and how. */
export function verifyPrepared(
  prepared: PreparedTransaction,
  verdicts: readonly boolean[],
): Result<Verified<PreparedTransaction>, TransactionError> {
  const { claims, transaction } = prepared;
  assert(verdicts.length === claims.length, 'one verdict a claim');
  const verified = mintVerified(prepared, claims, verdicts);
  if (verified !== undefined) return ok(verified);
  const index = verdicts.findIndex((verdict) => !verdict);
  const { algorithm, signature } = defined(claims[index], 'one verdict is false');
  const signer = index < transaction.sender.signatures.length ? 'sender' : 'sponsor';
  const isHigh =
    algorithm === 'p256' &&
    isP256SignatureInRange(signature, { allowHighS: true }) &&
    !isP256SignatureInRange(signature, { allowHighS: false });
  return fail({ code: isHigh ? 'signature-high-s' : 'signature-invalid', signer });
}
