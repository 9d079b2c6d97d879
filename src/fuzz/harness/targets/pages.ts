import { defined, equalBytes } from '../../../base/index.ts';
import { encode } from '../../../codec/index.ts';
import type { Height } from '../../../ledger/index.ts';
import { formatAddress } from '../../../ledger/index.ts';
import { signingMarkCodec } from '../../../node/index.ts';
import type { Slot } from '../../../relay/signing-marks.ts';
import {
  newestSlot,
  SLOT_BYTES,
  SLOT_CONTENT_BYTES,
  writeSlot,
} from '../../../relay/signing-marks.ts';
import type { ChannelMessage } from '../../../sdk/tab/protocol.ts';
import { parseChannelMessage } from '../../../sdk/tab/protocol.ts';
import { readPaymentText } from '../../../ui/format/payment-text.ts';
import { parseLastKnown } from '../../../ui/hooks/last-known.ts';
import { PEOPLE } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { bytesTarget, textTarget } from './codec-target.ts';

// What pages read that no peer sent: other tabs' messages, QR codes, their own notes; and beside
// them the one file of a relay that tells how far its validator signed.

/** What JSON.parse makes of a text, or the text itself: a channel carries any value. */
function cloned(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const MESSAGES: readonly ChannelMessage[] = [
  { kind: 'beat', epoch: 3, isReady: true },
  { kind: 'ask' },
  { kind: 'resigned', epoch: 0 },
  { kind: 'call', client: 'page', epoch: 1, message: { jsonrpc: '2.0', id: 1, method: 'x' } },
  { kind: 'answer', client: 'page', epoch: 1, message: [null] },
  { kind: 'alive', client: '', epoch: 2 ** 53 - 1 },
  { kind: 'left', client: 'page' },
  { kind: 'forgotten', client: 'page', epoch: 7 },
];

const channel = textTarget(
  'channel-message',
  'a message of another tab of this origin',
  async () => ({
    seeds: MESSAGES.map((message) => JSON.stringify(message)),
    run(input) {
      const message = parseChannelMessage(cloned(input));
      if (message === undefined) return refusedAt('ignored', input.length);
      // A copy with the same members must be a message too: what decided was in the message.
      if (parseChannelMessage(structuredClone(message))?.kind !== message.kind) {
        throw new Broken('its copy is another message');
      }
      // Members that its kind does not have are nobody's business.
      const { kind } = message;
      if (kind === 'ask') return 'accepted@ask';
      if (kind !== 'left' && !(Number.isSafeInteger(message.epoch) && message.epoch >= 0)) {
        throw new Broken('an epoch that ends every election');
      }
      if (kind !== 'beat' && kind !== 'resigned' && typeof message.client !== 'string') {
        throw new Broken('a client without a name');
      }
      return `accepted@${kind}`;
    },
  }),
  'json',
);

const [ada, pia] = [PEOPLE.ada, PEOPLE.pia].map(({ address }) => formatAddress(address));

const payment = textTarget('payment-text', 'what a QR code or a pasted text says', async () => ({
  seeds: [
    defined(ada, 'Ada has an address'),
    `tabellion:${ada}?amount=1.5`,
    `web+tabellion://${pia}?amount=20&memo=rent`,
    `https://wallet.example/send?to=${pia}&amount=0.000001#there`,
    String(ada).toUpperCase(),
  ],
  run(input) {
    const { address, amount } = readPaymentText(input);
    if (/\s/.test(address)) throw new Broken('a gap in the address');
    if (amount !== undefined && !/^\d{1,20}(\.\d{1,18})?$/.test(amount)) {
      throw new Broken('an amount that is no plain decimal');
    }
    // What was read is a payment text itself, and says the same.
    const written = amount === undefined ? address : `tabellion:${address}?amount=${amount}`;
    const again = readPaymentText(written);
    const isPlain = /^[a-z0-9]*$/.test(address);
    if (isPlain && (again.address !== address || again.amount !== amount)) {
      throw new Broken('reads its own words otherwise');
    }
    return `${amount === undefined ? 'bare' : 'amount'}@${isPlain} ${Math.min(address.length, 70)}`;
  },
}));

const lastKnown = textTarget(
  'last-known',
  'what a page kept of its last visit',
  async () => ({
    seeds: [
      JSON.stringify({
        ...{ networkName: 'Village', symbol: 'TAB', decimals: 6, height: 12, atMs: 1_700_000_000 },
        balances: { tab1a: { amount: '120', atMs: 5 }, tab1b: { amount: '0', atMs: 6 } },
      }),
      '{}',
      'null',
    ],
    run(input) {
      const known = parseLastKnown(input);
      const numbers = [known.decimals, known.height, known.atMs];
      const isOfItsKind =
        numbers.every((each) => each === undefined || Number.isSafeInteger(each)) &&
        [known.networkName, known.symbol].every((each) =>
          ['string', 'undefined'].includes(typeof each),
        );
      if (!isOfItsKind) throw new Broken('a member of another kind');
      const balances = Object.values(known.balances);
      for (const { amount } of balances) if (BigInt(amount) < 0n) throw new Broken('a debt');
      if (balances.length > 16) throw new Broken('more balances than are kept');
      const written = JSON.stringify(known);
      if (JSON.stringify(parseLastKnown(written)) !== written)
        throw new Broken('changes by itself');
      const seen = [...numbers, known.networkName].map((each) => (each === undefined ? '-' : 'x'));
      return `${written.length > 15 ? 'accepted' : 'nothing'}@${seen.join('')}${balances.length}`;
    },
  }),
  'json',
);

function slotOf(number: number): Slot {
  const height = (100 + number) as Height;
  return { number, mark: { height, entries: number, digest: new Uint8Array(32).fill(number) } };
}

/** Marks that the file may hold; newer ones have higher numbers. */
const WRITTEN = [1, 2, 3, 4, 255, 256, 2 ** 32 - 1].map(slotOf);

/** The file of which an input is what stands at the front of each of its two slots. */
function fileOf(input: Uint8Array): Uint8Array {
  const content = new Uint8Array(2 * SLOT_BYTES);
  content.set(input.subarray(0, SLOT_CONTENT_BYTES));
  content.set(input.subarray(SLOT_CONTENT_BYTES, 2 * SLOT_CONTENT_BYTES), SLOT_BYTES);
  // Beyond two slots an input says where the file ends.
  const [low = 0xff, high = 0xff] = input.subarray(2 * SLOT_CONTENT_BYTES);
  return content.subarray(0, low + 256 * high);
}

const marks = bytesTarget(
  'validator-signed-file',
  'the two slots of the file that tells how far a validator signed',
  async () => {
    const slots = WRITTEN.map((slot) => ({ slot, bytes: writeSlot(slot) }));
    const numberOf = (content: Uint8Array): number => {
      const whole = [0, SLOT_BYTES].flatMap((from) =>
        slots.filter(({ bytes }) => equalBytes(content.subarray(from, from + bytes.length), bytes)),
      );
      return Math.max(0, ...whole.map(({ slot }) => slot.number));
    };
    return {
      seeds: slots.flatMap(({ bytes }, at) =>
        slots
          .filter((_, other) => Math.abs(other - at) === 1)
          .map((other) => Uint8Array.from([...bytes, ...other.bytes])),
      ),
      run(input) {
        const content = fileOf(input);
        const newest = newestSlot(content);
        const number = numberOf(content);
        if (newest === undefined) {
          if (number > 0) throw new Broken('a whole mark counts as spoilt');
          return refusedAt('spoilt', input.length);
        }
        if (newest.number !== number) throw new Broken('a mark that nobody wrote, or an older one');
        const known = WRITTEN.find((slot) => slot.number === number)?.mark;
        if (known === undefined) throw new Broken('a mark that nobody wrote');
        const [read, wrote] = [newest.mark, known].map((each) => encode(signingMarkCodec, each));
        if (read === undefined || wrote === undefined || !equalBytes(read, wrote)) {
          throw new Broken('another mark');
        }
        return `accepted@${number}`;
      },
    };
  },
);

export const pageTargets: readonly Target[] = [channel, payment, lastKnown, marks];
