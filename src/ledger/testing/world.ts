import type { Bytes, Result } from '../../base/index.ts';
import { assert, concatBytes, encodeUtf8, timestampMs } from '../../base/index.ts';
import type { Hash, KeyPair, Verified } from '../../crypto/index.ts';
import {
  encodeBase64Url,
  generateKeyPair,
  hashSuite,
  sha256,
  signMessage,
  verifySignature,
  webauthnMessage,
} from '../../crypto/index.ts';
import type { Address } from '../address.ts';
import type { DevnetOptions } from '../devnet.ts';
import { createDevnetGenesis } from '../devnet.ts';
import type { TransactionError } from '../errors.ts';
import type { BlockExecution, BlockVerdict } from '../execute.ts';
import { addressOfPolicy } from '../ids.ts';
import type { Ledger } from '../ledger.ts';
import { createLedger } from '../ledger.ts';
import type { PreparedTransaction } from '../prepare.ts';
import type { StateChange, StateView } from '../state.ts';
import type {
  Action,
  Amount,
  Gas,
  Height,
  Key,
  KeyPolicy,
  KeyRecord,
  KeySignature,
  Receipt,
  Transaction,
  TransactionBody,
} from '../types.ts';

/** Someone with a key, for tests. */
export type Person = {
  readonly pair: KeyPair;
  readonly key: Key;
  readonly policy: KeyPolicy;
  readonly address: Address;
};

const suite = hashSuite('blake3-256');
export const RP_ID = 'localhost';
export const ORIGIN = 'http://localhost:4700';

function recordOf(key: Key, change: Partial<KeyRecord> = {}): KeyRecord {
  return { key, role: 'signer', weight: 1, expiresAt: undefined, ...change };
}

export { recordOf };

function personOf(pair: KeyPair, key: Key): Person {
  const thresholds = { everyday: 1, guarded: 1, vault: 1 };
  const policy: KeyPolicy = { keys: [recordOf(key)], thresholds };
  return { pair, key, policy, address: addressOfPolicy(suite, policy) };
}

const known = new Map<string, Person>();

/** A person with a raw Ed25519 key; equal names give equal keys, which are made once. */
export function person(name: string): Person {
  const met = known.get(name);
  if (met !== undefined) return met;
  const pair = generateKeyPair('ed25519', sha256(encodeUtf8(name)));
  const made = personOf(pair, { kind: 'ed25519', publicKey: pair.publicKey });
  known.set(name, made);
  return made;
}

/** A person with a raw P-256 key. */
export function p256Person(name: string): Person {
  const pair = generateKeyPair('p256', sha256(encodeUtf8(name)));
  return personOf(pair, { kind: 'p256', publicKey: pair.publicKey });
}

/** A person with a WebAuthn key. */
export function passkeyPerson(name: string, mustVerifyUser = false): Person {
  const pair = generateKeyPair('p256', sha256(encodeUtf8(name)));
  return personOf(pair, {
    kind: 'webauthn-p256',
    publicKey: pair.publicKey,
    rpIdHash: sha256(encodeUtf8(RP_ID)),
    origins: [ORIGIN],
    mustVerifyUser,
  });
}

/** What an authenticator and a browser may say otherwise. */
export type AssertionChange = {
  readonly flags?: number;
  readonly rpId?: string;
  readonly origin?: string;
  readonly challenge?: Bytes;
  readonly type?: string;
  readonly crossOrigin?: boolean;
};

/** One signature by someone's key. */
export function signatureOf(
  { pair, key }: Person,
  signingHash: Hash,
  change: AssertionChange = {},
): KeySignature {
  const { publicKey } = pair;
  if (key.kind !== 'webauthn-p256') {
    return { kind: key.kind, publicKey, signature: signMessage(pair, signingHash) };
  }
  const authenticatorData = concatBytes(
    sha256(encodeUtf8(change.rpId ?? RP_ID)),
    Uint8Array.of(change.flags ?? 0x05),
    new Uint8Array(4),
  );
  const client = [
    `"type":"${change.type ?? 'webauthn.get'}"`,
    `"challenge":"${encodeBase64Url(change.challenge ?? signingHash)}"`,
    `"origin":"${change.origin ?? ORIGIN}"`,
    `"crossOrigin":${change.crossOrigin ?? false}`,
  ];
  const clientDataJson = encodeUtf8(`{${client.join(',')}}`);
  const signature = signMessage(pair, webauthnMessage(authenticatorData, clientDataJson));
  return { kind: 'webauthn-p256', publicKey, authenticatorData, clientDataJson, signature };
}

/** What a test wants to be special about a network; an undefined faucet means none. */
export type TestOptions = Partial<Omit<DevnetOptions, 'faucet'>> & {
  readonly faucet?: DevnetOptions['faucet'] | undefined;
};

/** A devnet with a faucet and whoever the test brings. */
export function createTestLedger(options: TestOptions = {}): Ledger {
  const { faucet, ...rest } = { faucet: { policy: person('faucet').policy }, ...options };
  const document = createDevnetGenesis({
    name: 'test',
    timestampMs: timestampMs(1_700_000_000_000),
    validators: [1, 2, 3, 4].map((number) => ({
      publicKey: person(`validator ${number}`).pair.publicKey,
      name: `validator ${number}`,
    })),
    ...(faucet === undefined ? {} : { faucet }),
    ...rest,
  });
  const ledger = createLedger(document);
  assert(ledger.ok, 'the test genesis is good');
  return ledger.value;
}

