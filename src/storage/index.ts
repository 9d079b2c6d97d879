// `IndexedDbStore` and `LevelDbStore` are not listed: each belongs to one home, and only that
// home's entry imports it, by its own file.
export type { StoreErrorCode } from './errors.ts';
export { storeError } from './errors.ts';
export { LIST_LIMIT_MAX, STORE_KEY_BYTES_MAX } from './limits.ts';
export type { MemoryStoreOptions } from './memory-store.ts';
export { MemoryStore } from './memory-store.ts';
export { Turnstile } from './operations.ts';
export type { SharedCacheOptions } from './shared-cache.ts';
export { SharedCache } from './shared-cache.ts';
export type {
  CrashPointOptions,
  Entry,
  KeyRange,
  KeyValueStore,
  Space,
  SpaceUsage,
  StoreCrashPoint,
  WriteOperation,
} from './types.ts';
export { SPACES } from './types.ts';
