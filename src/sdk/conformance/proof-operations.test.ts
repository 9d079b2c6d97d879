import { describe, expect, it } from 'vitest';
import type { Json } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import { encode, toJson } from '../../codec/index.ts';
import { hashSuite } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import { lightBlockCodec, trustedBlockCodec } from '../../light/index.ts';
import { createTestChain } from '../../light/testing/chain.ts';
import { joinPages, manifestCodec, manifestOfPages, StateTree } from '../../state/index.ts';
import { createReferenceVerifier } from '../../verifier/index.ts';
import { answerConformance } from './index.ts';

const home = { verifier: createReferenceVerifier() };

function ask(op: string, input: { readonly [name: string]: Json }): Promise<Json> {
  return answerConformance(JSON.stringify({ op, input }), home);
}
const good = (result: Json) => ({ ok: true, result });

describe('light.verify', () => {
  const membersAt = (height: number) => (height <= 10 ? [1, 2, 3, 4] : [4, 5, 6, 7]);
  const chain = createTestChain({ length: 20, membersAt });
  const question = (height: number) => ({
    chainId: formatHex(chain.anchor.chainId),
    trusted: toJson(trustedBlockCodec, chain.genesis),
    block: toJson(lightBlockCodec, chain.blockAt(height)),
    nowMs: chain.endMs,
  });

  it('tells who is trusted, also by bytes, and where trust does not reach', async () => {
    const trusted = good({ verdict: 'trusted', hash: formatHex(chain.hashAt(10)) });
    expect(await ask('light.verify', question(10))).toEqual(trusted);
    const block = formatHex(encode(lightBlockCodec, chain.blockAt(10)));
    const bytes = { trusted: formatHex(encode(trustedBlockCodec, chain.genesis)), block };
    expect(await ask('light.verify', { ...question(10), ...bytes })).toEqual(trusted);
    expect(await ask('light.verify', question(20))).toEqual(good({ verdict: 'not-enough-trust' }));
  });

  it('refuses by the rule that is broken', async () => {
    const refused = (code: string) => good({ verdict: 'refused', code });
    const early = { ...question(10), nowMs: chain.endMs - 30_000 };
    expect(await ask('light.verify', early)).toEqual(refused('from-the-future'));
    const late = { ...question(10), trustingPeriodMs: 20_000 };
    expect(await ask('light.verify', late)).toEqual(refused('trust-expired'));
    const block = chain.blockAt(10);
    const [first, ...others] = block.certificate.signatures;
    if (first === undefined) throw new Error('it is signed');
    const signature = first.signature.map((byte, at) => (at === 9 ? byte ^ 1 : byte));
    const signatures = [{ ...first, signature }, ...others];
    const forged = { ...block, certificate: { ...block.certificate, signatures } };
    const json = toJson(lightBlockCodec, forged);
    expect(await ask('light.verify', { ...question(10), block: json })).toEqual(
      refused('certificate-signature-invalid'),
    );
  });

  it('names the member that is no value', async () => {
    const malformed = (member: string) => ({ ok: false, error: { member } });
    for (const member of ['chainId', 'trusted', 'block', 'nowMs', 'trustingPeriodMs']) {
      const answer = await ask('light.verify', { ...question(10), [member]: { wrong: 1 } });
      expect(answer).toMatchObject(malformed(member));
    }
  });
});

describe('a state in chunks', () => {
  const suite = hashSuite('blake3-256');
  const tree = StateTree.empty(suite, { pageBytesMax: 2_000 });
  const changes = Array.from({ length: 3_000 }, (_, at) => ({
    key: Uint8Array.of(1, at >> 8, at & 255),
    value: new Uint8Array(40).fill(at),
  }));
  tree.apply(1 as Height, changes); // A small number is one.
  const plan = tree.planCheckpoint(1);
  const { root, manifest, chunks } = manifestOfPages(suite, plan.pages);
  const about = { root: formatHex(root), manifest: toJson(manifestCodec, manifest) };
  const chunkAt = (index: number): string => {
    const encoded = (chunks[index]?.pages ?? []).map((page) => plan.encode(page).value);
    return formatHex(joinPages(encoded) ?? new Uint8Array());
  };

  it('is divided by its manifest, and every chunk verified alone', async () => {
    const answer = await ask('state.readManifest', about);
    expect(answer).toMatchObject({ ok: true });
    expect(chunks.length).toBeGreaterThan(2);
    for (const index of [0, chunks.length - 1]) {
      const { weight, count } = chunks[index] ?? {};
      const checked = await ask('state.verifyChunk', { ...about, index, bytes: chunkAt(index) });
      expect(checked).toEqual({ ok: true, result: { valid: true, weight, count } });
    }
  });

  it('has no chunk that is another, and none beyond the last', async () => {
    const other = await ask('state.verifyChunk', { ...about, index: 0, bytes: chunkAt(1) });
    expect(other).toMatchObject({ ok: true, result: { valid: false } });
    const none = await ask('state.verifyChunk', { ...about, index: 0, bytes: '' });
    expect(none).toEqual(good({ valid: false, code: 'chunk-malformed' }));
    const index = chunks.length;
    expect(await ask('state.verifyChunk', { ...about, index, bytes: '' })).toMatchObject({
      error: { code: 'index-unknown' },
    });
  });

  it('of another root has no such manifest', async () => {
    const answer = await ask('state.readManifest', { ...about, root: '00'.repeat(32) });
    expect(answer).toMatchObject({ ok: false, error: { member: 'manifest' } });
  });
});
