import type { Json } from '../../base/index.ts';
import type { Prng } from '../../simulator/prng.ts';
import { mutateBytes, simplerBytes } from './mutate-bytes.ts';
import { mutateJson, mutateText, nestedText, simplerTexts } from './mutate-text.ts';
import type { Input, Target } from './types.ts';

/** Parents kept at most; beyond, a new one takes the place of one of the later half. */
const PARENTS_MAX = 2048;
/** Of JSON inputs, how many in a thousand are changed as values, not as characters. */
const AS_VALUES = 650;

/** And how many hold more levels than a stack has frames. */
const NESTED = 2;

/** Inputs worth changing, and the way to change them. */
export type Breeder = {
  /** An input made from one or two parents. */
  breed(prng: Prng): Input;
  keep(input: Input, prng: Prng): void;
  /** Simpler forms of an input. */
  simpler(input: Input): Iterable<Input>;
};

class Parents<Of> {
  readonly #list: Of[];
  readonly #first: number;

  constructor(seeds: readonly Of[]) {
    this.#list = [...seeds];
    this.#first = seeds.length;
  }

  pick(prng: Prng): Of {
    const { length } = this.#list;
    // Every second parent is a seed: what was found later is often half broken.
    const bound = prng.chance(500) ? Math.max(1, this.#first) : length;
    return this.#list[prng.below(bound)] as Of;
  }

  keep(one: Of, prng: Prng): void {
    const { length } = this.#list;
    if (length < PARENTS_MAX + this.#first) this.#list.push(one);
    else this.#list[this.#first + prng.below(PARENTS_MAX)] = one;
  }
}

function bytesBreeder(seeds: readonly Uint8Array<ArrayBuffer>[]): Breeder {
  const parents = new Parents(seeds.length === 0 ? [new Uint8Array(0)] : seeds);
  return {
    breed: (prng) => mutateBytes(parents.pick(prng), parents.pick(prng), prng),
    keep: (input, prng) => parents.keep(input as Uint8Array<ArrayBuffer>, prng),
    simpler: (input) => simplerBytes(input as Uint8Array<ArrayBuffer>),
  };
}

function textBreeder(seeds: readonly string[], isJson: boolean): Breeder {
  const texts = new Parents(seeds.length === 0 ? [''] : seeds);
  const values = new Parents<Json>(isJson ? seeds.flatMap(parsed) : []);
  return {
    breed(prng) {
      if (isJson && prng.chance(NESTED)) return nestedText(values.pick(prng) ?? null, prng);
      if (!isJson || !prng.chance(AS_VALUES)) {
        return mutateText(texts.pick(prng), texts.pick(prng), prng);
      }
      let made = mutateJson(values.pick(prng) ?? null, values.pick(prng) ?? null, prng);
      while (prng.chance(350)) made = mutateJson(made, values.pick(prng) ?? null, prng);
      return JSON.stringify(made);
    },
    keep(input, prng) {
      texts.keep(String(input), prng);
      if (isJson) for (const json of parsed(String(input))) values.keep(json, prng);
    },
    simpler: (input) => simplerTexts(String(input)),
  };
}

function parsed(text: string): Json[] {
  try {
    return [JSON.parse(text) as Json];
  } catch {
    return [];
  }
}

export function breederOf(kind: Target['kind'], seeds: readonly Input[]): Breeder {
  return kind === 'bytes'
    ? bytesBreeder(seeds as readonly Uint8Array<ArrayBuffer>[])
    : textBreeder(seeds as readonly string[], kind === 'json');
}
