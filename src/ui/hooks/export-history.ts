import { formatHex } from '../../base/index.ts';
import { formatAddress } from '../../sdk/index.ts';
import { describeActivity } from '../format/activity.ts';
import { csvText } from '../format/csv.ts';
import { valueText } from '../format/json.ts';
import { wordsOf } from '../format/text.ts';
import type { Address, ChainInfo, Client } from './client.ts';
import { download } from './download.ts';
import { readWholeHistory } from './history.ts';

/** Saves the whole history of an account as CSV (for spreadsheets) or JSON (complete). */
export async function exportHistory(
  client: Client,
  chain: ChainInfo,
  address: Address,
  form: 'csv' | 'json',
): Promise<number> {
  const chapters = await readWholeHistory(client, address);
  const count = chapters.reduce((sum, { entries }) => sum + entries.length, 0);
  const name = `tabellion-${formatAddress(address).slice(-8)}`;
  if (form === 'json') {
    download(
      `${name}.json`,
      valueText({ network: chain.name, address: formatAddress(address), chapters }),
      'application/json',
    );
    return count;
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
  return count;
}

function plainDecimal(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  return decimals === 0 ? whole : `${whole}.${digits.slice(digits.length - decimals)}`;
}
