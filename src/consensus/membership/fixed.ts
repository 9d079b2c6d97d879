import type { Result } from '../../base/index.ts';
import { compareBytes, fail, ok } from '../../base/index.ts';
import type { Membership } from '../../ledger/index.ts';
import type { EngineError } from '../errors.ts';
import type { MembershipPart } from './part.ts';

/** The members that genesis names, for ever. */
export const fixedMembership: MembershipPart = {
  name: 'fixed',
  openness: 'closed',
  validate: validateClosedMembership,
  next: (outcome) => outcome.current,
};

/** What every closed membership must satisfy: someone, nobody without power, nobody twice. */
export function validateClosedMembership(membership: Membership): Result<undefined, EngineError> {
  const { validators } = membership;
  if (validators.length === 0) return fail({ code: 'membership-empty' });
  const powerless = validators.findIndex((validator) => validator.power === 0n);
  if (powerless >= 0) return fail({ code: 'membership-power-zero', index: powerless });
  const byKey = validators
    .map((validator, index) => ({ key: validator.publicKey, index }))
    .sort((left, right) => compareBytes(left.key, right.key) || left.index - right.index);
  for (let at = 1; at < byKey.length; at++) {
    const [left, right] = [byKey[at - 1], byKey[at]];
    if (left !== undefined && right !== undefined && compareBytes(left.key, right.key) === 0) {
      return fail({ code: 'membership-key-twice', first: left.index, second: right.index });
    }
  }
  return ok(undefined);
}
