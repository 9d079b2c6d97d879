import type { Bytes } from '../base/index.ts';
import type {
  Proposal,
  VerifiedCertificate,
  VerifiedProposal,
  VerifiedVote,
} from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { CommitCertificate, Vote } from '../ledger/index.ts';

// A signature here is the place of the key that made it, so that nobody signs for another and no
// time is spent on curves. The messages below are what travels: like those of a real network they
// are verified once a door let them in, and the brand is given early for the queue's sake.

/** Whoever has no key of a member. */
export const OUTSIDER = -1;

const signatures = new Map<number, Bytes>();

function signatureOf(signer: number): Bytes {
  let signature = signatures.get(signer);
  if (signature === undefined) {
    signature = new Uint8Array(64);
    new DataView(signature.buffer).setInt32(0, signer);
    signatures.set(signer, signature);
  }
  return signature;
}

/** Place of the key behind a signature. */
export function signerOf(signature: Bytes): number {
  const view = new DataView(signature.buffer, signature.byteOffset);
  return view.getInt32(0);
}

export function mintVote(vote: Vote, signer: number = vote.validatorIndex): VerifiedVote {
  return { vote, signature: signatureOf(signer) } as unknown as VerifiedVote; // See above.
}

export function mintProposal(
  proposal: Proposal,
  blockHash: Hash,
  signer: number,
): VerifiedProposal {
  const signature = signatureOf(signer);
  return { proposal, signature, blockHash } as unknown as VerifiedProposal; // See above.
}

/** A certificate in which each named member's signature was made by `signerOfEach`. */
export function mintCertificate(
  fields: Pick<CommitCertificate, 'height' | 'round' | 'blockHash'>,
  members: readonly number[],
  signerOfEach: (member: number) => number,
): VerifiedCertificate {
  const signed = members.map((validatorIndex) => ({
    validatorIndex,
    signature: signatureOf(signerOfEach(validatorIndex)),
  }));
  return { ...fields, signatures: signed } as unknown as VerifiedCertificate; // See above.
}
