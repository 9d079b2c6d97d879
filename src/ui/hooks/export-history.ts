import { formatHex } from '../../base/index.ts';
import type { HistoryProgress } from '../../sdk/index.ts';
import { formatAddress, readWholeHistory } from '../../sdk/index.ts';
import { describeActivity } from '../format/activity.ts';
import { csvText } from '../format/csv.ts';
import { valueText } from '../format/json.ts';
import { formatCount, formatHeight, plural } from '../format/number.ts';
import { wordsOf } from '../format/text.ts';
import type { Address, ChainInfo, Client } from './client.ts';
import { download } from './download.ts';
import type { Chapter } from './history.ts';
import { chaptersOf } from './history.ts';

/** Entries after which progress is said again. */
const ENTRIES_PER_WORD = 200;

/** Where what was read ends. */
export type HistoryEnd = {
  /** Nobody answered any more below this height. */
  readonly stoppedAt: number | undefined;
  /** From here on nothing is missing; absent: nobody can say so. */
  readonly completeFrom: number | undefined;
};

/** What was saved, in words. */
export function savedWords(count: number, end: HistoryEnd): string {
  return `${plural(count, 'transaction')} saved${endWords(end)}`;
}

function endWords({ stoppedAt, completeFrom }: HistoryEnd): string {
  if (stoppedAt !== undefined) {
    return `, down to block ${formatHeight(stoppedAt)}: nobody proves what is older now.`;
  }
  if (completeFrom === 0) return '.';
  if (completeFrom === undefined) {
    return ': all that peers named, each proven. That none is missing nobody can say.';
  }
  return `, complete from block ${formatHeight(completeFrom)} on; what was before is not known.`;
}

/** The part of a file's name that says what it may lack. */
export function endName({ stoppedAt, completeFrom }: HistoryEnd): string {
  if (stoppedAt !== undefined) return '-incomplete';
  if (completeFrom === undefined) return '-as-named-by-peers';
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
  const chapters = chaptersOf(pages);
  const count = chapters.reduce((sum, { entries }) => sum + entries.length, 0);
  const stoppedAt = stop?.before.height;
  const end = { stoppedAt, completeFrom: completeFromOf(chapters) };
  const words = savedWords(count, end);
  const name = `tabellion-${formatAddress(address).slice(-8)}${endName(end)}`;
  if (form === 'json') {
    const whole = { network: chain.name, address: formatAddress(address), words, chapters };
    const told = stoppedAt === undefined ? whole : { ...whole, incompleteBelow: stoppedAt };
    download(`${name}.json`, valueText(told), 'application/json');
    return words;
  }
  const head = [
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
  const listed = chapters.flatMap((chapter) =>
    chapter.entries.map((entry) => ({ entry, chapter })),
  );
  const rows = listed.map(({ entry, chapter }) => {
    const { body } = entry.transaction;
    const activity = describeActivity({
      sender: body.sender,
      actions: body.actions,
      viewer: address,
      faucetAmount: chain.faucet?.amount,
    });
    const isNative = activity.asset?.every((byte) => byte === 0) ?? true;
    return [
      new Date(entry.timestampMs).toISOString(),
      entry.height,
      formatHex(entry.id),
      activity.title,
      activity.direction ?? '',
      activity.counterpart === undefined ? '' : formatAddress(activity.counterpart),
      // Plain decimals with a point: what every spreadsheet and script reads alike.
      activity.amount === undefined
        ? ''
        : isNative
          ? plainDecimal(activity.amount, chain.native.decimals)
          : activity.amount.toString(),
      isNative
        ? chain.native.symbol
        : `smallest units of ${formatHex(activity.asset ?? new Uint8Array())}`,
      plainDecimal(entry.receipt.feeCharged, chain.native.decimals),
      wordsOf(entry.receipt.outcome.kind),
      body.memo,
      chapter.trust,
      chapter.source,
    ];
  });
  download(`${name}.csv`, csvText([head, ...rows]), 'text/csv');
  return words;
}

function plainDecimal(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  return decimals === 0 ? whole : `${whole}.${digits.slice(digits.length - decimals)}`;
}
