import { AVOIDED_MAX } from './limits.ts';
import type { Batch, HandOver } from './types.ts';

type Batches<Payload> = readonly Batch<Payload>[];
export type Waiting = {
  readonly kind: 'waiting';
  readonly from: number;
  readonly count: number;
  readonly avoided: readonly string[];
};

export function waiting(from: number, count: number, avoided: readonly string[] = []): Waiting {
  return { kind: 'waiting', from, count, avoided };
}

/** The first height after the batches, or after `before` when there are none. */
export function endOf<Payload>(batches: Batches<Payload>, before: number): number {
  const last = batches.at(-1);
  return last === undefined ? before + 1 : last.from + last.count;
}

/** The batches above a height; one that reaches across it keeps its upper part. */
export function above<Payload>(batches: Batches<Payload>, height: number): Batches<Payload> {
  return batches.flatMap((batch): Batches<Payload> => {
    const cut = height + 1 - batch.from;
    if (cut <= 0) return [batch];
    if (cut >= batch.count) return [];
    const rest = { from: batch.from + cut, count: batch.count - cut };
    return batch.kind === 'received'
      ? [{ ...batch, ...rest, blocks: batch.blocks.slice(cut) }]
      : [{ ...batch, ...rest }];
  });
}

/** Without what nobody claims to have: batches that wait above the target. */
export function upTo<Payload>(batches: Batches<Payload>, target: number): Batches<Payload> {
  const kept = [...batches];
  for (let last = kept.at(-1); last?.kind === 'waiting'; last = kept.at(-1)) {
    if (last.from + last.count - 1 <= target) break;
    kept.pop();
    if (last.from <= target) {
      kept.push({ ...last, count: target - last.from + 1 });
      break;
    }
  }
  return kept;
}

/** Puts what was asked of a peer, and what came from it if it lied, back in the queue. */
export function takeFrom<Payload>(
  batches: Batches<Payload>,
  peerId: string,
  isLiar: boolean,
): Batches<Payload> {
  return batches.map((batch): Batch<Payload> => {
    if (batch.kind === 'waiting' || batch.peerId !== peerId) return batch;
    if (batch.kind === 'requested') {
      return waiting(batch.from, batch.count, avoiding(batch.avoided, peerId));
    }
    return isLiar ? waiting(batch.from, batch.count, [peerId]) : batch;
  });
}

/** Blocks that were handed over in vain: those of the liar are asked for again, others kept. */
export function takeBack<Payload>(
  handed: readonly HandOver<Payload>[],
  liar: string,
): Batches<Payload> {
  return handed.map(
    ({ block, peerId }): Batch<Payload> =>
      peerId === liar
        ? waiting(block.height, 1, [liar])
        : { kind: 'received', from: block.height, count: 1, peerId, blocks: [block] },
  );
}

/** Joins neighbours that wait, up to the size of a batch, so that fragments do not add up. */
export function joined<Payload>(batches: Batches<Payload>, countMax: number): Batches<Payload> {
  const out: Batch<Payload>[] = [];
  for (const batch of batches) {
    const last = out.at(-1);
    if (
      last?.kind === 'waiting' &&
      batch.kind === 'waiting' &&
      last.count + batch.count <= countMax
    ) {
      const avoided = batch.avoided.reduce(avoiding, last.avoided);
      out[out.length - 1] = waiting(last.from, last.count + batch.count, avoided);
    } else out.push(batch);
  }
  return out;
}

/** Adds a peer to those that failed, forgetting the earliest beyond the bound. */
export function avoiding(avoided: readonly string[], peerId: string): readonly string[] {
  return [...avoided.filter((each) => each !== peerId), peerId].slice(-AVOIDED_MAX);
}

export function heldBytes<Payload>(batches: Batches<Payload>): number {
  let bytes = 0;
  for (const batch of batches) {
    if (batch.kind !== 'received') continue;
    for (const block of batch.blocks) bytes += block.sizeBytes;
  }
  return bytes;
}
