import { formatHex } from '../../base/index.ts';
import type { HistoryProgress } from '../../sdk/index.ts';
import { formatAddress, readWholeHistory } from '../../sdk/index.ts';
import { describeActivity } from '../format/activity.ts';
import { csvPieces } from '../format/csv.ts';
import { valuePieces } from '../format/json.ts';
import { formatCount, formatHeight, plural } from '../format/number.ts';
import { plainDecimal } from '../format/payment-text.ts';
import { wordsOf } from '../format/text.ts';
import type { Address, ChainInfo, Client } from './client.ts';
import { download } from './download.ts';
import type { Chapter } from './history.ts';
import { Binder, namedByOf } from './history.ts';
import { Slices, textInSlices } from './slices.ts';

/** Entries after which progress is said again. */
const ENTRIES_PER_WORD = 200;

/** Object, chapters, chapter, entries: each entry is a piece of text. */
const LEVELS = 4;

const CSV_HEAD = [
  'time',
  'height',
  'id',
  'what',
  'direction',
  'counterpart',
  'amount',
  'unit',
  'fee',
  'state',
  'note',
  'trust',
  'source',
];

/** Where what was read ends. */
export type HistoryEnd = {
  /** Nobody answered any more below this height. */
  readonly stoppedAt: number | undefined;
  /** From here on nothing is missing; absent: nobody can say so. */
  readonly completeFrom: number | undefined;
  /** How many peers named all of it, where only peers could. */
  readonly namedBy?: number | undefined;
};

/** What was saved, in words. */
export function savedWords(count: number, end: HistoryEnd): string {
  return `${plural(count, 'transaction')} saved${endWords(end)}`;
}

function endWords({ stoppedAt, completeFrom, namedBy = 1 }: HistoryEnd): string {
  if (stoppedAt !== undefined) {
    return `, down to block ${formatHeight(stoppedAt)}: nobody proves what is older now.`;
  }
  if (completeFrom === 0) return '.';
  if (completeFrom === undefined) {
    const whose = namedBy > 1 ? `all that ${namedBy} peers alike named` : 'what one peer named';
    return `: ${whose}, each proven. That none is missing nobody can prove.`;
  }
  return `, complete from block ${formatHeight(completeFrom)} on; what was before is not known.`;
}

/** The part of a file's name that says what it may lack. */
export function endName({ stoppedAt, completeFrom, namedBy = 1 }: HistoryEnd): string {
  if (stoppedAt !== undefined) return '-incomplete';
  if (completeFrom === undefined) return `-as-named-by-${namedBy > 1 ? 'peers' : 'one-peer'}`;
  return completeFrom === 0 ? '' : `-from-block-${completeFrom}`;
}

/** From where on all chapters together lack nothing: none can say more than each of them. */
export function completeFromOf(chapters: readonly Chapter[]): number | undefined {
  let from = 0;
  for (const { completeFrom } of chapters) {
    if (completeFrom === undefined) return undefined;
    from = Math.max(from, completeFrom);
  }
  return from;
}

/** How far reading has come, in words. */
export function progressWords({ entries, isWaiting }: HistoryProgress): string {
  const read = `${formatCount(entries)} read`;
  return isWaiting ? `${read}, waiting for busy peers…` : `${read}…`;
}

/**
 * Saves the whole history of an account as CSV (for spreadsheets) or JSON (every field). Says how
 * much was saved, and what it may lack, as the name of the file does. Rejects with `aborted`.
 */
export async function exportHistory(
  client: Client,
  chain: ChainInfo,
  address: Address,
  options: {
    readonly form: 'csv' | 'json';
    readonly onProgress?: (text: string) => void;
    readonly signal?: AbortSignal;
  },
): Promise<string> {
  const { form, onProgress, signal } = options;
  let told = 0;
  const { pages, stop } = await readWholeHistory(client, address, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => {
      // Every page would be said aloud by screen readers.
      if (!progress.isWaiting && progress.entries - told < ENTRIES_PER_WORD) return;
      told = progress.entries;
      onProgress?.(progressWords(progress));
    },
  });
  const binder = new Binder();
  const slices = new Slices(options);
  for (const page of pages) {
    binder.add(page);
    if (slices.isFull()) await slices.next();
  }
  const chapters = binder.chapters();
  const count = chapters.reduce((sum, { entries }) => sum + entries.length, 0);
  const stoppedAt = stop?.before.height;
  const end = {
    ...{ stoppedAt, completeFrom: completeFromOf(chapters) },
    namedBy: namedByOf(chapters),
  };
  const words = savedWords(count, end);
  const name = `tabellion-${formatAddress(address).slice(-8)}${endName(end)}`;
  if (form === 'json') {
    const whole = { network: chain.name, address: formatAddress(address), words, chapters };
    const told = stoppedAt === undefined ? whole : { ...whole, incompleteBelow: stoppedAt };
    const text = await textInSlices(valuePieces(told, LEVELS), options);
    download(`${name}.json`, text, 'application/json');
    return words;
  }
  const rows = csvRows(chapters, chain, address);
  const text = await textInSlices(csvPieces(rows), options);
  download(`${name}.csv`, text, 'text/csv');
  return words;
}

/** The names of the columns, then a row an entry, made as it is asked for. */
function* csvRows(
  chapters: readonly Chapter[],
  chain: ChainInfo,
  viewer: Address,
): Generator<readonly (string | number)[]> {
  yield CSV_HEAD;
  const { decimals, symbol } = chain.native;
  for (const { trust, source, entries } of chapters) {
    for (const { transaction, receipt, timestampMs, height, id } of entries) {
      const { sender, actions, memo } = transaction.body;
      const faucetAmount = chain.faucet?.amount;
      const activity = describeActivity({ sender, actions, viewer, faucetAmount });
      const { title, direction, counterpart, amount, asset } = activity;
      const isNative = asset?.every((byte) => byte === 0) ?? true;
      // Plain decimals with a point: what every spreadsheet and script reads alike.
      const figure = (units: bigint) =>
        isNative ? plainDecimal(units, decimals) : units.toString();
      yield [
        new Date(timestampMs).toISOString(),
        height,
        formatHex(id),
        title,
        direction ?? '',
        counterpart === undefined ? '' : formatAddress(counterpart),
        amount === undefined ? '' : figure(amount),
        isNative ? symbol : `smallest units of ${formatHex(asset ?? new Uint8Array())}`,
        plainDecimal(receipt.feeCharged, decimals),
        wordsOf(receipt.outcome.kind),
        memo,
        trust,
        source,
      ];
    }
  }
}
