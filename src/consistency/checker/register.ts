import type { Model } from './model.ts';

/** What a client asks of a register that compares and sets. */
export type RegisterInput =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly value: number }
  | { readonly kind: 'compare-and-set'; readonly from: number; readonly to: number };

/** `unknown`: the client was told nothing. */
export type RegisterOutput =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'read'; readonly value: number | undefined }
  | { readonly kind: 'done'; readonly isSet: boolean };

/** A register without a value at first, as etcd's keys are. */
export const registerModel: Model<number, RegisterInput, RegisterOutput> = {
  // Values are natural numbers, so -1 is free to say that there is none.
  init: -1,
  step(state, input, output) {
    const isUnknown = output.kind === 'unknown';
    switch (input.kind) {
      case 'read': {
        const isRight = output.kind === 'read' && (output.value ?? -1) === state;
        return isUnknown || isRight ? state : undefined;
      }
      case 'write':
        return input.value;
      case 'compare-and-set': {
        const isSet = input.from === state;
        if (!isUnknown && (output.kind !== 'done' || output.isSet !== isSet)) return undefined;
        return isSet ? input.to : state;
      }
    }
  },
  keyOf: (state) => state,
};
