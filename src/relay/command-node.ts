import { resolve } from 'node:path';
import type { Json } from '../base/index.ts';
import { equalBytes, TabellionError } from '../base/index.ts';
import { createLedger, parseGenesis } from '../ledger/index.ts';
import type { NodeMode } from '../node/index.ts';
import { loadJson, nodeFiles, storeJson } from './layout.ts';
import { openLog, parseLogLevel } from './log.ts';
import { createOutput } from './output.ts';
import type { NodeSettings } from './settings.ts';
import type { Relay } from './start-node.ts';
import { startRelay } from './start-node.ts';

/** What the command line of `tabellion node` gives. */
export type NodeCommandOptions = {
  readonly data: string;
  readonly genesis?: string;
  readonly port?: number;
  readonly host?: string;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly relay: readonly string[];
  readonly publicHost: readonly string[];
  readonly origin: readonly string[];
  readonly cache?: number;
  readonly mode?: NodeMode;
  readonly keepBlocks?: number;
  readonly checkpoint?: string;
  readonly replayTrustingCheckpoint?: boolean;
  readonly app?: string;
  readonly log?: string;
  readonly logLevel: string;
  readonly json?: boolean;
};

/** Runs a node until `signal`, then stops it in order. */
export async function runNode(options: NodeCommandOptions, signal: AbortSignal): Promise<void> {
  const output = createOutput(options.json === true);
  const data = resolve(options.data);
  if (options.genesis !== undefined) await adoptGenesis(data, resolve(options.genesis));
  const level = parseLogLevel(options.logLevel);
  if (level === undefined)
    throw new TabellionError('log-level-unknown', { level: options.logLevel });
  const logPath = options.log === undefined ? undefined : resolve(options.log);
  const log = await openLog(logPath, level);
  output.say('Opening the store …');
  let relay: Relay;
  try {
    relay = await startRelay({
      data,
      tracer: log,
      appFolder: options.app === undefined ? undefined : resolve(options.app),
      overrides: overridesOf(options),
    });
  } catch (error) {
    await log.close();
    leaveParent();
    throw error;
  }
  const { head, isValidator } = relay.node.status();
  const height = head?.header.height ?? 0;
  const ready: Json = {
    kind: 'ready',
    url: relay.http.url,
    peerId: relay.node.network()?.peerId ?? '',
    addresses: [...(relay.node.network()?.addresses() ?? [])],
    height,
    processes: [process.pid],
  };
  const role = isValidator ? 'validator' : 'relay';
  output.result(`Running as ${role} at block ${height} · ${relay.http.url} · Ctrl-C stops`, ready);
  process.send?.(ready);
  await untilAborted(signal);
  output.say('Stopping …');
  await relay.stop();
  await log.close();
  // All is written. WebSockets to peers that answer no more would keep this process for minutes.
  process.exit();
}

/** A parent's channel would keep this process alive. */
function leaveParent(): void {
  if (process.connected) process.disconnect();
}

function overridesOf(options: NodeCommandOptions): Partial<NodeSettings> {
  const list = <Name extends keyof NodeSettings>(name: Name, values: readonly string[]) =>
    values.length === 0 ? {} : { [name]: values };
  return {
    ...(options.port === undefined ? {} : { rpcPort: options.port }),
    ...(options.host === undefined ? {} : { rpcHost: options.host }),
    ...(options.cache === undefined ? {} : { cacheMegabytes: options.cache }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.keepBlocks === undefined ? {} : { keepBlocks: options.keepBlocks }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
    ...(options.replayTrustingCheckpoint === undefined
      ? {}
      : { replayTrusting: options.replayTrustingCheckpoint }),
    ...list('listen', options.listen),
    ...list('announce', options.announce),
    ...list('relays', options.relay),
    ...list('hosts', options.publicHost),
    ...list('origins', options.origin),
  };
}

/** Keeps the document in the data folder. Rejects with `genesis-differs` if it has another one. */
async function adoptGenesis(data: string, path: string): Promise<void> {
  const document = await loadJson(path);
  if (document === undefined) throw new TabellionError('genesis-missing', { path });
  const kept = await loadJson(nodeFiles(data).genesis);
  if (kept !== undefined && !isSameNetwork(kept, document)) {
    throw new TabellionError('genesis-differs', { path });
  }
  await storeJson(nodeFiles(data).genesis, document);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((settle) => {
    if (signal.aborted) settle();
    else signal.addEventListener('abort', () => settle(), { once: true });
  });
}

/** Whether two genesis documents start the same network. */
function isSameNetwork(left: Json, right: Json): boolean {
  const [first, second] = [parseGenesis(left), parseGenesis(right)];
  if (!first.ok || !second.ok) return false;
  const [one, other] = [createLedger(first.value), createLedger(second.value)];
  return one.ok && other.ok && equalBytes(one.value.chainId, other.value.chainId);
}
