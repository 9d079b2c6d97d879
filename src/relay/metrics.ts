import type { TabellionNode } from '../node/index.ts';
import { NODE_MODES } from '../node/index.ts';

type Sample = { readonly labels?: { readonly [name: string]: string }; readonly value: number };

/**
 * Prometheus text (exposition format 0.0.4) of a node. Counters count since the process started.
 */
export function createMetrics(node: TabellionNode): () => Promise<string> {
  let blocks = 0;
  let transactions = 0;
  let failures = 0;
  let equivocations = 0;
  let rounds = 0;
  node.events.on('head', ({ executed, certificate }) => {
    blocks += 1;
    rounds += certificate.round + 1;
    transactions += executed.transactions.length;
    failures += executed.execution.receipts.filter((each) => each.outcome.kind === 'failed').length;
  });
  node.events.on('evidence', () => {
    equivocations += 1;
  });
  return async () => {
    const status = node.status();
    const consensus = node.consensus();
    const mempool = node.isOpen() ? node.parts.mempool.size() : undefined;
    const spaces = node.isOpen() ? await node.home.store.usage() : [];
    const counts = new Map<string, number>();
    for (const { transport } of node.peers())
      counts.set(transport, (counts.get(transport) ?? 0) + 1);
    const memory = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return [
      metric('gauge', 'head_height', 'Height of the newest committed block', [
        { value: status.head?.header.height ?? 0 },
      ]),
      metric('gauge', 'target_height', 'Highest head a believed peer told', [
        { value: status.targetHeight },
      ]),
      metric(
        'gauge',
        'mode',
        'How much of the chain is kept: 1 for the mode in use',
        NODE_MODES.map((mode) => ({
          labels: { mode },
          value: status.mode === mode ? 1 : 0,
        })),
      ),
      metric('gauge', 'light_height', 'Height of the newest proven header', [
        { value: status.light?.head.header.height ?? 0 },
      ]),
      metric('gauge', 'light_voices', 'Voices that confirm it', [
        { value: status.light?.comparedVoices ?? 0 },
      ]),
      metric('gauge', 'light_alarm', '1 while conflicting certificates are known', [
        { value: status.light?.alarm === undefined ? 0 : 1 },
      ]),
      metric('gauge', 'earliest_height', 'Lowest height whose block is kept', [
        { value: node.isOpen() ? node.parts.store.earliestHeight() : 0 },
      ]),
      metric('gauge', 'snapshot_chunks', 'Chunks of the snapshot being fetched', [
        { labels: { state: 'done' }, value: status.snapshot?.chunksDone ?? 0 },
        { labels: { state: 'all' }, value: status.snapshot?.chunksTotal ?? 0 },
      ]),
      metric('gauge', 'snapshots_kept', 'Snapshots that peers can take over', [
        { value: node.isOpen() ? node.parts.store.snapshots().length : 0 },
      ]),
      metric('gauge', 'head_timestamp_seconds', 'Time of the newest committed block', [
        { value: (status.head?.header.timestampMs ?? 0) / 1000 },
      ]),
      metric('gauge', 'consensus_round', 'Round of the height being decided', [
        { value: consensus?.round ?? 0 },
      ]),
      metric('counter', 'blocks_committed_total', 'Blocks committed', [{ value: blocks }]),
      metric('counter', 'consensus_rounds_total', 'Rounds they took, one each at best', [
        { value: rounds },
      ]),
      metric('counter', 'transactions_committed_total', 'Transactions in committed blocks', [
        { value: transactions },
      ]),
      metric('counter', 'transactions_failed_total', 'Of these, charged without effect', [
        { value: failures },
      ]),
      metric('counter', 'equivocations_total', 'Members caught voting twice', [
        { value: equivocations },
      ]),
      metric('gauge', 'mempool_transactions', 'Pending transactions', [
        { value: mempool?.count ?? 0 },
      ]),
      metric('gauge', 'mempool_bytes', 'Bytes of pending transactions', [
        { value: mempool?.bytes ?? 0 },
      ]),
      metric(
        'gauge',
        'peers',
        'Connected peers by transport',
        ['websocket', 'webrtc', 'relayed'].map((transport) => ({
          labels: { transport },
          value: counts.get(transport) ?? 0,
        })),
      ),
      metric(
        'gauge',
        'store_bytes',
        'Bytes in the store by space',
        spaces.map(({ space, bytes }) => ({ labels: { space }, value: bytes })),
      ),
      metric('gauge', 'process_resident_bytes', 'Resident memory', [{ value: memory.rss }]),
      metric('counter', 'process_cpu_seconds_total', 'Processor time of this process', [
        { value: (user + system) / 1e6 },
      ]),
      '',
    ].join('\n');
  };
}

function metric(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  samples: readonly Sample[],
): string {
  const full = `tabellion_${name}`;
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${full}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
  });
  return [`# HELP ${full} ${help}.`, `# TYPE ${full} ${type}`, ...lines].join('\n');
}