export const amount = (value: bigint | number): Amount => BigInt(value) as Amount;
export const height = (value: number): Height => value as Height;
export const gas = (value: number): Gas => value as Gas;

/** A state in memory that takes changes. */
export class TestState implements StateView {
  readonly values = new Map<string, { readonly key: Bytes; readonly value: Bytes }>();

  constructor(changes: readonly StateChange[] = []) {
    this.apply(changes);
  }

  get(key: Bytes): Bytes | undefined {
    return this.values.get(key.join())?.value;
  }

  apply(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.values.delete(key.join());
      else this.values.set(key.join(), { key, value });
    }
  }
}

/** What a test wants to be special about a transaction. */
export type Draft = {
  readonly actions: readonly Action[];
  readonly change?: Partial<TransactionBody>;
  readonly sponsor?: Person;
  /** Signs instead of the sender's own key. */
  readonly signers?: readonly Person[];
  readonly sponsorSigners?: readonly Person[];
  readonly initialPolicy?: KeyPolicy | 'none';
  readonly assertion?: AssertionChange;
};

/** A ledger, its state, and the height it is at. */
export class TestWorld {
  readonly ledger: Ledger;
  readonly state: TestState;
  now = 1_700_000_000_000;
  at = 0;

  constructor(options: TestOptions = {}) {
    this.ledger = createTestLedger(options);
    this.state = new TestState(this.ledger.genesis.changes);
  }

  place(): { readonly height: Height; readonly timestampMs: ReturnType<typeof timestampMs> } {
    return { height: height(this.at + 1), timestampMs: timestampMs(this.now + 1_000) };
  }

  body(sender: Person, draft: Draft): TransactionBody {
    return {
      version: 1,
      chainId: this.ledger.chainId,
      sender: sender.address,
      sequence: this.ledger.readAccount(this.state, sender.address).sequence,
      validFrom: height(0),
      validUntil: height(this.at + 100),
      feeMax: amount(100_000),
      gasLimit: gas(25_000),
      sponsor: draft.sponsor?.address,
      actions: draft.actions,
      memo: '',
      ...draft.change,
    };
  }

  sign(sender: Person, draft: Draft): Transaction {
    const body = this.body(sender, draft);
    const hash = this.ledger.signingHash(this.ledger.encodeBody(body));
    const policyOf = (owner: Person): KeyPolicy | undefined =>
      this.ledger.readAccount(this.state, owner.address).policy === undefined
        ? owner.policy
        : undefined;
    const { initialPolicy, sponsor } = draft;
    const shown = initialPolicy === 'none' ? undefined : (initialPolicy ?? policyOf(sender));
    const sign = (each: Person): KeySignature => signatureOf(each, hash, draft.assertion);
    return {
      body,
      sender: { initialPolicy: shown, signatures: (draft.signers ?? [sender]).map(sign) },
      sponsor:
        sponsor === undefined
          ? undefined
          : {
              initialPolicy: policyOf(sponsor),
              signatures: (draft.sponsorSigners ?? [sponsor]).map(sign),
            },
    };
  }

  verify(transaction: Transaction): Result<Verified<PreparedTransaction>, TransactionError> {
    const prepared = this.ledger.prepareTransaction(transaction);
    if (!prepared.ok) return prepared;
    return this.ledger.verifyTransaction(
      prepared.value,
      prepared.value.claims.map(verifySignature),
    );
  }

  prepare(sender: Person, draft: Draft): Verified<PreparedTransaction> {
    const verified = this.verify(this.sign(sender, draft));
    assert(verified.ok, 'the test signs well');
    return verified.value;
  }

  execute(...transactions: readonly Verified<PreparedTransaction>[]): BlockVerdict {
    return this.ledger.executeBlock(this.state, this.place(), transactions);
  }

  /** Executes and keeps a block that must be valid. */
  commit(...transactions: readonly Verified<PreparedTransaction>[]): BlockExecution {
    const verdict = this.execute(...transactions);
    assert(verdict.kind === 'executed', `not executed: ${JSON.stringify(verdict, bigintText)}`);
    this.state.apply(verdict.changes);
    const { timestampMs: time, height: next } = this.place();
    this.now = time;
    this.at = next;
    return verdict;
  }

  /** Executes one transaction in a block of its own. */
  run(sender: Person, draft: Draft): Receipt {
    const [receipt] = this.commit(this.prepare(sender, draft)).receipts;
    assert(receipt !== undefined, 'one receipt a transaction');
    return receipt;
  }

  /** The code with which a transaction is refused, or `undefined` when it is not. */
  refusal(sender: Person, draft: Draft): TransactionError | undefined {
    const verified = this.verify(this.sign(sender, draft));
    if (!verified.ok) return verified.error;
    const { height: next } = this.place();
    const verdict = this.ledger.validateTransaction(this.state, verified.value, { height: next });
    assert(verdict.kind !== 'missing-keys', 'the test state is all in memory');
    return verdict.kind === 'invalid' ? verdict.error : undefined;
  }
}

function bigintText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
