import type { JsonObject } from '../../base/index.ts';
import { isJsonObject, parseJsonText } from '../../base/index.ts';
import { NODE_MODES } from '../../sdk/index.ts';
import type { NodeMode } from './client.ts';
import type { Drafts } from './drafts.ts';
import { readDrafts } from './drafts.ts';

/** Everything that only this browser has; nothing in it can sign. */
export type Backup = {
  /** The wallet's own notebook: accounts, keys by name, contacts. */
  readonly wallet: string;
  readonly drafts: Drafts;
  readonly settings: {
    readonly theme: 'system' | 'light' | 'dark' | undefined;
    readonly mode: NodeMode | undefined;
    readonly cacheBytesMax: number | undefined;
  };
  /** Multiaddrs, those of the network's genesis included. */
  readonly relays: readonly string[];
};

const KIND = 'tabellion-backup';
const VERSION = 1;
/** Longest text that is read: accounts, contacts and drafts at their bounds are far below. */
export const BACKUP_LENGTH_MAX = 4_000_000;
/** Levels of lists and objects; what a page saves has ten. */
const BACKUP_DEPTH_MAX = 32;
const RELAYS_MAX = 64;
const RELAY_LENGTH_MAX = 512;

const THEMES = ['system', 'light', 'dark'] as const;

/** Whether a value may be walked over: one of too many levels would exhaust the stack. */
function isShallow(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depthMax > 0 && Object.values(value).every((each) => isShallow(each, depthMax - 1));
}

/** The text of a backup file. */
export function formatBackup(backup: Backup, savedAt: string): string {
  const { wallet, drafts, settings, relays } = backup;
  const file = {
    kind: KIND,
    version: VERSION,
    savedAt,
    wallet: JSON.parse(wallet),
    drafts,
    settings,
    relays,
  };
  return JSON.stringify(file, undefined, 2);
}

/**
 * Reads a backup file. The wallet's part stays text: the wallet reads it itself, and strictly.
 * What else is not of its kind is left out; a file that is none of ours answers `undefined`. The
 * notebook alone, as older versions saved it, counts as a backup that holds nothing else.
 */
export function parseBackup(text: string): Backup | undefined {
  if (text.length > BACKUP_LENGTH_MAX) return undefined;
  const file = parseJsonText(text);
  if (!isJsonObject(file)) return undefined;
  const isNotebook = file.kind === undefined && file.accounts !== undefined;
  // A notebook will be a member of the next file.
  if (!isShallow(file, BACKUP_DEPTH_MAX - (isNotebook ? 1 : 0))) return undefined;
  if (isNotebook) {
    return { wallet: text, drafts: {}, settings: settingsOf({}), relays: [] };
  }
  if (file.kind !== KIND || file.version !== VERSION) return undefined;
  const relays = Array.isArray(file.relays) ? file.relays : [];
  return {
    wallet: JSON.stringify(file.wallet ?? null),
    drafts: readDrafts(file.drafts),
    settings: settingsOf(isJsonObject(file.settings) ? file.settings : {}),
    relays: relays
      .filter((each): each is string => typeof each === 'string' && each.length < RELAY_LENGTH_MAX)
      .slice(0, RELAYS_MAX),
  };
}

function settingsOf({ theme, mode, cacheBytesMax }: JsonObject): Backup['settings'] {
  const isBytes = Number.isSafeInteger(cacheBytesMax) && Number(cacheBytesMax) > 0;
  return {
    theme: THEMES.find((each) => each === theme),
    mode: NODE_MODES.find((each) => each === mode),
    cacheBytesMax: isBytes ? Number(cacheBytesMax) : undefined,
  };
}
