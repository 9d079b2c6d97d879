import type { Bytes } from '../../../base/index.ts';
import { defined } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { accountStateKeys } from '../../../ledger/index.ts';
import { peerStatusCodec } from '../../../node/messages.ts';
import { chunksAnswerCodec, manifestAnswerCodec } from '../../../node/snapshot-messages.ts';
import { verifyProof } from '../../../state/index.ts';
import { amongLiars, openAmong } from '../liars.ts';
import type { LiveNode } from '../live-node.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken } from '../types.ts';
import type { Witness } from '../witness.ts';
import { openWitness } from '../witness.ts';
import { bytesTarget } from './codec-target.ts';

/** What liars lie about. */
const LIE_KINDS = ['snapshots', 'manifest', 'chunks'] as const;
type LieKind = (typeof LIE_KINDS)[number];

/** Until a node that found no snapshot looks for one again, and asks those who came. */
const STAY_MS: { readonly [Kind in LieKind]: number } = {
  snapshots: 10,
  manifest: 6_000,
  chunks: 6_000,
};
/** A snapshot is worth it where the recording has one. */
const OPTIONS = { snapshotWorthBlocks: 3 } as const;
const EMPTY = new Uint8Array(0);
/** What comes after the lie: so that nothing is taken over but what a liar gave. */
const NO_MANIFEST = encode(manifestAnswerCodec, { manifest: undefined });
const NO_CHUNKS = encode(chunksAnswerCodec, { chunks: [undefined] });

/** What a node says of itself that keeps blocks from its snapshot on: nobody can replay them. */
async function pruned({ live, ask }: Witness): Promise<Bytes> {
  const told = await live.village.clock.run(ask('status', EMPTY));
  const status = decode(peerStatusCodec, told ?? EMPTY);
  if (!status.ok) throw new Error('an honest status is one');
  const earliestHeight = defined(live.node.parts.store.snapshots()[0], 'a snapshot').height;
  return encode(peerStatusCodec, { ...status.value, earliestHeight });
}

/** A state that was taken over must be that of its block, to the last key that is asked for. */
async function judgeState({ node, village }: LiveNode): Promise<void> {
  const { header } = node.parts.store.head();
  const { sequence, nativeBalance } = accountStateKeys(PEOPLE.ada.address);
  const keys = [sequence, nativeBalance];
  const proof = await village.clock.run(node.parts.store.prove(header.height, keys));
  const verified = verifyProof(village.world.ledger.suite, header.stateRoot, keys, proof);
  if (!verified.ok) throw new Broken('a state that is not the one of its block');
}

const target: Target = bytesTarget(
  'snapshot-node',
  'kind u8, then what a hostile peer answers to a node that takes over a state',
  async () => {
    const recording = await recordNetwork();
    const witness = await openWitness(recording);
    const status = await pruned(witness);
    return amongLiars({
      recording,
      witness,
      kinds: LIE_KINDS,
      together: 6,
      lifeRuns: 4_096,
      answer({ kind, body }, liar) {
        if (kind === 'status') return status;
        if (liar === undefined) return witness.ask(kind, body);
        if (kind === liar.about) return liar.tell();
        if (kind === 'manifest' && liar.about === 'snapshots') return NO_MANIFEST;
        return kind === 'chunks' ? NO_CHUNKS : witness.ask(kind, body);
      },
      open: (answer) => openAmong(recording, answer, OPTIONS),
      async visit(kind, { village }) {
        await village.clock.pass(STAY_MS[kind]);
        return 'told';
      },
      async judge(live, end) {
        if (live.node.parts.chain.head().header.height === 0) return { end, isUsedUp: false };
        await judgeState(live);
        return { end: 'adopted', isUsedUp: true };
      },
    });
  },
);

export const snapshotNodeTargets: readonly Target[] = [target];
