import type { Bytes, Json } from '../../base/index.ts';
import { encodeUtf8, formatHex } from '../../base/index.ts';
import { decode, encode, toJson } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import {
  checkAssertion,
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
import {
  PROOF_KEYS_MAX,
  rootOfEntries,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
  stateProofCodec,
  verifyProof,
} from '../../state/index.ts';
import type { Input } from './input.ts';
import { bytesOf, Input as Members, Unusable } from './input.ts';
import { keyOf } from './keys.ts';
import type { ConformanceHome, Operation } from './operation.ts';
import { proofOperations } from './proof-operations.ts';
import { SUITES_OPTIONAL, SUITES_TEXT, suiteOf } from './suites.ts';

type Scheme = 'p256' | 'ed25519';
/** Schemes by every name that the world has for them, in small letters. */
const SCHEMES: { readonly [name: string]: Scheme } = {
  p256: 'p256',
  'p-256': 'p256',
  es256: 'p256',
  secp256r1: 'p256',
  ed25519: 'ed25519',
};

function schemeOf(input: Input): Scheme {
  const name = input.text('scheme').toLowerCase();
  const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined;
  if (scheme === undefined) throw new Unusable('scheme-unknown', 'scheme');
  return scheme;
}

type Claim = { readonly publicKey: Bytes; readonly message: Bytes; readonly signature: Bytes };

/** Whether a signature holds; a key or signature that is none verifies nothing. */
async function isSigned(home: ConformanceHome, algorithm: Scheme, claim: Claim): Promise<boolean> {
  const publicKey = keyOf(algorithm, claim.publicKey);
  if (publicKey === undefined || claim.signature.length !== 64) return false;
  const { message, signature } = claim;
  const [verdict] = await home.verifier.verify([{ algorithm, publicKey, message, signature }]);
  return verdict === true;
}

/** P-256 has one rule: S is normalised, then the equation decides. */
function isP256Signed(home: ConformanceHome, claim: Claim): Promise<boolean> {
  return isSigned(home, 'p256', { ...claim, signature: normalizeLowS(claim.signature) });
}

/** Raw r‖s of a DER signature; one that is malformed becomes empty, which verifies nothing. */
function rawOf(der: Bytes): Bytes {
  const raw = derToRaw(der);
  return raw.ok ? raw.value : new Uint8Array();
}

const verifySignatureOperation: Operation = {
  summary: 'Whether a signature holds; P-256 is ECDSA over SHA-256 of the message.',
  input: {
    scheme: 'p256 or ed25519',
    publicKey: 'hex; for p256 SEC1, compressed or not, for ed25519 32 bytes; or SPKI, or COSE',
    message: 'hex',
    signature: 'hex; raw r‖s of 64 bytes for p256',
    format: 'raw or der; raw when absent',
    highS: 'normalised, as wallets do, or refused, as in transactions; normalised when absent',
  },
  result: '{valid}',
  async run(input, home) {
    const scheme = schemeOf(input);
    const format = input.raw('format') ?? 'raw';
    if (format !== 'raw' && (format !== 'der' || scheme !== 'p256')) {
      throw new Unusable('input-malformed', 'format');
    }
    const highS = input.raw('highS') ?? 'normalised';
    if (highS !== 'normalised' && highS !== 'refused') {
      throw new Unusable('input-malformed', 'highS');
    }
    const signature = input.bytes('signature');
    const claim = {
      publicKey: input.bytes('publicKey'),
      message: input.bytes('message'),
      signature: format === 'der' ? rawOf(signature) : signature,
    };
    const isNormalised = scheme === 'p256' && highS === 'normalised';
    const verify = isNormalised ? isP256Signed(home, claim) : isSigned(home, scheme, claim);
    return { valid: await verify };
  },
};

const verifyWebauthnOperation: Operation = {
  summary: 'Whether a WebAuthn assertion is good: every rule but the counter, then its signature.',
  input: {
    publicKey: 'hex; P-256 as SEC1, compressed or not, SPKI or COSE',
    rpId: 'text',
    origins: 'list of texts',
    challenge: 'hex',
    userVerification: 'required, preferred or discouraged; preferred when absent',
    authenticatorData: 'hex',
    clientDataJSON: 'hex, or the text itself',
    signature: 'hex; DER as the browser gives it',
  },
  result: '{valid}, whether the signature holds, when every other rule is kept; else its code',
  async run(input, home) {
    const authenticatorData = input.bytes('authenticatorData');
    const clientDataJson = clientDataOf(input);
    const publicKey = input.bytes('publicKey');
    const signature = rawOf(input.bytes('signature'));
    const checked = checkAssertion({
      authenticatorData,
      clientDataJson,
      challenge: input.bytes('challenge'),
      rpIdHash: sha256(encodeUtf8(input.text('rpId'))),
      origins: input.texts('origins'),
      mustVerifyUser: mustVerifyUser(input.raw('userVerification')),
    });
    if (!checked.ok) throw new Unusable(checked.error.code);
    const message = webauthnMessage(authenticatorData, clientDataJson);
    return { valid: await isP256Signed(home, { publicKey, message, signature }) };
  },
};

function clientDataOf(input: Input): Bytes {
  const text = input.text('clientDataJSON');
  return /^\s*\{/.test(text) ? encodeUtf8(text) : bytesOf(text, 'clientDataJSON');
}

function mustVerifyUser(value: Json | undefined): boolean {
  if (value === true || value === 'required') return true;
  if (value === undefined || value === null || value === false) return false;
  if (value === 'preferred' || value === 'discouraged') return false;
  throw new Unusable('input-malformed', 'userVerification');
}

const hashOperation: Operation = {
  summary: 'Digest of data, without a domain tag.',
  input: { suite: SUITES_TEXT, data: 'hex' },
  result: 'hex',
  run: (input) => formatHex(plainHash(suiteOf(input, false), input.bytes('data'))),
};

const parseAddressOperation: Operation = {
  summary: 'The 32 bytes of an address.',
  input: { address: 'bech32m text' },
  result: '{bytes, text}',
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
  input: { bytes: 'hex', suite: SUITES_OPTIONAL },
  result: '{id, signingHash, transaction}',
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
    suite: SUITES_OPTIONAL,
  },
  result: '{root}',
  run(input) {
    const given = input.list('entries');
    if (given.length > ENTRIES_MAX) throw new Unusable('too-many-entries', 'entries');
    const entries = given.map(entryOf);
    const keys = new Set(entries.map(({ key }) => formatHex(key)));
    if (keys.size !== entries.length) throw new Unusable('key-twice', 'entries');
    return { root: formatHex(rootOfEntries(hashSuite(suiteOf(input, true)), entries)) };
  },
};

function entryOf(json: Json) {
  const members = new Members(json);
  const changedAt = members.raw('changedAt') ?? 0;
  if (typeof changedAt !== 'number' || !Number.isSafeInteger(changedAt) || changedAt < 0) {
    throw new Unusable('input-malformed', 'changedAt');
  }
  const key = members.bytes('key');
  const value = members.bytes('value');
  if (key.length < 1 || key.length > STATE_KEY_BYTES_MAX) throw new Unusable('key-length', 'key');
  if (value.length > STATE_VALUE_BYTES_MAX) throw new Unusable('value-too-long', 'value');
  return { key, value, changedAt };
}

const verifyStateProofOperation: Operation = {
  summary: 'What a state proof proves about some keys; an absent value proves absence.',
  input: {
    root: 'hex',
    keys: 'list of hex, distinct',
    proof: 'hex; canonical bytes',
    suite: SUITES_OPTIONAL,
  },
  result: '{valid, entries: list of {key, value, changedAt}}',
  run(input) {
    const root = input.bytes('root');
    if (root.length !== 32) throw new Unusable('input-malformed', 'root');
    const keys = input.list('keys').map((key) => bytesOf(key, 'keys'));
    const distinct = new Set(keys.map(formatHex));
    if (keys.length < 1 || keys.length > PROOF_KEYS_MAX || distinct.size !== keys.length) {
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
  ...proofOperations,
};
