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
  'wipe',
  'clock',
  'equivocate',
  'silent',
  'amnesia',
  'forge',
  'replay',
  'plot',
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

/**
 * An attack that chance alone would rarely find; see `plot.ts`.
 *
 * - `betray`: one node alone learns a decision, then a traitor proposes another block.
 * - `betray-after-restart`: the others die and return in between.
 * - `lag`: one honest node is cut off while traitors keep the others from deciding for many rounds;
 *   then the traitors fall silent, and nothing can be decided without it.
 * - `revive`: a block whose quorum nobody heard in time is proposed again after another's decision.
 */
export type Plot = 'none' | 'betray' | 'betray-after-restart' | 'revive' | 'lag';

/** One network, all its faults, and what is expected of it. Times in virtual milliseconds. */
export type Scenario = {
  /** Power of each validator; its place is its index. */
  readonly powers: readonly bigint[];
  readonly roles: readonly Role[];
  /**
   * Honest validators whose log may be gone when they return. They keep silent for that height, so
   * their power counts with that of the faulty ones.
   */
  readonly wiped: readonly number[];
  /** What the traitors have agreed on. */
  readonly plot: Plot;
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
  /** Chance that a message is followed by a forgery of it. */
  readonly forgePerMille: number;
  /** Chance that a message comes again much later. */
  readonly replayPerMille: number;
  /** Chance that a traitor votes for a round that is far away. */
  readonly farPerMille: number;
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
  [3n, 2n, 2n, 1n, 1n], // Two thirds of it is a whole number.
];

const HEIGHTS = 5;
/**
 * Three rounds of 25 (traitors may lead two in a row) on the slowest clock take
 * 3 × 1.25 × (400 + 25 × 150) ms = 15.6 s; the rest is for learning of them, and for the heights
 * after, which begin with round 0 again.
 */
const BOUND_MS = 20_000;
const GOOD_CLOCK = { ratePerMille: 1000, offsetMs: 0 };

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
    return has('clock') ? { ratePerMille, offsetMs } : GOOD_CLOCK;
  });
  const { roles, wiped } = rolesOf(powers, has, prng);
  const forgePerMille = draw(has('forge'), prng.pick([0, 10, 50]));
  const replayPerMille = draw(has('replay'), prng.pick([0, 10, 50]));
  const farPerMille = draw(has('equivocate'), prng.pick([0, 50, 300]));
  const plot = prng.pick(PLOTS);
  if (prng.chance(PLOT_PER_MILLE) && has('plot')) return plotted({ plot, healAtMs, clocks }, prng);
  return {
    powers,
    roles,
    wiped,
    plot: 'none',
    watchers,
    heights: HEIGHTS,
    healAtMs,
    boundMs: BOUND_MS,
    lossPerMille,
    duplicatePerMille,
    delayMaxMs,
    mayReorder: has('reorder'),
    cuts,
    withholdPerMille,
    hidePerMille,
    hushPerMille,
    crashPerMille,
    forgePerMille,
    replayPerMille,
    farPerMille,
    clocks,
  };
}

const PLOTS: readonly Plot[] = ['betray', 'betray-after-restart', 'revive', 'lag'];
const PLOT_PER_MILLE = 200;
/** Long enough for some twenty rounds. */
const LAG_MS = 30_000;

/** Members of equal power, as many traitors as can be, and nothing else that would disturb them. */
function plotted(
  drawn: Pick<Scenario, 'plot' | 'healAtMs' | 'clocks'>,
  prng: ReturnType<typeof createPrng>,
): Scenario {
  const traitors = prng.between(1, 2);
  const count = 3 * traitors + 1;
  const roles: Role[] = Array.from({ length: count }, () => 'honest');
  for (let left = traitors; left > 0; ) {
    const index = prng.below(count);
    if (roles[index] === 'equivocator') continue;
    roles[index] = 'equivocator';
    left--;
  }
  const laggard = prng.pick(roles.flatMap((role, index) => (role === 'honest' ? [index] : [])));
  const isLag = drawn.plot === 'lag';
  const healAtMs = isLag ? LAG_MS : drawn.healAtMs;
  const cut = { fromMs: 0, toMs: healAtMs, sides: 1 << laggard, isOneWay: false };
  return {
    ...drawn,
    healAtMs,
    clocks: Array.from({ length: count + 1 }, (_, at) => drawn.clocks[at] ?? GOOD_CLOCK),
    powers: roles.map(() => 1n),
    roles,
    wiped: [],
    watchers: 1,
    heights: HEIGHTS,
    boundMs: BOUND_MS,
    lossPerMille: 0,
    duplicatePerMille: 0,
    delayMaxMs: 10,
    mayReorder: true,
    cuts: isLag ? [cut] : [],
    withholdPerMille: 0,
    hidePerMille: 0,
    hushPerMille: 0,
    crashPerMille: 0,
    forgePerMille: 0,
    replayPerMille: 0,
    farPerMille: 0,
  };
}

// As many faulty ones as stay below 1/3 of the power, in a drawn order.
function rolesOf(
  powers: readonly bigint[],
  has: (fault: Fault) => boolean,
  prng: ReturnType<typeof createPrng>,
): Pick<Scenario, 'roles' | 'wiped'> {
  const roles: Role[] = powers.map(() => 'honest');
  const wiped: number[] = [];
  const total = powers.reduce((sum, power) => sum + power, 0n);
  let faulty = 0n;
  for (let tries = 0; tries < powers.length; tries++) {
    const index = prng.below(powers.length);
    const drawn = prng.pick<readonly [Role, Fault]>([
      ['equivocator', 'equivocate'],
      ['equivocator', 'equivocate'],
      ['silent', 'silent'],
      ['amnesiac', 'amnesia'],
      ['honest', 'wipe'],
    ]);
    const power = powers[index] ?? 0n;
    const isFree = roles[index] === 'honest' && !wiped.includes(index);
    const fits = isFree && 3n * (faulty + power) < total;
    if (!fits || !has(drawn[1])) continue;
    roles[index] = drawn[0];
    if (drawn[1] === 'wipe') wiped.push(index);
    faulty += power;
  }
  return { roles, wiped };
}
