import { equalBytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { CommitCertificate, Header, Height } from '../ledger/index.ts';
import { certifies } from '../ledger/index.ts';
import type { LightBlock, TrustedBlock } from '../light/index.ts';
import { lightAnswerCodec, lightRequestCodec } from '../light/index.ts';
import type { NodeCore } from './parts.ts';
import type { PeerQuestions } from './questions.ts';

/** What proves a block of our own chain; absent where the header below it is not at hand. */
export function lightBlockOf(
  parent: Header | undefined,
  trusted: TrustedBlock,
  certificate: CommitCertificate,
): LightBlock | undefined {
  const { header, membership, nextMembership } = trusted;
  if (parent === undefined || parent.height !== header.height - 1) return undefined;
  const isSame = nextMembership === membership;
  const next = isSame ? undefined : nextMembership;
  return { parent, header, certificate, membership, nextMembership: next };
}

/**
 * What proves a block that is trusted already: its certificate, and the header below it. Absent
 * when nobody gives it. Rejects with `aborted` alone.
 */
export function askLightBlock(
  { ledger, home }: NodeCore,
  questions: PeerQuestions,
  { header, hash, membership }: TrustedBlock,
  signal: AbortSignal,
): Promise<LightBlock | undefined> {
  const { height } = header;
  if (height === 0) return Promise.resolve(undefined);
  const from = (height - 1) as Height; // Above genesis.
  return questions.ask<LightBlock>({
    kind: 'light',
    body: encode(lightRequestCodec, { from, heights: [height] }),
    height,
    signal,
    judge: async (answer) => {
      const decoded = decode(lightAnswerCodec, answer);
      if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
      const block = decoded.value.blocks.find((each) => each.header.height === height);
      // Another block than ours is judged where headers are, not here.
      if (block === undefined || !equalBytes(ledger.blockHash(block.header), hash)) {
        return { kind: 'absent' };
      }
      const { certificate, parent } = block;
      const isParent = equalBytes(ledger.blockHash(parent), header.parentHash);
      const claims = ledger.certificateClaims(membership, certificate);
      const isAbout = certifies(certificate, { hash, height });
      if (!isParent || !isAbout || !claims.ok) return { kind: 'bad', fault: 'false-answer' };
      const verdicts = await home.verifier.verify(claims.value);
      const isValid = verdicts.every((each) => each);
      return isValid ? { kind: 'good', value: block } : { kind: 'bad', fault: 'false-answer' };
    },
  });
}
