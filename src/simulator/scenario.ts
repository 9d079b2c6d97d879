import { createPrng } from './prng.ts';

/** The kinds of mischief that a run may contain. */
export const FAULTS = [
  'loss',
  'delay',
  'reorder',
  'duplicate',
  'partition',
  'one-way',
  'withhold',
  'hide',
  'hush',
  'crash',
  'clock',
  'equivocate',
  'silent',
  'amnesia',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How a validator behaves. Fewer than 1/3 of the power is anything but honest. */
export type Role =
  | 'honest'
  /** Signs different things for different peers, proposes two blocks, invalid ones, false rounds. */
  | 'equivocator'
  /** Sends nothing. */
  | 'silent'
  /** Forgets what it locked. */
  | 'amnesiac';

/** One network, all its faults, and what is expected of it. Times in virtual milliseconds. */
export type Scenario = {
  /** Power of each validator; its place is its index. */
  readonly powers: readonly bigint[];
  readonly roles: readonly Role[];
  /** Nodes that follow without a vote. */
  readonly watchers: number;
  /** Every honest node must commit this many blocks. */
  readonly heights: number;
  /** Faults end here: everything runs, every link is good; validators keep their roles. */
  readonly healAtMs: number;
  /** After healing the goal must be reached within this time. */
  readonly boundMs: number;
  readonly lossPerMille: number;
  readonly duplicatePerMille: number;
  readonly delayMaxMs: number;
  /** Whether messages of one link may overtake each other. */
  readonly mayReorder: boolean;
  /** Cuts of some links; a one-way cut loses messages in one direction only. */
  readonly cuts: readonly Cut[];
  /** Chance that only some nodes hear the prevotes of a round. */
  readonly withholdPerMille: number;
  /** Chance that only one node learns the decision of a round. */
  readonly hidePerMille: number;
  /** Chance that a node falls out of reach for a while just when it has decided. */
  readonly hushPerMille: number;
  /** Chance that a node dies at any one effect, leaving the rest of the list undone. */
  readonly crashPerMille: number;
  /** Speed of each node's timers in per mille, and how far its clock is off. */
  readonly clocks: readonly { readonly ratePerMille: number; readonly offsetMs: number }[];
};

/** For a time, nothing passes from the nodes of one side to the others. */
export type Cut = {
  readonly fromMs: number;
  readonly toMs: number;
  /** Bit n is the side of node n. */
  readonly sides: number;
  readonly isOneWay: boolean;
};

const POWERS: readonly (readonly bigint[])[] = [
  [1n, 1n, 1n, 1n],
  [10n, 10n, 10n, 10n],
  [1n, 1n, 1n, 1n],
  [5n, 3n, 4n, 3n, 2n],
  [1n, 1n, 1n, 1n, 1n, 1n, 1n],
];

/** The scenario that a seed stands for, with only the given kinds of faults. */
export function scenarioOf(seed: number, faults: readonly Fault[]): Scenario {
  const prng = createPrng(seed);
  // Every number is drawn whether used or not, so that leaving a fault out keeps the others.
  const has = (fault: Fault) => faults.includes(fault);
  const powers = prng.pick(POWERS);
  const watchers = 1;
  const nodes = powers.length + watchers;
  const healAtMs = prng.between(2000, 8000);
  const cuts: Cut[] = [];
  for (let count = prng.below(5); count > 0; count--) {
    const fromMs = prng.below(healAtMs);
    const toMs = Math.min(healAtMs, fromMs + prng.between(100, 2500));
    const cut = { fromMs, toMs, sides: prng.below(1 << nodes), isOneWay: prng.chance(300) };
    if (has(cut.isOneWay ? 'one-way' : 'partition')) cuts.push(cut);
  }
  const draw = (isDrawn: boolean, value: number) => (isDrawn ? value : 0);
  const lossPerMille = draw(has('loss'), prng.pick([0, 20, 100, 300]));
  const duplicatePerMille = draw(has('duplicate'), prng.pick([0, 50, 200]));
  const delayMaxMs = has('delay') ? prng.pick([10, 50, 200, 400]) : 10;
  const crashPerMille = draw(has('crash'), prng.pick([0, 5, 20, 50]));
  const withholdPerMille = draw(has('withhold'), prng.pick([0, 100, 300]));
  const hidePerMille = draw(has('hide'), prng.pick([0, 300, 700]));
  const hushPerMille = draw(has('hush'), prng.pick([0, 300, 900]));
  const clocks = Array.from({ length: nodes }, () => {
    const [ratePerMille, offsetMs] = [prng.between(800, 1250), prng.between(-400, 400)];
    return has('clock') ? { ratePerMille, offsetMs } : { ratePerMille: 1000, offsetMs: 0 };
  });
  return {
    powers,
    roles: rolesOf(powers, has, prng),
    watchers,
    heights: 5,
    healAtMs,
    boundMs: 60_000,
    lossPerMille,
    duplicatePerMille,
    delayMaxMs,
    mayReorder: has('reorder'),
    cuts,
    withholdPerMille,
    hidePerMille,
    hushPerMille,
    crashPerMille,
    clocks,
  };
}

// As many faulty ones as stay below 1/3 of the power, in a drawn order.
function rolesOf(
  powers: readonly bigint[],
  has: (fault: Fault) => boolean,
  prng: ReturnType<typeof createPrng>,
): readonly Role[] {
  const roles: Role[] = powers.map(() => 'honest');
  const total = powers.reduce((sum, power) => sum + power, 0n);
  let faulty = 0n;
  for (let tries = 0; tries < powers.length; tries++) {
    const index = prng.below(powers.length);
    const drawn = prng.pick<readonly [Role, Fault]>([
      ['equivocator', 'equivocate'],
      ['equivocator', 'equivocate'],
      ['silent', 'silent'],
      ['amnesiac', 'amnesia'],
    ]);
    const power = powers[index] ?? 0n;
    const fits = 3n * (faulty + power) < total && roles[index] === 'honest';
    if (!fits || !has(drawn[1])) continue;
    roles[index] = drawn[0];
    faulty += power;
  }
  return roles;
}
