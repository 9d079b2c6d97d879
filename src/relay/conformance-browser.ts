import { openChromiumHome } from '../../deploy/chromium-home.ts';
import type { Json } from '../base/index.ts';

/** Answers the same lines in a dedicated worker of a real Chromium. */
export async function openBrowserHome(): Promise<{
  ask(line: string): Promise<Json>;
  close(): Promise<void>;
}> {
  const entry = new URL('../../workers/conformance.worker.ts', import.meta.url);
  const home = await openChromiumHome({ entry });
  return {
    ask: (line) => home.call<Json>('ask', line),
    close: () => home.close(),
  };
}
