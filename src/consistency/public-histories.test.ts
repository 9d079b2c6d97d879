import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { judgePublicHistory, loadPublicHistories } from './public-histories.ts';

// A second on a quiet machine; a busy one may take many.
const TIMEOUT_MS = 120_000;

describe('histories of other systems whose verdicts are known', () => {
  it(
    'are judged as their authors judged them, all 108',
    async () => {
      const folder = fileURLToPath(new URL('./vectors/', import.meta.url));
      const histories = await loadPublicHistories(folder);
      expect(histories.length).toBe(108);
      const wrong = histories
        .filter((history) => judgePublicHistory(history) !== history.linearizable)
        .map(({ name }) => name);
      expect(wrong).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
