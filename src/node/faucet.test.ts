import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';
import type { Address } from '../ledger/index.ts';
import { NATIVE_ASSET, readBalance } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { FaucetQuotas } from './faucet-quotas.ts';
import {
  FAUCET_GRANTS_PER_CALLER_MAX,
  FAUCET_GRANTS_TO_UNKNOWN_MAX,
  FAUCET_WAITING_MAX,
  FAUCET_WINDOW_MS,
} from './limits.ts';
import { VALIDATORS, Village } from './testing/village.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const [FIRST, SECOND] = VALIDATORS;
const INTERVAL_MS = 60_000;
const AMOUNT = 1_000n;
const operator = person('faucet');
const { signal } = new AbortController();

let village: Village;
beforeEach(async () => {
  village = new Village({
    faucet: { policy: operator.policy, amount: AMOUNT, intervalMs: INTERVAL_MS },
  });
  await village.start(FIRST, { hasFaucet: true });
  await village.startAll(...VALIDATORS.slice(1));
});
afterEach(() => village.stopAll());

const grant = (to: Address, caller = '192.0.2.1') =>
  village.clock.run(village.node(FIRST).requestCoins(to, caller, signal));

async function balanceOf(address: Address): Promise<bigint> {
  const { value } = await village.node(SECOND).parts.chain.read((view) => ({
    kind: 'read' as const,
    value: readBalance(view, address, NATIVE_ASSET),
  }));
  return value;
}

async function granted(to: Address, caller?: string): Promise<void> {
  const answer = await grant(to, caller);
  if (!answer.ok) throw new Error(answer.error.code);
  expect(await village.settled(answer.value)).toEqual(['final']);
}

