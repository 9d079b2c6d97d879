/** Heights between two snapshots in a network of a crash test; 1,024 elsewhere. */
export const SNAPSHOT_EVERY = 16;
/** Blocks by which a snapshot must be above a head to be taken over; 512 elsewhere. */
export const SNAPSHOT_WORTH = 8;
/** Newest blocks that a latecomer keeps. */
export const KEEP_BLOCKS = 4;
