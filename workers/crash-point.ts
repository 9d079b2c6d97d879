import type { NodeOptions, OnCrashPoint } from '../src/node/index.ts';

/** What a crash test changes of a tab's node. */
export type CrashTest = {
  readonly onCrashPoint?: OnCrashPoint;
  readonly cacheBytesMax?: number;
  readonly nodeOptions?: Partial<NodeOptions>;
};

/** What `crash-point.json` beside the page says. */
type Order = Pick<CrashTest, 'nodeOptions'> & { readonly name: string; readonly count: number };
const NOWHERE: Order = { name: '', count: 0 };

/**
 * Halts this worker where `npm run crash-test` kills its browser. Only a build of mode `crash-test`
 * contains it: in the app that people get, there is nothing to order.
 */
export function haltAtCrashPoint(): CrashTest {
  const request = new XMLHttpRequest();
  request.open('GET', '/crash-point.json', false);
  request.send();
  const order: Order = request.status === 200 ? JSON.parse(request.responseText) : NOWHERE;
  let left = order.count;
  return {
    onCrashPoint(name) {
      if (name !== order.name) return;
      left -= 1;
      if (left !== 0) return;
      // biome-ignore lint/suspicious/noConsole: the debugger outside hears it, and kills.
      console.info(`crash point ${name}`);
      // Nothing else of this worker runs until the kill, as if it had come this very moment.
      while (left === 0);
    },
    // Without room for pages a checkpoint is due every few blocks.
    cacheBytesMax: 0,
    ...(order.nodeOptions === undefined ? {} : { nodeOptions: order.nodeOptions }),
  };
}
