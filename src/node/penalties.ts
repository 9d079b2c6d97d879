import type { ConsensusFault } from '../consensus/index.ts';
import type { LightFault } from '../light/index.ts';
import type { SnapshotFault } from '../snapshot/index.ts';
import type { SyncFault } from '../sync/index.ts';

/** Everything a peer can be blamed for above the network's own rules. */
export type Fault =
  | ConsensusFault
  | SyncFault
  | LightFault
  | SnapshotFault
  /** A snapshot of a block that is none of our chain. */
  | 'false-offer'
  /** A proof that does not lead to the root it is of. */
  | 'false-proof'
  /** Data that a proven header does not bind. */
  | 'false-answer'
  | 'wrong-network'
  | 'status-malformed'
  | 'malformed-request';

/** The one table of penalties, out of 1000; at 0 a peer is banned for a while. */
const POINTS: { readonly [Name in Fault]: number } = {
  'proposal-malformed': 500,
  'vote-unknown-validator': 200,
  'certificate-malformed': 500,
  // A slow peer is not a hostile one; sync says when it has been slow for too long.
  stall: 100,
  'endless-stall': 1000,
  'height-lie': 250,
  'malformed-answer': 500,
  'bad-block': 1000,
  'bad-chunk': 1000,
  'false-manifest': 1000,
  'false-offer': 1000,
  'false-proof': 1000,
  'false-answer': 1000,
  'wrong-network': 1000,
  'status-malformed': 500,
  'malformed-request': 250,
};

/** Points that a fault costs. */
export function penaltyOf(fault: Fault): number {
  return POINTS[fault];
}
