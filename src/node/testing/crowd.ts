import { p256Person, passkeyPerson, person } from '../../ledger/testing/world.ts';
import { ALONE, VALIDATORS } from './village.ts';

// People with keys of every kind in a network of one validator: what it may be sent, and refuses.

export const [VALIDATOR] = VALIDATORS;
export const ada = person('ada');
export const bob = person('bob');
export const pat = p256Person('pat');
export const kay = passkeyPerson('kay');
/** Her policy wants her to be verified by the device. */
export const strict = passkeyPerson('strict kay', true);
/** Has nothing. */
export const poor = person('poor');
/** All others, who have enough. */
export const people = [ada, bob, pat, kay, strict];
export const crowdOptions = {
  ...ALONE,
  balances: people.map(({ address }) => ({ address, amount: 1_000_000_000n })),
};