describe('the faucet', () => {
  it('grants once an account and interval, and again after it', async () => {
    const { address } = person('ada');
    await granted(address);
    expect(await balanceOf(address)).toBe(AMOUNT);
    const refused = await grant(address);
    expect(refused).toMatchObject({ ok: false, error: { code: 'faucet-too-soon' } });
    await village.clock.pass(INTERVAL_MS);
    await granted(address);
    expect(await balanceOf(address)).toBe(2n * AMOUNT);
  });

  it('does not make a second grant while the first waits for its block', async () => {
    const { address } = person('ada');
    const { node } = { node: village.node(FIRST) };
    const [one, two] = await village.clock.run(
      Promise.all([
        node.requestCoins(address, '192.0.2.1', signal),
        node.requestCoins(address, '192.0.2.2', signal),
      ]),
    );
    expect(one.ok).toBe(true);
    expect(two).toMatchObject({ ok: false, error: { code: 'faucet-too-soon' } });
  });

  it('gives every one of many that ask at once a sequence of its own', async () => {
    const addresses = Array.from({ length: 20 }, (_, at) => person(`p${at}`).address);
    const node = village.node(FIRST);
    const answers = await village.clock.run(
      Promise.all(
        addresses.map((address, at) => node.requestCoins(address, `192.0.2.${at}`, signal)),
      ),
    );
    for (const answer of answers) {
      if (!answer.ok) throw new Error(answer.error.code);
      expect(await village.settled(answer.value)).toEqual(['final']);
    }
    for (const address of addresses) expect(await balanceOf(address)).toBe(AMOUNT);
  });

  it('bounds those that wait, and tells the others when to come back', async () => {
    const node = village.node(FIRST);
    const asking = Array.from({ length: FAUCET_WAITING_MAX + 5 }, (_, at) =>
      node.requestCoins(person(`p${at}`).address, `198.51.100.${at}`, signal),
    );
    const answers = await village.clock.run(Promise.all(asking));
    const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
    expect(refused.length).toBeGreaterThanOrEqual(5);
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'faucet-too-soon' });
      if (error.code === 'faucet-too-soon') expect(error.retryAfterMs).toBeGreaterThan(0);
    }
  });

  it('grants only so many to one caller in a window', async () => {
    for (let at = 0; at < FAUCET_GRANTS_PER_CALLER_MAX; at++) {
      expect((await grant(person(`p${at}`).address)).ok).toBe(true);
    }
    const refused = await grant(person('one more').address);
    expect(refused).toMatchObject({ ok: false, error: { code: 'faucet-too-soon' } });
    expect((await grant(person('another').address, '192.0.2.9')).ok).toBe(true);
  });

  it('that is empty says so', async () => {
    await village.stopAll();
    village = new Village({
      faucet: { policy: operator.policy, amount: AMOUNT, supply: AMOUNT / 2n },
      validators: [{ publicKey: person(FIRST).pair.publicKey, name: FIRST }],
    });
    await village.start(FIRST, { hasFaucet: true });
    const refused = await grant(person('ada').address);
    expect(refused).toEqual({ ok: false, error: { code: 'faucet-empty' } });
  });

  it('is found by a tab through relays that have none themselves', async () => {
    await village.start('tab', { home: 'tab', remoteAddress: '203.0.113.5' });
    village.hub.cut('tab', FIRST);
    await village.clock.pass(100);
    const { address } = person('ada');
    const answer = await village.clock.run(village.node('tab').requestCoins(address, '', signal));
    if (!answer.ok) throw new Error(answer.error.code);
    expect(await village.settled(answer.value)).toEqual(['final']);
    expect(await balanceOf(address)).toBe(AMOUNT);
    const again = await village.clock.run(village.node('tab').requestCoins(address, '', signal));
    expect(again).toMatchObject({ ok: false, error: { code: 'faucet-too-soon' } });
  });

  it('takes only a relay of its own settings at its word that it asks for others', async () => {
    const ask = (name: string, to: Address) =>
      village.clock.run(
        // The request as the protocol has it: recipient, then `isForwarded`.
        village
          .node(name)
          .network()
          ?.request(FIRST, 'faucet', Uint8Array.of(...to, 1))
          .then((answer) => answer[0] === 0) ?? Promise.resolve(false),
      );
    await village.stop(FIRST);
    await village.start(FIRST, { hasFaucet: true, relays: ['/dns4/b.example/tcp/1/ws/p2p/known'] });
    await village.start('known', { remoteAddress: '198.51.100.7' });
    await village.start('unknown', { remoteAddress: '198.51.100.7' });
    await village.clock.pass(100);
    const count = FAUCET_GRANTS_PER_CALLER_MAX;
    for (let at = 0; at < count; at++) {
      expect(await ask('unknown', person(`u${at}`).address)).toBe(true);
    }
    // Its own address has had its share, whatever it says of whom it asks for.
    expect(await ask('unknown', person('one more').address)).toBe(false);
    for (let at = 0; at <= count; at++) {
      expect(await ask('known', person(`k${at}`).address)).toBe(true);
    }
  });

  it('is found by a tab that asks before any relay told it is one', async () => {
    village.hub.delivers = ({ from, kind }) => from !== 'tab' || kind !== 'request-status';
    await village.start('tab', { home: 'tab' });
    const { address } = person('ada');
    const asking = village.node('tab').requestCoins(address, '', signal);
    await village.clock.pass(1_000);
    village.hub.delivers = () => true;
    village.node('tab').wake();
    const answer = await village.clock.run(asking);
    if (!answer.ok) throw new Error(answer.error.code);
    expect(await village.settled(answer.value)).toEqual(['final']);
  });

  it('is absent, after a bounded time, where nobody is', async () => {
    await village.start('tab', { home: 'tab' });
    for (const name of VALIDATORS) village.hub.cut('tab', name);
    const from = village.clock.now();
    const asking = village.node('tab').requestCoins(person('ada').address, '', signal);
    expect(await village.clock.run(asking)).toEqual({
      ok: false,
      error: { code: 'faucet-absent' },
    });
    expect(village.clock.now() - from).toBeLessThan(10_000);
  });

  it('is absent where no relay has one', async () => {
    await village.stop(FIRST);
    await village.start('tab', { home: 'tab' });
    await village.clock.pass(100);
    const { address } = person('ada');
    const answer = await village.clock.run(village.node('tab').requestCoins(address, '', signal));
    expect(answer).toEqual({ ok: false, error: { code: 'faucet-absent' } });
  });

  it('stops asking when the asker leaves', async () => {
    await village.start('tab', { home: 'tab' });
    await village.clock.pass(100);
    const asking = village.node('tab').requestCoins(person('ada').address, '', AbortSignal.abort());
    await expect(village.clock.run(asking)).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('quotas', () => {
  const quotas = () => {
    const clock = new VirtualClock(0);
    return { clock, quotas: new FaucetQuotas(clock) };
  };
  const spendAll = (of: FaucetQuotas, caller: Parameters<FaucetQuotas['quotaOf']>[0]) => {
    let count = 0;
    for (let quota = of.quotaOf(caller); quota.waitMs === 0; quota = of.quotaOf(caller)) {
      quota.spend();
      count += 1;
    }
    return count;
  };

  it('begin anew with each window', async () => {
    const { clock, quotas: of } = quotas();
    const caller = { address: '192.0.2.1' };
    expect(spendAll(of, caller)).toBe(FAUCET_GRANTS_PER_CALLER_MAX);
    expect(of.quotaOf(caller).waitMs).toBe(FAUCET_WINDOW_MS);
    await clock.pass(FAUCET_WINDOW_MS);
    expect(of.quotaOf(caller).waitMs).toBe(0);
  });

  it('count the addresses of one network of IPv6 as one caller', () => {
    const { quotas: of } = quotas();
    expect(spendAll(of, { address: '2001:db8:1:2::1' })).toBe(FAUCET_GRANTS_PER_CALLER_MAX);
    for (const address of ['2001:db8:1:2::ffff', '2001:0DB8:0001:0002:a:b:c:d']) {
      expect(of.quotaOf({ address }).waitMs).toBeGreaterThan(0);
    }
    expect(of.quotaOf({ address: '2001:db8:1:3::1' }).waitMs).toBe(0);
  });

  it('count a grant before it is made, and give back what came to nothing', async () => {
    const { quotas: of } = quotas();
    const caller = { address: '192.0.2.1' };
    const finish: (() => void)[] = [];
    const slow = () =>
      new Promise<Result<number, 'no'>>((resolve) => {
        finish.push(() => resolve(fail('no')));
      });
    const asked = Array.from({ length: FAUCET_GRANTS_PER_CALLER_MAX + 5 }, () =>
      of.grant(caller, slow),
    );
    expect(finish).toHaveLength(FAUCET_GRANTS_PER_CALLER_MAX);
    for (const each of finish) each();
    const answers = await Promise.all(asked);
    expect(answers.filter(({ ok: isOk }) => isOk)).toEqual([]);
    await expect(of.grant(caller, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    for (let at = 0; at < FAUCET_GRANTS_PER_CALLER_MAX; at++) {
      expect(await of.grant(caller, async () => ok(at))).toEqual(ok(at));
    }
    const refused = await of.grant(caller, async () => ok(0));
    expect(refused).toMatchObject({ ok: false, error: { code: 'faucet-too-soon' } });
  });

  it('of peers without an address end together, since peer ids cost nothing', () => {
    const { quotas: of } = quotas();
    let count = 0;
    for (let at = 0; at < 1_000; at++) {
      const quota = of.quotaOf({ address: undefined, peerId: `peer ${at}` });
      if (quota.waitMs > 0) break;
      quota.spend();
      count += 1;
    }
    expect(count).toBe(FAUCET_GRANTS_TO_UNKNOWN_MAX);
    expect(of.quotaOf({ address: '192.0.2.1' }).waitMs).toBe(0);
  });
});
