/** What a machine answers: its next state, and the effects to perform, in this order. */
export type Transition<State, Effect> = {
  readonly state: State;
  readonly effects: readonly Effect[];
};

/** A machine: event in, effects out; no clock, no randomness, no IO. */
export type Step<State, Event, Effect> = (state: State, event: Event) => Transition<State, Effect>;
