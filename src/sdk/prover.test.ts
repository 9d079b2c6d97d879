import { describe, expect, it } from 'vitest';
import type { Json } from '../base/index.ts';
import { TabellionError, timestampMs } from '../base/index.ts';
import { parseJson } from '../codec/index.ts';
import type { Address } from '../ledger/index.ts';
import type { LightBlock } from '../light/index.ts';
import { TRUSTING_PERIOD_MS } from '../light/index.ts';
import type { TestChain } from '../light/testing/chain.ts';
import { certify, createTestChain } from '../light/testing/chain.ts';
import type { Finality } from '../rpc/index.ts';
import { builtinMethods } from '../rpc/index.ts';
import { createClient } from './client.ts';
import type { ProverAnchor } from './prover.ts';
import { createProver, trustedBlockOfJson, trustedBlockToJson } from './prover.ts';
import type { Transport } from './transport.ts';
import { verifyFinality } from './verify.ts';

const methods = builtinMethods();
const spec = methods['light.blocks'];
const LENGTH = 400;
const ADDRESS = new Uint8Array(32).fill(7) as unknown as Address; // 32 bytes, as every address.
/** Every 40 heights one of four members leaves and another comes: soon all are others. */
const membersAt = (height: number) => {
  const first = Math.floor(height / 40);
  return [first, first + 1, first + 2, first + 3].map((key) => key + 1);
};
const chain = createTestChain({ length: LENGTH, membersAt });

function anchorOf({ anchor, genesis }: TestChain, isFixed = false): ProverAnchor {
  return { ...anchor, membership: genesis.membership, isFixed, genesis };
}

/** A server of light blocks; `change` spoils what it says. What is newest is at `head`. */
function serverOf(change: (block: LightBlock) => LightBlock | Json = (block) => block) {
  const asked: number[][] = [];
  const server = { head: LENGTH };
  const transport: Transport = {
    trustMax: 'reported',
    async call(method, params) {
      const final = finalityAt(server.head);
      if (method === 'block.get') {
        const rest = { transactionCount: 0, sizeBytes: 0, transactions: [], trust: 'reported' };
        return methods[method].result.toJson({ ...final, ...rest } as never);
      }
      if (method === 'account.proof') {
        const account = { address: ADDRESS, keys: [], proof: new Uint8Array() };
        return methods[method].result.toJson({ ...final, ...account });
      }
      expect(method).toBe('light.blocks');
      const question = parseJson(spec.params, params);
      if (!question.ok) throw new TabellionError('params-invalid');
      const { heights } = question.value;
      asked.push([...heights]);
      const blocks = heights
        .filter((height) => height > 0 && height <= LENGTH)
        .map((height) => change(chain.blockAt(height)));
      if (blocks.some((block) => typeof block !== 'object')) return { blocks } as Json;
      return spec.result.toJson({ blocks: blocks as LightBlock[] });
    },
    subscribe: () => () => undefined,
    close: () => undefined,
  };
  return { client: createClient(transport), asked, server };
}

function clockAt(nowMs: number) {
  return { now: () => timestampMs(nowMs), after: () => () => undefined };
}

function finalityAt(height: number, of = chain): Finality {
  const { header, certificate, membership } = of.blockAt(height);
  return { header, hash: of.hashAt(height), certificate, membership };
}

function proverOf(client: ReturnType<typeof serverOf>['client'], nowMs = chain.endMs) {
  return createProver(client, anchorOf(chain), { clock: clockAt(nowMs) });
}

const codeOf = (result: { ok: boolean; error?: object }) => (result.ok ? 'ok' : result.error);

