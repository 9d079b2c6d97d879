import { serveRtc } from '../window.ts';
import type { TabCommand, TabOptions } from './tab-messages.ts';

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const waiting = new Map<
  number,
  { resolve: (value: unknown) => void; reject: (e: Error) => void }
>();
let lastId = 0;

worker.onmessage = (event: MessageEvent) => {
  const { id, value, error } = event.data;
  const call = waiting.get(id);
  waiting.delete(id);
  if (error !== undefined) call?.reject(new Error(error));
  else call?.resolve(value);
};

function ask(message: object, transfer: Transferable[] = []): Promise<unknown> {
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ ...message, id }, transfer);
  });
}

const tab = {
  start(options: TabOptions, mustCopy: boolean): Promise<unknown> {
    const { port1, port2 } = new MessageChannel();
    serveRtc(port1, { mustCopy });
    return ask({ options, rtcPort: port2 }, [port2]);
  },
  perform: (command: TabCommand) => ask({ command }),
  /** Keeps the page from doing anything else. */
  block(forMs: number): void {
    const endMs = performance.now() + forMs;
    while (performance.now() < endMs);
  },
};

export type HarnessTab = typeof tab;
Object.assign(globalThis, { tab });
