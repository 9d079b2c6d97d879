import { formatHex } from '../../base/index.ts';
import { openLedgerStore } from '../../node/index.ts';
import { recordChain } from '../../node/store/chain.fixture.ts';
import { TornRecords } from '../../node/store/torn-records.fixture.ts';
import type { Damage } from '../../node/testing/torn-log.ts';
import { damagesOf, TornLog } from '../../node/testing/torn-log.ts';
import { MemoryStore } from '../../storage/index.ts';

/** What a run over all bytes of a log found. */
export type Tally = {
  readonly tried: number;
  readonly refused: number;
  readonly recovered: number;
  readonly failures: readonly string[];
};

/** A validator restarted on its log, cut at every byte and with every bit flipped. */
export async function tearVotes(
  hasMarks: boolean,
  countMax: number,
  onProgress: (done: number, all: number) => void,
): Promise<Tally> {
  const torn = await TornLog.record(hasMarks);
  const damages = damagesOf(torn, countMax);
  const counts = { refused: 0, recovered: 0, stuck: 0 };
  const failures: string[] = [];
  for (const [index, damage] of damages.entries()) {
    const { kind, code, contradictions } = await torn.restart(damage);
    counts[kind] += 1;
    const isNamed = kind !== 'refused' || code === 'wal-corrupt';
    if (!isNamed || kind === 'stuck' || contradictions.length > 0) {
      failures.push(`${describe(damage)}: ${kind} ${code ?? ''} ${contradictions.join()}`);
    }
    if (index % 500 === 499) onProgress(index + 1, damages.length);
  }
  const { refused, recovered } = counts;
  return { tried: damages.length, refused, recovered, failures };
}

function describe(damage: Damage): string {
  return JSON.stringify(damage);
}

/** Blocks in the journal that is damaged, and where its damaged record stands. */
const BLOCKS = 5;

/**
 * The ledger's journal, each record in turn cut at every byte and with a bit of every byte flipped:
 * the last one is given up and the head is the one before; any other is refused by name.
 */
export async function tearJournal(
  stride: number,
  onProgress: (done: number, all: number) => void,
): Promise<Tally> {
  const chain = recordChain(BLOCKS);
  const whole = new MemoryStore();
  const first = await openLedgerStore({ store: whole, ledger: chain.ledger });
  for (const request of chain.blocks) await first.commit(request);
  const records = await whole.list('journal', { limit: 100 });
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
  const counts = { tried: 0, refused: 0, recovered: 0, seen: 0 };
  const failures: string[] = [];
  const judge = async (index: number, spoilt: Uint8Array, words: string) => {
    const { key, value } = records[index] ?? { key: new Uint8Array(), value: spoilt };
    counts.tried += 1;
    const isLast = index === records.length - 1;
    await whole.write([{ kind: 'put', space: 'journal', key, value: spoilt }], 'strict');
    const outcome = await openLedgerStore({ store: whole, ledger: chain.ledger }).then(
      (store) => `head ${store.head().header.height}`,
      ({ code }: { readonly code?: string }) => code ?? 'nameless',
    );
    const expected = isLast ? `head ${records.length - 2}` : 'journal-corrupt';
    if (outcome !== expected) failures.push(`record ${formatHex(key)} ${words}: ${outcome}`);
    if (isLast) counts.recovered += 1;
    else counts.refused += 1;
    await whole.write([{ kind: 'put', space: 'journal', key, value }], 'strict');
  };
  for (const [index, { value }] of records.entries()) {
    for (let byte = 0; byte < value.length; byte++) {
      counts.seen += 1;
      if (counts.seen % stride !== 0) continue;
      const bit = 1 << (byte % 8);
      await judge(index, value.slice(0, byte), `cut at ${byte}`);
      await judge(
        index,
        value.map((each, at) => (at === byte ? each ^ bit : each)),
        `flipped at ${byte}`,
      );
      if (counts.seen % 500 === 0) onProgress(counts.seen, bytes);
    }
  }
  const { tried, refused, recovered } = counts;
  return { tried, refused, recovered, failures };
}

/**
 * Every record of a store that took over one snapshot, keeps it and is fetching another, cut at
 * every byte and with a bit of every byte flipped: what opens is right, everything else is named.
 */
export async function tearSnapshots(
  stride: number,
  onProgress: (done: number, all: number) => void,
): Promise<Tally> {
  const torn = await TornRecords.record();
  const bytes = torn.records.reduce((sum, { value }) => sum + value.length, 0);
  const counts = { tried: 0, refused: 0, recovered: 0, seen: 0 };
  const failures: string[] = [];
  for (const record of torn.records) {
    const { value } = record;
    for (let byte = 0; byte < value.length; byte++) {
      counts.seen += 1;
      if (counts.seen % 500 === 0) onProgress(counts.seen, bytes);
      if (counts.seen % stride !== 0) continue;
      const bit = 1 << (byte % 8);
      const flipped = value.map((each, at) => (at === byte ? each ^ bit : each));
      for (const damaged of [value.slice(0, byte), flipped]) {
        counts.tried += 1;
        try {
          const outcome = await torn.judge(record, damaged);
          if (outcome === 'recovered') counts.recovered += 1;
          else counts.refused += 1;
        } catch (error) {
          failures.push(`byte ${byte}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  }
  const { tried, refused, recovered } = counts;
  return { tried, refused, recovered, failures };
}
