import type { Bytes, Json } from '../../base/index.ts';
import { encodeUtf8, formatHex } from '../../base/index.ts';
import { decode, encode, toJson } from '../../codec/index.ts';
import type { Hash, HashSuiteName } from '../../crypto/index.ts';
import {
  checkAssertion,
  compressP256,
  derToRaw,
  hashSuite,
  normalizeLowS,
  plainHash,
  sha256,
  webauthnMessage,
} from '../../crypto/index.ts';
import {
  formatAddress,
  parseAddress,
  protocol,
  signingHashOf,
  transactionIdOf,
} from '../../ledger/index.ts';
import { rootOfEntries, stateProofCodec, verifyProof } from '../../state/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import type { Input } from './input.ts';
import { bytesOf, Input as Members, Unusable } from './input.ts';

/** What operations run with: the verifier of the home that runs them. */
export type ConformanceHome = { readonly verifier: SignatureVerifier };

/** One question that any implementation of the protocol must answer alike. */
export type Operation = {
  readonly summary: string;
  readonly input: { readonly [member: string]: string };
  run(input: Input, home: ConformanceHome): Promise<Json> | Json;
};

const SUITES: readonly HashSuiteName[] = ['blake3-256', 'sha2-256'];

function suiteOf(input: Input, isOptional: boolean): HashSuiteName {
  const name = input.raw('suite');
  if (name === undefined && isOptional) return 'blake3-256';
  const suite = SUITES.find((each) => each === name);
  if (suite === undefined) throw new Unusable('suite-unknown', 'suite');
  return suite;
}

/** 33 bytes of a P-256 key in SEC1 form, compressed or not; undefined when it is no point. */
function p256Key(bytes: Bytes): Bytes | undefined {
  if (bytes.length === 33) return bytes;
  return compressP256(bytes);
}

/** P-256 has one rule: S is normalised, then the equation decides. */
async function verifyP256(
  home: ConformanceHome,
  claim: { readonly publicKey: Bytes; readonly message: Bytes; readonly signature: Bytes },
): Promise<boolean> {
  const publicKey = p256Key(claim.publicKey);
  if (publicKey === undefined || claim.signature.length !== 64) return false;
  const signature = normalizeLowS(claim.signature);
  const { message } = claim;
  const [verdict] = await home.verifier.verify([
    { algorithm: 'p256', publicKey, message, signature },
  ]);
  return verdict === true;
}

const verifySignatureOperation: Operation = {
  summary: 'Whether a signature holds; P-256 is ECDSA over SHA-256 of the message.',
  input: {
    scheme: 'p256 or ed25519',
    publicKey: 'hex; SEC1, compressed or not, for p256; 32 bytes for ed25519',
    message: 'hex',
    signature: 'hex; raw r‖s of 64 bytes for p256',
  },
  async run(input, home) {
    const scheme = input.text('scheme');
    const claim = {
      publicKey: input.bytes('publicKey'),
      message: input.bytes('message'),
      signature: input.bytes('signature'),
    };
    if (scheme === 'p256') return { valid: await verifyP256(home, claim) };
    if (scheme !== 'ed25519') throw new Unusable('scheme-unknown', 'scheme');
    const [verdict] = await home.verifier.verify([{ algorithm: 'ed25519', ...claim }]);
    return { valid: verdict === true };
  },
};

const verifyWebauthnOperation: Operation = {
  summary: 'Whether a WebAuthn assertion is good: every rule but the counter, then its signature.',
  input: {
    publicKey: 'hex; SEC1',
    rpId: 'text',
    origins: 'list of texts',
    challenge: 'hex',
    userVerification: 'required, preferred or discouraged',
    authenticatorData: 'hex',
    clientDataJSON: 'hex, or the text itself',
    signature: 'hex; DER as the browser gives it',
  },
  async run(input, home) {
    const authenticatorData = input.bytes('authenticatorData');
    const clientDataJson = clientDataOf(input);
    const checked = checkAssertion({
      authenticatorData,
      clientDataJson,
      challenge: input.bytes('challenge'),
      rpIdHash: sha256(encodeUtf8(input.text('rpId'))),
      origins: input.texts('origins'),
      mustVerifyUser: mustVerifyUser(input.raw('userVerification')),
    });
    if (!checked.ok) throw new Unusable(checked.error.code);
    const signature = derToRaw(input.bytes('signature'));
    if (!signature.ok) throw new Unusable('signature-malformed');
    const message = webauthnMessage(authenticatorData, clientDataJson);
    const publicKey = input.bytes('publicKey');
    const isValid = await verifyP256(home, { publicKey, message, signature: signature.value });
    if (!isValid) throw new Unusable('signature-invalid');
    return { valid: true };
  },
};

