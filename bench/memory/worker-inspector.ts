import type { BrowserContext, CDPSession, Page } from '@playwright/test';

/** Bytes that a worker holds after its garbage was collected. */
export type WorkerMemory = {
  /** Objects of JavaScript. */
  readonly heapBytes: number;
  /** Contents of its array buffers. */
  readonly bufferBytes: number;
};

export type WorkerInspector = { usedBytes(): Promise<WorkerMemory> };

type Attached = { readonly sessionId: string; readonly targetInfo: { readonly type: string } };
type Received = { readonly sessionId: string; readonly message: string };

/** One worker's end of the DevTools protocol, through its page: Playwright has none of its own. */
class WorkerSession {
  readonly #page: CDPSession;
  readonly #sessionId: string;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #last = 0;

  constructor(page: CDPSession, sessionId: string) {
    this.#page = page;
    this.#sessionId = sessionId;
    page.on('Target.receivedMessageFromTarget', (event: Received) => {
      if (event.sessionId !== sessionId) return;
      // What a target sends is JSON of the protocol: an answer, or an event without a number.
      const { id, result } = JSON.parse(event.message) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  send(method: string): Promise<unknown> {
    const id = ++this.#last;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ id, method });
    void this.#page.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message });
    return answer;
  }
}

/** Attaches to the first worker of a page. */
export async function openWorkerInspector(
  context: BrowserContext,
  page: Page,
): Promise<WorkerInspector> {
  const session = await context.newCDPSession(page);
  const attached = new Promise<string>((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }: Attached) => {
      if (targetInfo.type === 'worker') resolve(sessionId);
    });
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  const worker = new WorkerSession(session, await attached);
  return {
    async usedBytes() {
      // Twice: what the first finds unreachable may have held buffers until then.
      await worker.send('HeapProfiler.collectGarbage');
      await worker.send('HeapProfiler.collectGarbage');
      // The fields that the protocol names.
      const usage = (await worker.send('Runtime.getHeapUsage')) as {
        readonly usedSize: number;
        readonly backingStorageSize: number;
      };
      return { heapBytes: usage.usedSize, bufferBytes: usage.backingStorageSize };
    },
  };
}
