import { Figure } from '../entities/TrustRegion.tsx';
import { formatHeight } from '../format/number.ts';
import type { NodeStatus } from '../hooks/client.ts';

/** What everything shown is about, with how far that may be believed. */
export function HeadHeight({ status }: { readonly status: NodeStatus }) {
  return <Figure of={status.trust}>{formatHeight(status.head.height)}</Figure>;
}
