import type { StoreCrashPoint } from '../storage/index.ts';
import type { LedgerCrashPoint } from './store/index.ts';
import { LEDGER_CRASH_POINTS } from './store/index.ts';

/** Places where a node writes beside its ledger: what a validator must not forget. */
const NODE_CRASH_POINTS = [
  'wal-append-begun',
  'wal-append-done',
  'wal-prune-begun',
  'wal-prune-done',
  'signing-record-begun',
  'signing-record-done',
  'evidence-begun',
  'evidence-done',
] as const;
export type NodeCrashPoint = (typeof NODE_CRASH_POINTS)[number];

/** Places inside the store itself, whatever is written: the database's own write is between. */
const STORE_CRASH_POINTS = ['store-write-begun', 'store-write-done'] as const;

/**
 * Files of a relay. `…-drafted` is reached when the new content is written under another name, or
 * not yet forced to the disk.
 */
const FILE_CRASH_POINTS = [
  'signing-mark-begun',
  'signing-mark-drafted',
  'signing-mark-done',
  'validator-mark-begun',
  'validator-mark-drafted',
  'validator-mark-done',
  'peer-key-begun',
  'peer-key-drafted',
  'peer-key-done',
  'validator-key-begun',
  'validator-key-drafted',
  'validator-key-done',
  'faucet-key-begun',
  'faucet-key-drafted',
  'faucet-key-done',
  'genesis-file-begun',
  'genesis-file-drafted',
  'genesis-file-done',
  'settings-begun',
  'settings-drafted',
  'settings-done',
  'plan-begun',
  'plan-drafted',
  'plan-done',
] as const;
export type FileCrashPoint = (typeof FILE_CRASH_POINTS)[number];

/** Records of a tab: who leads, by which identity it is known, whom it dials. */
const TAB_CRASH_POINTS = [
  'epoch-begun',
  'epoch-done',
  'tab-marker-begun',
  'tab-marker-done',
  'tab-identity-begun',
  'tab-identity-done',
  'tab-relays-begun',
  'tab-relays-done',
] as const;
export type TabCrashPoint = (typeof TAB_CRASH_POINTS)[number];

/** Every place where something durable is written, by the home that passes it. */
export const CRASH_POINTS = {
  ledger: LEDGER_CRASH_POINTS,
  node: NODE_CRASH_POINTS,
  store: STORE_CRASH_POINTS,
  file: FILE_CRASH_POINTS,
  tab: TAB_CRASH_POINTS,
} as const;

export type CrashPoint =
  | LedgerCrashPoint
  | NodeCrashPoint
  | StoreCrashPoint
  | FileCrashPoint
  | TabCrashPoint;

/** Lets a test stop the process at a named place: throw, or kill, inside the callback. */
export type OnCrashPoint = (name: CrashPoint) => void | Promise<void>;
