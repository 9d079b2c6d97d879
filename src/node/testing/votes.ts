import { formatHex } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import { signEd25519 } from '../../crypto/index.ts';
import type { SignedVote, Vote } from '../../ledger/index.ts';
import { signedVoteCodec, voteSigningBytes } from '../../ledger/index.ts';
import type { Person } from '../../ledger/testing/world.ts';
import type { Village } from './village.ts';

/** Every vote that was ever published, by whichever life of a node. */
export function votesPublished(village: Village): Vote[] {
  return village.hub.published.flatMap(({ topic, bytes }) => {
    if (topic !== 'votes') return [];
    const decoded = decode(signedVoteCodec, bytes);
    return decoded.ok ? [decoded.value.vote] : [];
  });
}

/** Slots (member, height, round, kind) for which two different votes were published. */
export function contradictions(village: Village): string[] {
  const choices = new Map<string, string>();
  const found = new Set<string>();
  for (const { validatorIndex, height, round, kind, blockHash } of votesPublished(village)) {
    const slot = `member ${validatorIndex}: ${kind} ${height}/${round}`;
    const choice = blockHash === undefined ? 'nil' : formatHex(blockHash);
    if ((choices.get(slot) ?? choice) !== choice) found.add(slot);
    choices.set(slot, choice);
  }
  return [...found];
}

/** A vote as a member signs it. */
export function signVote(village: Village, member: Person, vote: Vote): SignedVote {
  const { suite, chainId } = village.world.ledger;
  const message = voteSigningBytes(suite, chainId, vote);
  return { vote, signature: signEd25519(member.pair.secretKey, message) };
}

export function encodeVote(signed: SignedVote): Uint8Array {
  return encode(signedVoteCodec, signed);
}

/** Any hash; equal bytes give equal hashes. */
export function hashOf(byte: number): Hash {
  return new Uint8Array(32).fill(byte) as Hash;
}
