import { defined, parseJsonText } from '../../../base/index.ts';
import { formatAddress } from '../../../ledger/index.ts';
import { formatBackup, parseBackup } from '../../../ui/hooks/backup.ts';
import { readDrafts } from '../../../ui/hooks/drafts.ts';
import { EMPTY_NOTEBOOK, formatNotebook, parseNotebook } from '../../../wallet/notebook.ts';
import { PEOPLE } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { textTarget } from './codec-target.ts';

// What a person brings back into a browser: the file that holds what only the browser had.

const SAVED_AT = '2026-01-02T03:04:05.000Z';
const RELAYS_MAX = 64;
const DRAFTS_MAX = 16;
const [ada, pia] = [PEOPLE.ada, PEOPLE.pia].map(({ address }) => formatAddress(address));
const ADA = defined(ada, 'Ada has an address');
const PIA = defined(pia, 'Pia has an address');

const DRAFTS = {
  [ADA]: { to: PIA, amount: '1.5', memo: 'rent', atMs: 5, asset: 'ab'.repeat(32) },
  [PIA]: { to: '', amount: '7', memo: '', atMs: 1_700_000_000_000, asset: undefined },
};

const BACKUP = {
  wallet: formatNotebook(EMPTY_NOTEBOOK),
  drafts: DRAFTS,
  settings: { theme: 'dark', mode: 'archive', cacheBytesMax: 2 ** 26 },
  relays: ['/ip4/1.2.3.4/tcp/1/ws', '/dns4/relay.example/tcp/443/wss'],
} as const;
const BARE = {
  ...{
    wallet: formatNotebook({
      ...EMPTY_NOTEBOOK,
      contacts: [{ name: 'Ada', address: PEOPLE.ada.address }],
    }),
  },
  ...{ drafts: {}, relays: [] },
  settings: { theme: undefined, mode: undefined, cacheBytesMax: undefined },
} as const;

/** Members of a backup that no page could have written. */
function strangeMember({ settings, relays, drafts }: NonNullable<ReturnType<typeof parseBackup>>) {
  const { theme, mode, cacheBytesMax } = settings;
  if (!['system', 'light', 'dark', undefined].includes(theme)) return 'a theme';
  if (!['light', 'full', 'archive', undefined].includes(mode)) return 'a mode';
  const isCache =
    cacheBytesMax === undefined || (Number.isSafeInteger(cacheBytesMax) && cacheBytesMax > 0);
  if (!isCache) return 'the memory of a node';
  if (relays.length > RELAYS_MAX) return 'too many relays';
  if (!relays.every((each) => typeof each === 'string' && each.length < 512)) return 'a relay';
  if (Object.keys(drafts).length > DRAFTS_MAX) return 'too many drafts';
  return undefined;
}

const backup = textTarget(
  'backup-file',
  'the file of everything that only a browser has',
  async () => ({
    seeds: [
      formatBackup(BACKUP, SAVED_AT),
      formatBackup(BARE, SAVED_AT),
      JSON.stringify(JSON.parse(formatBackup(BACKUP, SAVED_AT))),
      BARE.wallet,
    ],
    run(input) {
      const read = parseBackup(input);
      if (read === undefined) return refusedAt('refused', Math.min(input.length, 511));
      const strange = strangeMember(read);
      if (strange !== undefined) throw new Broken(`${strange} that nobody saved`);
      // The wallet's own reader judges its part; it must be text that can be read and refused.
      const wallet = parseNotebook(read.wallet);
      const written = formatBackup(read, SAVED_AT);
      const again = parseBackup(written);
      if (again === undefined) throw new Broken('what it reads cannot be saved again');
      if (formatBackup(again, SAVED_AT) !== written) throw new Broken('it changes by itself');
      const { drafts, settings, relays } = read;
      const counts = [Object.keys(drafts).length, Object.values(settings).filter(Boolean).length];
      return `${wallet.ok ? 'accepted' : 'no-wallet'}@${[...counts, Math.min(relays.length, 4)]}`;
    },
  }),
  'json',
);

const drafts = textTarget(
  'drafts',
  'payments that were typed and not sent, as a browser kept them',
  async () => ({
    seeds: [JSON.stringify(DRAFTS), JSON.stringify({ [PIA]: DRAFTS[PIA] }), '{}'],
    run(input) {
      const read = readDrafts(parseJsonText(input));
      const kept = Object.entries(read);
      if (kept.length > DRAFTS_MAX) throw new Broken('more drafts than are kept');
      for (const [address, { to, amount, memo, atMs, asset }] of kept) {
        if (!/^tab1[0-9a-z]{58}$/.test(address)) throw new Broken('a draft of nobody');
        const texts = [to, amount, memo, asset ?? ''];
        if (!texts.every((each) => typeof each === 'string' && each.length <= 512)) {
          throw new Broken('a text of another kind');
        }
        if (!Number.isSafeInteger(atMs) || atMs < 0) throw new Broken('a time of another kind');
      }
      const written = JSON.stringify(read);
      if (JSON.stringify(readDrafts(JSON.parse(written))) !== written) {
        throw new Broken('it changes by itself');
      }
      return `${kept.length > 0 ? 'accepted' : 'nothing'}@${kept.length}`;
    },
  }),
  'json',
);

export const backupTargets: readonly Target[] = [backup, drafts];
