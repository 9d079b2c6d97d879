import type { Hash } from '../../crypto/index.ts';
import type { Address, Amount, Gas, Height, Sequence } from '../../ledger/index.ts';
import type { PendingTransaction } from '../index.ts';

// Brands of small whole numbers, made where tests need them.
export const height = (value: number) => value as Height;
export const sequence = (value: number) => value as Sequence;
export const gas = (value: number) => value as Gas;
export const amount = (value: bigint) => value as Amount;

/** 32 bytes that depend on every character of a text; equal texts give equal bytes. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(32);
  let mixed = 2166136261;
  for (const [at, char] of [...`${text}${text.length}`.padEnd(32, '.')].entries()) {
    mixed = Math.imul(mixed ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
    bytes[at % 32] = (mixed >>> 8) ^ (bytes[at % 32] ?? 0);
  }
  return bytes;
}

export const addressOf = (name: string) => bytesOf(`address ${name}`) as Address;

/** What a test says of a transaction; the rest is ordinary. */
export type Draft = {
  readonly from: string;
  readonly sequence: number;
  readonly fee?: number;
  readonly gas?: number;
  readonly size?: number;
  readonly validFrom?: number;
  readonly validUntil?: number;
  readonly peer?: string;
  readonly name?: string;
};

/** The transaction of a draft; its id follows from sender, sequence and name. */
export function draft(wish: Draft): PendingTransaction<string> {
  const name = wish.name ?? `${wish.from}/${wish.sequence}`;
  return {
    id: bytesOf(`transaction ${name}`) as Hash,
    sender: addressOf(wish.from),
    sequence: sequence(wish.sequence),
    feeMax: amount(BigInt(wish.fee ?? 100)),
    gasLimit: gas(wish.gas ?? 1000),
    validFrom: height(wish.validFrom ?? 0),
    validUntil: height(wish.validUntil ?? 100),
    sizeBytes: wish.size ?? 100,
    receivedFrom: wish.peer,
    payload: name,
  };
}
