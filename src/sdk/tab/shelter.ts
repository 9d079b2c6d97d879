import type { Clock, ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { Ground } from './ground.ts';

/** Why a node that ran without its store is started again: the store can be opened now. */
export const STORE_FREED = 'store-freed';

/** What became of opening a store. */
export type Opening =
  | { readonly kind: 'opened'; readonly store: KeyValueStore }
  /**
   * It takes too long: the disk is slow, or a tab that was frozen in the middle of a write keeps
   * everybody out until the browser gives up on it. `ended` tells when it could be opened after all
   * (`store-freed`; it is closed again, for who comes after opens it anew) or why it never can be.
   */
  | { readonly kind: 'held'; readonly ended: Promise<ErrorData> };

/**
 * Waits for a store that is being opened, but no longer than the ground has patience: who comes
 * after `store-freed` waits longer, or a store on a slow disk would never be used. Rejects when the
 * opening fails meanwhile.
 */
export async function openInTime(
  opening: Promise<KeyValueStore>,
  parts: {
    readonly clock: Clock;
    readonly ground: Pick<Ground, 'patienceMs' | 'noteHeld' | 'noteOpened'>;
  },
): Promise<Opening> {
  const { clock, ground } = parts;
  const late = Promise.withResolvers<undefined>();
  const cancel = clock.after(ground.patienceMs(), () => late.resolve(undefined));
  const store = await Promise.race([opening, late.promise]).finally(cancel);
  if (store !== undefined) {
    ground.noteOpened();
    return { kind: 'opened', store };
  }
  ground.noteHeld();
  const ended = opening.then(async (opened): Promise<ErrorData> => {
    await opened.close();
    return { code: STORE_FREED, facts: {}, message: 'the store can be opened now' };
  }, errorToData);
  return { kind: 'held', ended };
}
