import { formatHex, unreachable } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height, Sequence } from '../ledger/index.ts';
import { judge } from './admit.ts';
import type { Entry } from './entry.ts';
import type { AdmissionError } from './errors.ts';
import type { MempoolState } from './state.ts';
import type {
  AccountSequence,
  DropReason,
  MempoolEffect,
  MempoolEvent,
  MempoolTransition,
  PendingTransaction,
} from './types.ts';

type State<Payload> = MempoolState<Payload>;
type Effects<Payload> = readonly MempoolEffect<Payload>[];

/** One event in, its effects out, in order. The state is changed in place and returned. */
export function step<Payload>(
  state: State<Payload>,
  event: MempoolEvent<Payload>,
): MempoolTransition<Payload, State<Payload>> {
  return { state, effects: effectsOf(state, event) };
}

function effectsOf<Payload>(state: State<Payload>, event: MempoolEvent<Payload>): Effects<Payload> {
  switch (event.kind) {
    case 'transaction-verified':
      return onVerified(state, event.transaction, event.accountSequence);
    case 'transaction-invalidated': {
      const entry = state.pool.get(event.id);
      return entry === undefined ? [] : drop(state, [entry], 'invalid'); // Stale is ordinary.
    }
    case 'block-committed':
      return [
        ...onIncluded(state, event.transactionIds, event.accountSequences),
        ...onHeight(state, event.height),
      ];
    case 'height-advanced':
      return onHeight(state, event.height);
    default:
      return unreachable(event);
  }
}

function onVerified<Payload>(
  state: State<Payload>,
  transaction: PendingTransaction<Payload>,
  accountSequence: Sequence,
): Effects<Payload> {
  const verdict = judge(state, transaction, accountSequence);
  if (!verdict.ok) return onRefused(state, transaction, verdict.error);
  const { replaced, evicted } = verdict.value;
  const dropped = [
    ...drop(state, evicted, 'evicted'),
    ...(replaced === undefined ? [] : drop(state, [replaced], 'replaced')),
  ];
  state.pool.insert(transaction, accountSequence);
  return [...dropped, { kind: 'transaction-admitted', transaction }];
}

/** Some refusals are ordinary (heads differ by a block), many in a row from one peer are not. */
function onRefused<Payload>(
  state: State<Payload>,
  { id, receivedFrom }: PendingTransaction<Payload>,
  error: AdmissionError,
): Effects<Payload> {
  const refused = { kind: 'transaction-refused', id, error } as const;
  // A pool that is full says nothing about who filled it.
  if (receivedFrom === undefined || error.code === 'mempool-full') return [refused];
  const { refusals, limits } = state;
  const count = (refusals.get(receivedFrom) ?? 0) + 1;
  refusals.set(receivedFrom, count);
  if (refusals.size > limits.peersCountedMax) {
    for (const peerId of refusals.keys()) {
      refusals.delete(peerId);
      break;
    }
  }
  if (count < limits.refusalsPerPeerMax) return [refused];
  refusals.delete(receivedFrom);
  return [refused, { kind: 'report-peer', peerId: receivedFrom, reason: 'useless-gossip' }];
}

function onIncluded<Payload>(
  state: State<Payload>,
  ids: readonly Hash[],
  accountSequences: readonly AccountSequence[],
): Effects<Payload> {
  const { pool, finished } = state;
  if (pool.byId.size === 0) {
    finished.addBlock(ids); // As on a node that syncs.
    return [];
  }
  for (const id of ids) {
    const key = formatHex(id);
    const entry = pool.byId.get(key);
    if (entry !== undefined) pool.remove(entry);
    finished.add(key);
  }
  return accountSequences.flatMap(({ address, sequence }) =>
    drop(state, pool.advance(address, sequence), 'sequence-used'),
  );
}

function onHeight<Payload>(state: State<Payload>, height: Height): Effects<Payload> {
  const before = state.height;
  state.height = height;
  state.refusals.clear();
  return height <= before ? [] : drop(state, state.pool.expiring(before, height), 'expired');
}

function drop<Payload>(
  state: State<Payload>,
  entries: readonly Entry<Payload>[],
  reason: DropReason,
): MempoolEffect<Payload>[] {
  return entries.map((entry) => {
    state.pool.remove(entry);
    // What is not remembered may come back once the cause is gone; height refuses the expired.
    if (reason === 'sequence-used') state.finished.add(entry.key);
    return { kind: 'transaction-dropped', id: entry.transaction.id, reason };
  });
}
