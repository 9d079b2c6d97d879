import type {
  ConsensusEffect,
  ConsensusEngine,
  ConsensusEvent,
  ConsensusState,
  Instruments,
} from '../consensus/index.ts';
import type { LightRules } from '../light/index.ts';
import type { DoorRules } from './door.ts';

/** What is broken in every honest node; nothing in the product. */
export type Mutation = Instruments & {
  /** Stands between a node and its machine. */
  readonly wrap?: (engine: ConsensusEngine) => ConsensusEngine;
  /** What the door leaves out. */
  readonly door?: Partial<DoorRules>;
  /** What light clients leave out. */
  readonly light?: Partial<LightRules>;
  /** Whether `append-wal` waits for the disk. */
  readonly isLogSynced?: boolean;
  /** Whether a node that signed at a height and lost its log signs nothing more there. */
  readonly isLogMissed?: boolean;
};

type Wrap = NonNullable<Mutation['wrap']>;

/** The machine hears something else; undefined for nothing. */
export function hearing(
  change: (event: ConsensusEvent, state: ConsensusState) => ConsensusEvent | undefined,
): Wrap {
  return (engine) => ({
    ...engine,
    step(state, event) {
      const heard = change(event, state);
      return heard === undefined ? { state, effects: [] } : engine.step(state, heard);
    },
  });
}

/** Some effects are not performed. */
export function without(isLeftOut: (effect: ConsensusEffect) => boolean): Wrap {
  return (engine) => ({
    ...engine,
    step(state, event) {
      const { state: next, effects } = engine.step(state, event);
      return { state: next, effects: effects.filter((effect) => !isLeftOut(effect)) };
    },
  });
}

/** The machine remembers something else after an event, or does something more. */
export function after(
  change: (facts: {
    readonly before: ConsensusState;
    readonly event: ConsensusEvent;
    readonly state: ConsensusState;
  }) => { readonly state?: ConsensusState; readonly effects?: readonly ConsensusEffect[] },
): Wrap {
  return (engine) => ({
    ...engine,
    step(before, event) {
      const { state, effects } = engine.step(before, event);
      const changed = change({ before, event, state });
      return {
        state: changed.state ?? state,
        effects: [...effects, ...(changed.effects ?? [])],
      };
    },
  });
}
