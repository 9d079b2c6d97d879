import { walletError } from './errors.ts';
import type { WalletStorage } from './types.ts';

const KEY = 'tabellion-wallet';

/**
 * Keeps the wallet's note in `localStorage`, where all tabs of the origin see it. Reading fails
 * softly (a browser may forbid storage: the wallet then starts empty), writing says why.
 */
export function createLocalWalletStorage(
  local: Storage,
  events: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>,
): WalletStorage {
  return {
    read() {
      try {
        return local.getItem(KEY) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write(text) {
      try {
        local.setItem(KEY, text);
      } catch (error) {
        throw walletError('storage-failed', {}, error);
      }
    },
    subscribe(callback) {
      const listen = (event: Event): void => {
        // The `storage` event of other tabs; a cleared store names no key.
        const { key } = event as StorageEvent;
        if (key === KEY || key === null) callback();
      };
      events.addEventListener('storage', listen);
      return () => events.removeEventListener('storage', listen);
    },
  };
}

/** Forgets everything with the page: for tests and for browsers that forbid storage. */
export function createMemoryWalletStorage(initial?: string): WalletStorage {
  let kept = initial;
  const callbacks = new Set<() => void>();
  return {
    read: () => kept,
    write(text) {
      kept = text;
      for (const callback of [...callbacks]) callback();
    },
    subscribe(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
  };
}
