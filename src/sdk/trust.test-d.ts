import type { Amount, Height } from '../ledger/index.ts';
import type { Trust } from '../rpc/index.ts';
import type { Client } from './client.ts';
import type { AtLeast, Trusted } from './trust.ts';
import { isAtLeast, joinTrusted, mapTrusted, reportedValue } from './trust.ts';
import type { verifyAccountProof, verifyTransactionProof } from './verify.ts';

// Compiles only while every line marked so is refused by the compiler.

declare const amount: Amount;
declare const height: Height;
declare const client: Client;
declare const proven: Trusted<Amount, 'proven'>;
declare const validated: Trusted<Amount, 'validated'>;
declare const unknown: Trusted<Amount>;
declare function release(goods: Trusted<Amount, AtLeast<'proven'>>): void;

release(proven);
release(validated);
release(mapTrusted(proven, () => amount));
release(joinTrusted(proven, proven, (left) => left));
if (isAtLeast(unknown, 'proven')) release(unknown);

const reported = reportedValue(amount, height);
// @ts-expect-error a word of somebody is no proof
release(reported);
// @ts-expect-error nor is a value of a level that is only known while running
release(unknown);
// @ts-expect-error nor what follows from it
release(mapTrusted(reported, (value) => value));
// @ts-expect-error nor what follows from it and a proof
release(joinTrusted<Amount, Amount, Trust, Amount>(proven, reported, (left) => left));
// @ts-expect-error nor what is merely weaker
if (isAtLeast(unknown, 'reported')) release(unknown);
// @ts-expect-error nobody outside makes one by writing it down
release({ value: amount, trust: 'proven', height });
// @ts-expect-error nor by changing the word
release({ ...reported, trust: 'proven' });
// @ts-expect-error nor by asking a node, whatever it answers
client.asset.balance({} as never, {} as never).then((balance) => release(balance));
// @ts-expect-error a bare value carries no trust
release(amount);

type Level<Check extends (...values: never) => unknown> =
  Extract<Awaited<ReturnType<Check>>, { readonly ok: true }> extends {
    readonly value: Trusted<unknown, infer Found>;
  }
    ? Found
    : never;

/** What the verifiers make is proven, and nothing less exact. */
export const levels: [Level<typeof verifyAccountProof>, Level<typeof verifyTransactionProof>] = [
  'proven',
  'proven',
];
