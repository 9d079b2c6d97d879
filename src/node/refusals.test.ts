import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { KeyPolicy, KeySignature, Transaction } from '../ledger/index.ts';
import type { Draft, Person } from '../ledger/testing/world.ts';
import { amount, gas, height, recordOf } from '../ledger/testing/world.ts';
import type { TabellionNode } from './index.ts';
import { USELESS_BURST } from './limits.ts';
import { transactionsMessageCodec } from './messages.ts';
import { ada, bob, crowdOptions, kay, pat, poor, strict, VALIDATOR } from './testing/crowd.ts';
import { heightOf, transferTo, Village } from './testing/village.ts';

let village: Village;
let node: TabellionNode;
let used: Uint8Array;
beforeAll(async () => {
  village = new Village(crowdOptions);
  await village.start(VALIDATOR);
  node = village.node(VALIDATOR);
  used = village.pay(ada, bob.address, 1);
  await village.settled(await village.submit(node, used));
});
afterAll(() => village.stopAll());

const draftOf = (rest: Partial<Draft> = {}): Draft => ({
  actions: [transferTo(bob.address, 1)],
  ...rest,
});
const changed = (change: NonNullable<Draft['change']>): Draft => draftOf({ change });

function withSignature(
  sender: Person,
  change: (signature: KeySignature) => KeySignature,
): Transaction {
  const transaction = village.world.sign(sender, draftOf());
  const signatures = transaction.sender.signatures.map(change);
  return { ...transaction, sender: { ...transaction.sender, signatures } };
}

const signed = (sender: Person, draft: Draft) => () => village.sign(sender, draft);
const encoded = (make: () => Transaction) => () => village.encode(make());

/** Ada's key, and an account that needs a weight of two. */
function couple({ keys }: Pick<KeyPolicy, 'keys'>): Person {
  const policy = { keys, thresholds: { everyday: 2, guarded: 2, vault: 2 } };
  return { ...ada, policy, address: village.world.ledger.addressOfPolicy(policy) };
}

/** What is submitted, by the code of its refusal. */
const CASES: readonly (readonly [string, string, () => Uint8Array])[] = [
  ['no transaction', 'malformed', () => Uint8Array.of(1, 2, 3)],
  ['truncated', 'malformed', () => village.pay(ada, bob.address, 1).subarray(0, -1)],
  [
    'with a byte behind it',
    'malformed',
    () => Uint8Array.of(...village.pay(ada, bob.address, 1), 0),
  ],
  ['longer than allowed', 'too-large', () => new Uint8Array(200_000)],
  ['of another version', 'version-unsupported', signed(ada, changed({ version: 2 }))],
  [
    'of another network',
    'wrong-network',
    signed(ada, changed({ chainId: new Uint8Array(32) as never })),
  ],
  ['already expired', 'expired', signed(ada, changed({ validUntil: height(1) }))],
  [
    'of the far future',
    'not-yet-valid',
    signed(ada, changed({ validFrom: height(500), validUntil: height(600) })),
  ],
  ['valid for ever', 'window-too-long', signed(ada, changed({ validUntil: height(20_000_000) }))],
  ['with a used sequence', 'sequence-used', signed(ada, changed({ sequence: 0 as never }))],
  ['far ahead in its sequence', 'sequence-gap', signed(ada, changed({ sequence: 1_000 as never }))],
  ['of somebody without money', 'insufficient-balance', signed(poor, draftOf())],
  ['paying too little', 'fee-too-low', signed(ada, changed({ feeMax: amount(1) }))],
  ['with too little gas', 'gas-limit-too-low', signed(ada, changed({ gasLimit: gas(10) }))],
  [
    'with more gas than a block has',
    'gas-limit-too-high',
    signed(ada, changed({ gasLimit: gas(2_000_000_000), feeMax: amount(900_000_000) })),
  ],
  [
    'badly signed',
    'signature-invalid',
    encoded(() => withSignature(ada, (s) => ({ ...s, signature: s.signature.map((b) => b ^ 1) }))),
  ],
  [
    'signed with high S',
    'signature-high-s',
    encoded(() => withSignature(pat, (s) => ({ ...s, signature: withHighS(s.signature) }))),
  ],
  ['signed by a stranger', 'key-unknown', signed(ada, draftOf({ signers: [bob] }))],
  [
    'signed by one of two',
    'weight-too-low',
    () => village.sign(couple({ keys: [recordOf(ada.key), recordOf(bob.key)] }), draftOf()),
  ],
  [
    'of an account whose policy nobody can ever use',
    'policy-invalid',
    () => village.sign(couple({ keys: [recordOf(ada.key)] }), draftOf()),
  ],
  [
    'signed by a key whose time is over',
    'key-expired',
    () => {
      const session = recordOf(ada.key, { role: 'session', expiresAt: height(1) });
      const keys = [recordOf(bob.key, { weight: 2 }), session];
      return village.sign(couple({ keys }), draftOf());
    },
  ],
  ['signed twice', 'duplicate-signature', signed(ada, draftOf({ signers: [ada, ada] }))],
  [
    'of an account that shows no policy',
    'policy-missing',
    signed(bob, draftOf({ initialPolicy: 'none' })),
  ],
  [
    'of an account that shows another policy',
    'policy-mismatch',
    signed(bob, draftOf({ initialPolicy: ada.policy, signers: [ada] })),
  ],
  [
    'with a sponsor who did not sign',
    'sponsor-missing',
    encoded(() => ({
      ...village.world.sign(ada, draftOf({ sponsor: bob })),
      sponsor: undefined,
    })),
  ],
  [
    'with a sponsor nobody named',
    'sponsor-unexpected',
    encoded(() => ({
      ...village.world.sign(ada, draftOf({ sponsor: bob })),
      body: village.world.body(ada, draftOf()),
    })),
  ],
  ['sponsored by its sender', 'sponsor-is-sender', signed(ada, draftOf({ sponsor: ada }))],
  [
    'asserted for another origin',
    'origin-not-allowed',
    signed(kay, draftOf({ assertion: { origin: 'http://localhost:4701' } })),
  ],
  [
    'asserted for another site',
    'rp-id-mismatch',
    signed(kay, draftOf({ assertion: { rpId: 'evil.example' } })),
  ],
  [
    'asserted for another challenge',
    'challenge-mismatch',
    signed(kay, draftOf({ assertion: { challenge: new Uint8Array(32) } })),
  ],
  [
    'asserted by a registration',
    'type-wrong',
    signed(kay, draftOf({ assertion: { type: 'webauthn.create' } })),
  ],
  [
    'asserted in a frame of another site',
    'cross-origin',
    signed(kay, draftOf({ assertion: { crossOrigin: true } })),
  ],
  [
    'asserted without presence',
    'user-not-present',
    signed(kay, draftOf({ assertion: { flags: 0x04 } })),
  ],
  [
    'asserted without verification where the key demands it',
    'user-not-verified',
    signed(strict, draftOf({ assertion: { flags: 0x01 } })),
  ],
];

