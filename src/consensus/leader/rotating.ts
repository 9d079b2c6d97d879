import type { Membership } from '../../ledger/index.ts';
import type { LeaderPart } from './part.ts';

/** Members side by side on a wheel, each as wide as its power; the stride goes around it. */
type Wheel = {
  /** Where each member's part ends; the last is the circumference. */
  readonly ends: readonly bigint[];
  readonly circumference: bigint;
  readonly stride: bigint;
};

// Computed once a membership; the result follows from the membership alone.
const wheels = new WeakMap<Membership, Wheel>();

/** The golden section, 18 digits: steps of this size spread most evenly over a circle. */
const GOLDEN_NUMERATOR = 618_033_988_749_894_848n;
const GOLDEN_DENOMINATOR = 1_000_000_000_000_000_000n;

/** Strides tried on either side of the golden section. */
const STRIDES_TRIED = 32n;

/** Euclid's algorithm: the common divisor, and the largest quotient met on the way. */
function euclid(left: bigint, right: bigint): { divisor: bigint; quotientMax: bigint } {
  let [a, b] = [left, right];
  let quotientMax = 0n;
  while (b !== 0n) {
    const quotient = a / b;
    if (quotient > quotientMax) quotientMax = quotient;
    [a, b] = [b, a - quotient * b];
  }
  return { divisor: a, quotientMax };
}

/**
 * The stride near the golden section that is coprime to the circumference and whose continued
 * fraction has the smallest terms: the smaller they are, the more evenly the steps fall.
 */
function strideOf(circumference: bigint): bigint {
  const golden = (circumference * GOLDEN_NUMERATOR) / GOLDEN_DENOMINATOR;
  let best: { stride: bigint; cost: bigint } | undefined;
  for (let offset = 0n; offset <= STRIDES_TRIED; offset++) {
    for (const stride of [golden + offset, golden - offset]) {
      if (stride < 1n || stride > circumference) continue;
      const { divisor, quotientMax } = euclid(circumference, stride);
      if (divisor !== 1n) continue;
      // A step of more than a third either way leaves nobody with less power in place.
      const isLong = 3n * stride >= circumference && 3n * stride <= 2n * circumference;
      const cost = isLong ? quotientMax : quotientMax + circumference;
      if (best === undefined || cost < best.cost) best = { stride, cost };
    }
  }
  // Beyond the strides tried lies 1, which is coprime to everything.
  return best?.stride ?? 1n;
}

function makeWheel(membership: Membership): Wheel {
  const powers = membership.validators.map((validator) => validator.power);
  const unit = powers.reduce((left, right) => euclid(left, right).divisor, 0n);
  const ends: bigint[] = [];
  let circumference = 0n;
  for (const power of powers) {
    circumference += power / unit;
    ends.push(circumference);
  }
  return { ends, circumference, stride: strideOf(circumference) };
}

/**
 * Weighted turns without memory: the place at turn n is n × stride around the wheel, with the
 * stride coprime to the circumference and near the golden section of it. Over as many consecutive
 * turns as the circumference each member leads exactly as often as its power; in shorter spans its
 * share is off by a few turns at most (three-distance theorem); and a member with less than 1/3 of
 * the power does not lead twice running. n is height + round, so that the round after a silent
 * leader has another one.
 */
export const rotatingLeader: LeaderPart = {
  name: 'rotating',
  revelation: 'known',
  needsClosedMembership: true,
  leaderOf(membership, turn) {
    let wheel = wheels.get(membership);
    if (wheel === undefined) {
      wheel = makeWheel(membership);
      wheels.set(membership, wheel);
    }
    const count = BigInt(turn.height) + BigInt(turn.round);
    const place = (count * wheel.stride) % wheel.circumference;
    return wheel.ends.findIndex((end) => place < end);
  },
};
