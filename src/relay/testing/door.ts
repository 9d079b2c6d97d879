import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Json } from '../../base/index.ts';
import { isJsonObject, silentTracer } from '../../base/index.ts';
import { toJson } from '../../codec/index.ts';
import { protocol } from '../../ledger/index.ts';
import { createTestLedger } from '../../ledger/testing/world.ts';
import { nodeFiles } from '../layout.ts';
import type { Relay } from '../start-node.ts';
import { startRelay } from '../start-node.ts';

/** Runs a real relay on free ports; resolves with how to end it, too. */
export async function startTestRelay(): Promise<{ relay: Relay; end(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'tabellion-hostile-'));
  const genesis = toJson(protocol.genesisCodec, createTestLedger().genesis.document);
  writeFileSync(nodeFiles(folder).genesis, JSON.stringify(genesis));
  const relay = await startRelay({
    data: folder,
    tracer: silentTracer,
    appFolder: undefined,
    overrides: {
      rpcPort: 0,
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      hosts: ['relay.example'],
      origins: ['https://wallet.example'],
    },
  });
  const end = async () => {
    await relay.stop();
    rmSync(folder, { recursive: true });
  };
  return { relay, end };
}

/** Bytes that the garbage collector cannot take. */
export function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Text of one call. */
export const call = (method: string, params: Json = {}, id: Json = 1): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

/** A call that every relay answers. */
export const GOOD_CALL = call('mempool.status');

/** What stands before a body; empty lines are left out. */
export function head(
  options: {
    readonly first?: string;
    readonly host?: string;
    readonly type?: string;
    readonly length?: number;
    readonly rest?: readonly string[];
  } = {},
): string {
  const { first = 'POST /rpc HTTP/1.1', host = 'localhost', length } = options;
  const { type = 'Content-Type: application/json' } = options;
  const lines = [first, `Host: ${host}`, type, ...(options.rest ?? [])];
  if (length !== undefined) lines.push(`Content-Length: ${length}`);
  return `${lines.filter((line) => line !== '').join('\r\n')}\r\n\r\n`;
}

/** Writes pieces to a bare socket; resolves with all that came back once the server closed it. */
export function exchange(port: number, pieces: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    // What is still on its way when the server hangs up is reset: part of being refused.
    socket.on('error', () => undefined).on('close', () => resolve(text));
    for (const piece of pieces) socket.write(piece);
  });
}

/** Status of the first answer, and the code that it names. */
export function outcomeOf(reply: string): string {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1] ?? 'closed';
  const body = reply.slice(reply.indexOf('\r\n\r\n') + 4);
  if (!body.startsWith('{') && !body.startsWith('[')) return status;
  return `${status} ${nameOf(JSON.parse(body) as Json)}`; // What JSON.parse gives is JSON.
}

/** The code that an answer names, or `answered`. */
export function nameOf(json: Json): string {
  if (Array.isArray(json)) return [...new Set(json.map(nameOf))].join('+');
  if (!isJsonObject(json)) return 'nonsense';
  const { error } = json;
  if (!isJsonObject(error)) return 'answered';
  return String(isJsonObject(error.data) ? error.data.code : error.code);
}

/** Whether an honest question of this machine is answered, on a connection of its own. */
export async function isAlive(port: number): Promise<boolean> {
  const rest = ['Connection: close'];
  const reply = await exchange(port, [head({ length: GOOD_CALL.length, rest }), GOOD_CALL]);
  return outcomeOf(reply) === '200 answered';
}