function clientDataOf(input: Input): Bytes {
  const text = input.text('clientDataJSON');
  return text.startsWith('{') ? encodeUtf8(text) : bytesOf(text, 'clientDataJSON');
}

function mustVerifyUser(value: Json | undefined): boolean {
  if (value === undefined || value === false) return false;
  if (value === true || value === 'required') return true;
  if (value === 'preferred' || value === 'discouraged') return false;
  throw new Unusable('input-malformed', 'userVerification');
}

const hashOperation: Operation = {
  summary: 'Digest of data, without a domain tag.',
  input: { suite: SUITES.join(' or '), data: 'hex' },
  run: (input) => formatHex(plainHash(suiteOf(input, false), input.bytes('data'))),
};

const parseAddressOperation: Operation = {
  summary: 'The 32 bytes of an address.',
  input: { address: 'bech32m text' },
  run(input) {
    const parsed = parseAddress(
      input.text(input.raw('address') === undefined ? 'text' : 'address'),
    );
    if (!parsed.ok) throw new Unusable(parsed.error.code);
    return { bytes: formatHex(parsed.value), text: formatAddress(parsed.value) };
  },
};

const decodeTransactionOperation: Operation = {
  summary: 'A transaction from its canonical signed bytes, with its ids.',
  input: { bytes: 'hex', suite: `${SUITES.join(' or ')}; blake3-256 when absent` },
  run(input) {
    const bytes = input.bytes('bytes');
    const decoded = decode(protocol.codecs.transaction, bytes);
    if (!decoded.ok) throw new Unusable(decoded.error.code);
    const suite = hashSuite(suiteOf(input, true));
    const body = encode(protocol.codecs.body, decoded.value.body);
    return {
      id: formatHex(transactionIdOf(suite, body)),
      signingHash: formatHex(signingHashOf(suite, body)),
      transaction: toJson(protocol.codecs.transaction, decoded.value),
    };
  },
};

/** Entries beyond this are refused: the root is computed by its definition, not by the tree. */
const ENTRIES_MAX = 10_000;

const stateRootOperation: Operation = {
  summary: 'Root of a state that holds these entries.',
  input: {
    entries: 'list of {key: hex, value: hex, changedAt: height, 0 when absent}',
    suite: `${SUITES.join(' or ')}; blake3-256 when absent`,
  },
  run(input) {
    const entries = input.list('entries').map(entryOf);
    const keys = new Set(entries.map(({ key }) => formatHex(key)));
    if (keys.size !== entries.length) throw new Unusable('key-twice', 'entries');
    if (entries.length > ENTRIES_MAX) throw new Unusable('too-many-entries', 'entries');
    return { root: formatHex(rootOfEntries(hashSuite(suiteOf(input, true)), entries)) };
  },
};

function entryOf(json: Json) {
  const members = new Members(json);
  const changedAt = members.raw('changedAt') ?? 0;
  if (typeof changedAt !== 'number' || !Number.isSafeInteger(changedAt) || changedAt < 0) {
    throw new Unusable('input-malformed', 'changedAt');
  }
  return { key: members.bytes('key'), value: members.bytes('value'), changedAt };
}

const verifyStateProofOperation: Operation = {
  summary: 'What a state proof proves about some keys; an absent value proves absence.',
  input: {
    root: 'hex',
    keys: 'list of hex, distinct',
    proof: 'hex; canonical bytes',
    suite: `${SUITES.join(' or ')}; blake3-256 when absent`,
  },
  run(input) {
    const root = input.bytes('root');
    if (root.length !== 32) throw new Unusable('input-malformed', 'root');
    const keys = input.list('keys').map((key) => bytesOf(key, 'keys'));
    const distinct = new Set(keys.map(formatHex));
    if (keys.length === 0 || distinct.size !== keys.length) {
      throw new Unusable('input-malformed', 'keys');
    }
    const proof = decode(stateProofCodec, input.bytes('proof'));
    if (!proof.ok) throw new Unusable(proof.error.code, 'proof');
    const suite = hashSuite(suiteOf(input, true));
    const proven = verifyProof(suite, root as Hash, keys, proof.value); // 32 bytes, just checked.
    if (!proven.ok) throw new Unusable(proven.error.code);
    return {
      valid: true,
      entries: proven.value.map(({ key, value, changedAt }) => ({
        key: formatHex(key),
        value: value === undefined ? null : formatHex(value),
        changedAt: changedAt ?? null,
      })),
    };
  },
};

/** All operations by name. */
export const OPERATIONS: { readonly [name: string]: Operation } = {
  'signature.verify': verifySignatureOperation,
  'webauthn.verify': verifyWebauthnOperation,
  hash: hashOperation,
  'address.parse': parseAddressOperation,
  'transaction.decode': decodeTransactionOperation,
  'state.root': stateRootOperation,
  'state.verifyProof': verifyStateProofOperation,
};
