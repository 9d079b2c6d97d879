import type { BrowserContext, Page } from '@playwright/test';
import { WorkerSession } from '../worker-session.ts';

/** Bytes that a worker holds after its garbage was collected. */
export type WorkerMemory = {
  /** Objects of JavaScript. */
  readonly heapBytes: number;
  /** Contents of its array buffers. */
  readonly bufferBytes: number;
};

export type WorkerInspector = { usedBytes(): Promise<WorkerMemory> };

/** Attaches to the first worker of a page. */
export async function openWorkerInspector(
  context: BrowserContext,
  page: Page,
): Promise<WorkerInspector> {
  const worker = await WorkerSession.open(context, page);
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
