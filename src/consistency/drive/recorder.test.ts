import { expect, it } from 'vitest';
import type { Finding } from '../history.ts';
import { Recorder } from './recorder.ts';

it('the height that strict reads wait for is the highest that any finding names as final', () => {
  const status = (stage: 'included' | 'final' | 'failed', height: number): Finding => ({
    ...{ kind: 'status', id: 't' },
    status: { stage, height, index: 0, code: undefined },
  });
  const steps: readonly (readonly [Finding, number])[] = [
    [{ kind: 'head', height: 3, hash: 'h' }, 3],
    [status('included', 4), 3], // Proposed only.
    [status('final', 4), 4],
    [status('failed', 5), 5],
    [{ kind: 'block', height: 6, hash: 'h', transactions: undefined }, 6],
    [{ kind: 'block', height: 9, hash: undefined, transactions: undefined }, 6],
    [{ kind: 'activity', account: 'a', places: [{ id: 't', height: 7 }] }, 7],
  ];
  const recorder = new Recorder();
  for (const [finding, height] of steps) {
    recorder.note({ client: 0, relay: 0 }, recorder.moment(), finding);
    expect(recorder.heightMax).toBe(height);
  }
});
