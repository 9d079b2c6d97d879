import { join } from 'node:path';
import type { JsonObject } from '../../src/base/index.ts';
import { loadKey } from '../../src/relay/key-files.ts';
import { nodeFiles } from '../../src/relay/layout.ts';
import type { Signed } from '../network/payers.ts';
import { fundedPayers, networkFacts } from '../network/payers.ts';
import { RpcSocket } from '../network/socket.ts';

const PAYERS = 256;
/** Payments of one account that are submitted before the first of them is final. */
const PAYMENTS_PER_WAVE = 4;
/** Calls of one JSON-RPC batch. */
const BATCH_MAX = 50;
const STATUSES_MAX = 200;

/**
 * Adds payments to the chain of a network until it holds at least so many transactions.
 *
 * @returns The height of the chain then.
 */
export async function fillChain(
  network: { readonly rpc: string; readonly data: string },
  transactions: number,
): Promise<number> {
  const socket = await RpcSocket.open(network.rpc.replace(/^http/, 'ws').replace(/\/rpc$/, '/ws'));
  const facts = await networkFacts(socket);
  const faucet = await loadKey(nodeFiles(join(network.data, 'node-1')).faucetKey);
  const payers = await fundedPayers(socket, facts, { faucet, count: PAYERS });
  let paid = PAYERS; // Each made a first payment when it was funded.
  for (let next = 1; paid < transactions; next += PAYMENTS_PER_WAVE) {
    const wave: Signed[] = [];
    for (let at = 0; at < PAYMENTS_PER_WAVE; at++) {
      for (const payer of payers) {
        wave.push(payer.pay(next + at, [{ recipient: payer.address, amount: 1n }]));
      }
    }
    await submit(socket, wave);
    await untilFinal(socket, new Set(wave.map(({ id }) => id)));
    paid += wave.length;
  }
  // A head view by the method's table.
  const head = (await socket.call('node.status', {})).head as JsonObject;
  socket.close();
  return Number(head.height);
}

async function submit(socket: RpcSocket, signed: readonly Signed[]): Promise<void> {
  for (let at = 0; at < signed.length; at += BATCH_MAX) {
    const calls = signed
      .slice(at, at + BATCH_MAX)
      .map(({ hex }) => ({ method: 'transaction.submit', params: { bytes: hex } }));
    for (const answer of await Promise.all(socket.batch(calls))) {
      if (!answer.ok) throw new Error(`a payment in its turn was refused: ${answer.code}`);
    }
  }
}

/** Asks for the stage of what is open, again at each new head, until nothing is. */
async function untilFinal(socket: RpcSocket, open: Set<string>): Promise<void> {
  let onHead = Promise.withResolvers<void>();
  const end = await socket.subscribe('heads', {}, () => onHead.resolve());
  for (;;) {
    onHead = Promise.withResolvers();
    const ids = [...open];
    for (let at = 0; at < ids.length; at += STATUSES_MAX) {
      const answer = await socket.call('transaction.statuses', {
        ids: ids.slice(at, at + STATUSES_MAX),
      });
      // A list of status views by the method's table.
      for (const status of answer.statuses as unknown as readonly JsonObject[]) {
        if (status.stage === 'final') open.delete(String(status.id));
        if (status.stage === 'failed' || status.stage === 'expired') {
          throw new Error(`a payment ended as ${status.stage}: ${status.code}`);
        }
      }
    }
    if (open.size === 0) break;
    await onHead.promise;
  }
  await end();
}
