import { encode } from '../../src/codec/index.ts';
import { hashSuite } from '../../src/crypto/index.ts';
import { journalRecordCodec, orderedKey, seal } from '../../src/node/store/records.ts';
import type { KeyValueStore } from '../../src/storage/index.ts';
import { roundsOf } from './workload.ts';

/** Rounds that are not kept. */
export const WARM_UP_ROUNDS = 2;

/**
 * Milliseconds of each commit of `UPDATES` changes as a node writes them: one journal record,
 * encoded, sealed and written.
 */
export async function commitMs(
  store: KeyValueStore,
  rounds: number,
  durability: 'relaxed' | 'strict',
): Promise<number[]> {
  const suite = hashSuite('blake3-256');
  const samples: number[] = [];
  for (const [at, changes] of roundsOf(WARM_UP_ROUNDS + rounds).entries()) {
    const startedMs = performance.now();
    const record = encode(journalRecordCodec, {
      committed: new Uint8Array(0), // The block itself is no part of the state.
      stateRoot: suite.hash('state-empty'),
      nextMembership: undefined,
      changes,
    });
    const value = seal(suite, record);
    await store.write([{ kind: 'put', space: 'journal', key: orderedKey(at), value }], durability);
    samples.push(performance.now() - startedMs);
  }
  return samples.slice(WARM_UP_ROUNDS);
}
