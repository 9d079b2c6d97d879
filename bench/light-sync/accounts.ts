import { encodeUtf8 } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import { hashSuite } from '../../src/crypto/index.ts';
import type { Address, Amount, Height, StateChange } from '../../src/ledger/index.ts';
import { accountStateKeys, amountCodec } from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';

/** Accounts in the state whose balances are proven. */
export const ACCOUNTS = 100_000;

const suite = hashSuite('blake3-256');

/** The address of one of them; the same in every home. */
export function addressOf(number: number): Address {
  // Any 32 bytes are an address.
  return suite.hash('address', encodeUtf8(`account ${number}`)) as Uint8Array as Address;
}

export function balanceOf(number: number): Amount {
  return BigInt(1_000 + number) as Amount; // In range.
}

/** A state in which each of them holds something. */
export function createState(): StateTree {
  const tree = StateTree.empty(suite);
  const changes: StateChange[] = Array.from({ length: ACCOUNTS }, (_, number) => ({
    key: accountStateKeys(addressOf(number)).nativeBalance,
    value: encode(amountCodec, balanceOf(number)),
  }));
  changes.sort((left, right) => Buffer.compare(left.key, right.key));
  tree.apply(1 as Height, changes);
  return tree;
}
