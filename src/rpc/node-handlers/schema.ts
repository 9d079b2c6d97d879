import type { Json } from '../../base/index.ts';
import type { Ledger } from '../../ledger/index.ts';

/** All actions as plain JSON: shapes are data already. */
export function actionsSchema(ledger: Ledger): Json {
  return JSON.parse(JSON.stringify(ledger.describeActions())) as Json; // Shapes hold JSON alone.
}