/** The other solution of the same equation: s becomes n − s. */
function withHighS(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const s = BigInt(`0x${formatHex(signature.subarray(32))}`);
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const other = (order - s).toString(16).padStart(64, '0');
  const high = new Uint8Array(signature);
  for (let at = 0; at < 32; at++)
    high[32 + at] = Number.parseInt(other.slice(at * 2, at * 2 + 2), 16);
  return high;
}

/** A message of these transactions, as a peer sends them. */
function gossipOf(...transactions: readonly Uint8Array[]): Bytes {
  return encode(
    transactionsMessageCodec,
    transactions.map((each) => new Uint8Array(each)),
  );
}

describe('a transaction that is', () => {
  for (const [what, code, make] of CASES) {
    it(`${what} is refused with ${code} and changes nothing`, async () => {
      const bytes = make();
      const before = { pool: node.parts.mempool.size(), height: heightOf(node) };
      const messages = village.hub.published.length;
      expect(await node.submit(bytes)).toMatchObject({ ok: false, error: { code } });
      expect(node.parts.mempool.size()).toEqual(before.pool);
      await village.clock.pass(1_000);
      expect(heightOf(node)).toBe(before.height);
      expect(village.hub.published.length).toBe(messages);
    });
  }

  it('included already is answered with its id, and not included again', async () => {
    const before = heightOf(node);
    const again = await node.submit(used);
    expect(again.ok).toBe(true);
    await village.clock.pass(1_000);
    expect(heightOf(node)).toBe(before);
  });
});

describe('refusals from gossip', () => {
  it('cost the sender what no honest node forwards, and only that', async () => {
    const stranger = village.stranger('gossip');
    await village.clock.pass(10);
    const penalties = () =>
      village.hub.penalties.filter(({ peerId }) => peerId === 'gossip').length;
    await stranger.publish('transactions', gossipOf(village.sign(poor, draftOf())));
    await stranger.publish('transactions', gossipOf(used));
    await village.clock.pass(100);
    expect(penalties()).toBe(0);
    await stranger.publish('transactions', Uint8Array.of(1, 2, 3));
    await stranger.publish(
      'transactions',
      gossipOf(
        village.encode(
          withSignature(ada, (s) => ({ ...s, signature: s.signature.map((b) => b ^ 2) })),
        ),
      ),
    );
    await village.clock.pass(100);
    expect(penalties()).toBe(2);
  });

  it('take a message for what its transactions are: one forged, and none of it is taken', async () => {
    const stranger = village.stranger('mixed');
    await village.clock.pass(10);
    const before = heightOf(node);
    const forged = withSignature(ada, (s) => ({ ...s, signature: s.signature.map((b) => b ^ 2) }));
    const good = village.pay(bob, ada.address, 1);
    await stranger.publish('transactions', gossipOf(good, village.encode(forged)));
    await stranger.publish('transactions', gossipOf());
    await village.clock.pass(1_000);
    const reasons = village.hub.penalties.filter(({ peerId }) => peerId === 'mixed');
    expect(reasons.map(({ reason }) => reason)).toEqual([
      'transactions: rejected',
      'transactions: rejected',
    ]);
    expect(heightOf(node)).toBe(before);
    // With one that is old news, another that is not is taken.
    await stranger.publish('transactions', gossipOf(used, good));
    await village.clock.pass(1_000);
    expect(heightOf(node)).toBe(before + 1);
  });

  it('end in silence, not in blame, when one peer floods with what cannot be paid for', async () => {
    const stranger = village.stranger('flood');
    await village.clock.pass(10);
    const before = heightOf(node);
    for (let at = 0; at <= USELESS_BURST; at++) {
      const change = { memo: `${at}` };
      await stranger.publish('transactions', gossipOf(village.pay(poor, bob.address, 1, change)));
    }
    await village.clock.pass(2);
    const good = gossipOf(village.pay(bob, ada.address, 1));
    await stranger.publish('transactions', good);
    await village.clock.pass(2);
    expect(node.parts.mempool.size().count).toBe(0);
    await village.clock.pass(1_000);
    expect(heightOf(node)).toBe(before);
    await stranger.publish('transactions', good);
    await village.clock.pass(1_000);
    expect(heightOf(node)).toBe(before + 1);
    expect(village.hub.penalties.filter(({ peerId }) => peerId === 'flood')).toEqual([]);
  });
});
