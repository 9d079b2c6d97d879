/** Codes by which a store says that what it holds is damaged: only peers can mend it. */
const DAMAGES = [
  'store-corrupt',
  'store-vanished',
  'journal-corrupt',
  'page-corrupt',
  'index-corrupt',
  'state-root-mismatch',
] as const;

export const STORE_DAMAGES: ReadonlySet<string> = new Set(DAMAGES);

/** All codes by which a store refuses what it finds: damaged, or written by others. */
export const STORE_REFUSALS: ReadonlySet<string> = new Set([
  ...DAMAGES,
  'store-too-new',
  'store-of-another-network',
]);
