import { createServer } from 'node:net';
import { TabellionError } from '../base/index.ts';

/** Rejects with `address-in-use` and the first port of this machine that somebody listens on. */
export async function assertPortsFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (!isFree) throw new TabellionError('address-in-use', { port });
  }
}
