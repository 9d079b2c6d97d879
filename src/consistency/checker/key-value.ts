import type { Model } from './model.ts';

/** What a client asks of a map of texts; each key is an object of its own. */
export type KeyValueInput =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put' | 'append'; readonly key: string; readonly value: string };

/** Text that a `get` answered; absent for the others, and where nobody saw the answer. */
export type KeyValueOutput = { readonly value: string | undefined };

/** A map in which every key holds the empty text at first. */
export const keyValueModel: Model<string, KeyValueInput, KeyValueOutput> = {
  init: '',
  step(state, input, output) {
    switch (input.kind) {
      case 'get':
        return output.value === undefined || output.value === state ? state : undefined;
      case 'put':
        return input.value;
      case 'append':
        return state + input.value;
    }
  },
  keyOf: (state) => state,
  partitionOf: ({ key }) => key,
};
