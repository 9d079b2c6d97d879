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

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right];
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

function makeWheel(membership: Membership): Wheel {
  const powers = membership.validators.map((validator) => validator.power);
  const unit = powers.reduce(greatestCommonDivisor, 0n);
  const ends: bigint[] = [];
  let circumference = 0n;
  for (const power of powers) {
    circumference += power / unit;
    ends.push(circumference);
  }
  let stride = (circumference * GOLDEN_NUMERATOR) / GOLDEN_DENOMINATOR || 1n;
  while (greatestCommonDivisor(stride, circumference) !== 1n) stride++;
  return { ends, circumference, stride };
}

/**
 * Weighted turns without memory: the place at turn n is n × stride around the wheel, with the
 * stride coprime to the circumference and near the golden section of it. Over as many consecutive
 * turns as the circumference each member leads exactly as often as its power; in shorter spans its
 * share is off by a few turns at most (three-distance theorem); and a member with less than 38 % of
 * the power never leads twice running. n is height + round, so that the round after a silent leader
 * has another one.
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
