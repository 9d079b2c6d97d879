/**
 * What one object promises, told one operation at a time.
 *
 * `step` answers the state after the operation took effect with that output, or undefined where
 * the object could not have answered so. States are values: `step` changes none of them.
 */
export type Model<State, Input, Output> = {
  readonly init: State;
  step(state: State, input: Input, output: Output): State | undefined;
  /** Equal states give equal keys, others others. */
  keyOf(state: State): string | number;
  /** Name of the independent object that an operation concerns; absent: all are one. */
  partitionOf?(input: Input): string;
};

/**
 * One call of a client. `invokedAt` and `returnedAt` count on one clock that never repeats a
 * number; an operation whose end nobody saw returned at `Infinity`.
 */
export type Operation<Input, Output> = {
  readonly client: number;
  readonly input: Input;
  readonly output: Output;
  readonly invokedAt: number;
  readonly returnedAt: number;
};

/** Judgement on one history, with what a person needs to see why it fails. */
export type Verdict<Input, Output> =
  | { readonly kind: 'linearizable' }
  | {
      readonly kind: 'violated';
      readonly partition: string;
      /** As many operations as any order could explain, in that order. */
      readonly prefix: readonly Operation<Input, Output>[];
      /** Those that would have to come next, none of which can. */
      readonly stuck: readonly Operation<Input, Output>[];
    }
  /** Too many orders to try within the given number of steps. */
  | { readonly kind: 'undecided'; readonly partition: string };