describe('a prover', () => {
  it('proves headers whose members are all others than those of genesis, in few questions', async () => {
    const { client, asked } = serverOf();
    const prover = proverOf(client);
    const proven = await prover.finality(finalityAt(LENGTH));
    expect(proven).toMatchObject({ ok: true, value: { trust: 'proven', height: LENGTH } });
    expect(prover.head().header.height).toBe(LENGTH);
    expect(asked.length).toBeLessThan(6);
    // Nothing of it could be proven by the members that genesis names.
    const refused = await verifyFinality(anchorOf(chain), finalityAt(LENGTH));
    expect(codeOf(refused)).toEqual({ code: 'membership-unknown' });
  });

  it('proves headers below and at its head, genesis too', async () => {
    const { client, asked } = serverOf();
    const prover = proverOf(client);
    for (const height of [LENGTH, 123, LENGTH, 1]) {
      expect(codeOf(await prover.finality(finalityAt(height)))).toBe('ok');
    }
    const before = asked.length;
    const genesis = { ...finalityAt(1), header: chain.headerAt(0), hash: chain.hashAt(0) };
    expect(codeOf(await prover.finality(genesis))).toBe('ok');
    expect(asked.length).toBe(before);
  });

  it('goes on from where another one had come', async () => {
    const { client, asked } = serverOf();
    const options = { clock: clockAt(chain.endMs), trusted: chain.trustedAt(LENGTH - 1) };
    const prover = createProver(client, anchorOf(chain), options);
    expect(codeOf(await prover.finality(finalityAt(LENGTH)))).toBe('ok');
    expect(asked).toHaveLength(1);
  });

  it('refuses what is older than it proved before it asked, and nothing else', async () => {
    const { client, server } = serverOf();
    const prover = proverOf(client);
    server.head = 60;
    expect(codeOf(await prover.newest())).toBe('ok');
    server.head = 10;
    const stale = { code: 'header-stale', height: 10, provenHeight: 60 };
    expect(codeOf(await prover.newest())).toEqual(stale);
    expect(codeOf(await prover.account(ADDRESS))).toEqual(stale);
    expect(codeOf(await prover.balance(ADDRESS))).toEqual(stale);
    // An old header that somebody names is no older than it should be.
    expect(codeOf(await prover.finality(finalityAt(10)))).toBe('ok');
    for (const head of [60, 61]) {
      server.head = head;
      expect(codeOf(await prover.newest())).toBe('ok');
      expect(codeOf(await prover.account(ADDRESS))).not.toMatchObject({ code: 'header-stale' });
    }
    // Asked together, they may be answered in any order.
    server.head = 70;
    const slow = prover.newest();
    server.head = 80;
    expect((await Promise.all([prover.newest(), slow])).map(codeOf)).toEqual(['ok', 'ok']);
    expect(prover.head().header.height).toBe(80);
  });

  it('goes back behind no visit of before', async () => {
    const { client, server } = serverOf();
    const options = { clock: clockAt(chain.endMs), trusted: chain.trustedAt(200) };
    server.head = 199;
    const refused = await createProver(client, anchorOf(chain), options).newest();
    expect(codeOf(refused)).toMatchObject({ code: 'header-stale', provenHeight: 200 });
  });

  it('is kept as JSON between two visits, and refuses what is none of its network', async () => {
    const kept = trustedBlockToJson(chain.trustedAt(200));
    const text = JSON.parse(JSON.stringify(kept)) as { [name: string]: Json }; // As it was kept.
    const anchor = anchorOf(chain);
    expect(trustedBlockOfJson(anchor, text)).toEqual(chain.trustedAt(200));
    const members = trustedBlockToJson(chain.trustedAt(2)) as { [name: string]: Json }; // As above.
    for (const wrong of [
      {},
      null,
      { ...text, hash: '00'.repeat(32) },
      { ...text, nextMembership: members.nextMembership ?? null },
    ]) {
      expect(trustedBlockOfJson(anchor, wrong)).toBeUndefined();
    }
    const other = { ...anchor, chainId: chain.hashAt(1) };
    expect(trustedBlockOfJson(other, text)).toBeUndefined();
  });

  it('answers questions that come together, in their order', async () => {
    const prover = proverOf(serverOf().client);
    const heights = [300, 7, 399, 300];
    const all = heights.map((height) => prover.finality(finalityAt(height)));
    expect((await Promise.all(all)).map(codeOf)).toEqual(heights.map(() => 'ok'));
  });

  it('refuses a header that is another than it says, or of another network', async () => {
    const { client, asked } = serverOf();
    const prover = proverOf(client);
    const wrong = { ...finalityAt(9), hash: chain.hashAt(8) };
    expect(codeOf(await prover.finality(wrong))).toEqual({ code: 'header-hash-mismatch' });
    const other = { ...finalityAt(9), header: { ...chain.headerAt(9), chainId: chain.hashAt(1) } };
    expect(codeOf(await prover.finality(other))).toEqual({ code: 'wrong-network' });
    expect(asked).toEqual([]);
  });

  it('believes no chain of others, and proves the true one afterwards', async () => {
    const fork = createTestChain({ length: LENGTH, membersAt: () => [91, 92, 93, 94] });
    let isLying = true;
    const { client } = serverOf((block) => (isLying ? fork.blockAt(block.header.height) : block));
    const prover = proverOf(client);
    const lie = finalityAt(LENGTH, fork);
    expect(await prover.finality(lie)).toMatchObject({ ok: false });
    expect(await prover.finality({ ...lie, ...finalityAt(LENGTH) })).toMatchObject({ ok: false });
    isLying = false;
    expect(codeOf(await prover.finality(finalityAt(LENGTH)))).toBe('ok');
    expect(codeOf(await prover.finality(lie))).toEqual({ code: 'certificate-mismatch' });
  });

  it.each<readonly [string, (block: LightBlock) => LightBlock | Json]>([
    [
      'a signature',
      (block) => ({
        ...block,
        certificate: {
          ...block.certificate,
          signatures: block.certificate.signatures.map((each) => ({
            ...each,
            signature: each.signature.map((byte, at) => (at === 5 ? byte ^ 1 : byte)),
          })),
        },
      }),
    ],
    [
      'too few signatures',
      (block) => {
        const { height } = block.header;
        const members = membersAt(height);
        const place = { height, hash: chain.hashAt(height) };
        const certificate = certify(chain.anchor, place, members, members.slice(0, 2));
        return { ...block, certificate };
      },
    ],
    ['members', (block) => ({ ...block, membership: chain.blockAt(1).membership })],
    ['a parent', (block) => ({ ...block, parent: chain.headerAt(0) })],
    ['nothing that decodes', () => 'light'],
  ])('proves nothing by %s that are wrong', async (_, change) => {
    const prover = proverOf(serverOf(change).client);
    const refused = await prover.finality(finalityAt(LENGTH));
    expect(refused).toMatchObject({ ok: false, error: { code: 'header-unproven' } });
    expect(prover.head().header.height).toBe(0);
  });

  it('proves nothing more once two blocks of one height are certified', async () => {
    const fork = createTestChain({ length: LENGTH, membersAt, fork: { from: 350, mark: 1 } });
    let isLying = false;
    const { client } = serverOf((block) => (isLying ? fork.blockAt(block.header.height) : block));
    const prover = proverOf(client);
    expect(codeOf(await prover.finality(finalityAt(360)))).toBe('ok');
    isLying = true;
    const refused = await prover.finality(finalityAt(380, fork));
    expect(refused).toMatchObject({ ok: false, error: { code: 'light-alarm', height: 360 } });
    expect(prover.alarm()?.other.header.height).toBe(360);
    isLying = false;
    expect(await prover.finality(finalityAt(390))).toMatchObject({ ok: false });
  });

  it('does not build on what is older than members can be punished, unless they stay', async () => {
    const nowMs = chain.endMs + TRUSTING_PERIOD_MS;
    const { client } = serverOf();
    const refused = await proverOf(client, nowMs).finality(finalityAt(LENGTH));
    const error = { code: 'header-unproven', reason: 'trust-expired' };
    expect(codeOf(refused)).toEqual(error);
    const fixed = createProver(client, anchorOf(chain, true), { clock: clockAt(nowMs) });
    expect(codeOf(await fixed.finality(finalityAt(30)))).toBe('ok');
  });

  it('rejects as its client does, and asks again the next time', async () => {
    let isBroken = true;
    const { client } = serverOf((block) => {
      if (isBroken) throw new TabellionError('connection-failed');
      return block;
    });
    const prover = proverOf(client);
    await expect(prover.finality(finalityAt(50))).rejects.toMatchObject({
      code: 'connection-failed',
    });
    isBroken = false;
    expect(codeOf(await prover.finality(finalityAt(50)))).toBe('ok');
  });
});
