import type { Bytes, Clock } from '../base/index.ts';
import { equalBytes, errorToData, formatHex, TabellionError } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import { encode } from '../codec/index.ts';
import type { Height, Ledger } from '../ledger/index.ts';
import type { LightAnswer, LightBlock, LightRequest } from '../light/index.ts';
import {
  LIGHT_BLOCKS_MAX,
  lightAnswerCodec,
  lightRequestCodec,
  waypoints,
} from '../light/index.ts';
import type { RequestKind } from '../network/index.ts';
import { breathing } from './breathing.ts';
import {
  ANSWER_BYTES_MAX,
  DECODED_PER_UNIT,
  HISTORY_PLACES_MAX,
  KEYS_PER_UNIT,
  LEAVES_PER_UNIT,
  PAGE_UNITS,
} from './limits.ts';
import type { ProvenEntry } from './proof-messages.ts';
import {
  entriesAnswerCodec,
  entriesRequestCodec,
  historyAnswerCodec,
  historyRequestCodec,
  locateAnswerCodec,
  locateRequestCodec,
  pageAnswerCodec,
  pageRequestCodec,
  receiptsAnswerCodec,
  receiptsRequestCodec,
  stateAnswerCodec,
  stateRequestCodec,
} from './proof-messages.ts';
import { proveEntries } from './proven-entries.ts';
import type { LedgerStore, Place } from './store/index.ts';

/** Questions of those who prove what they are told, answered from the store alone. */
export type ProofKind = Extract<
  RequestKind,
  'state' | 'light' | 'receipts' | 'history' | 'locate' | 'page' | 'entries'
>;

/** The value of a question; throws when it is none, and costs the asker. */
export type ReadQuestion = <Value>(codec: Codec<Value>, request: Bytes) => Value;

/** Whom an answer is made for. */
export type ProofAsker = {
  readonly read: ReadQuestion;
  /** Blames the asker for a question that decodes, and is none all the same. */
  readonly refuse: () => TabellionError;
  /** Throws when the asker may not spend so many units more: blocks read, about. */
  readonly charge: (units: number) => void;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
};

type Spending = Pick<ProofAsker, 'charge' | 'signal'>;
/** Questions by other doors than that of peers are bounded there. */
const UNBOUNDED: Spending = { charge: () => undefined, signal: undefined };

/** Two blocks are read for the proof of one: it, and the one before it. */
const UNITS_PER_HEIGHT = 2;
/** Who leaps to a head asks for it, and for the height that it leaps from. */
const HEAD_HEIGHTS = 2;

/** Answers light clients: headers, proofs, receipts, places. */
export class ServedProofs {
  readonly #ledger: Ledger;
  readonly #store: LedgerStore;
  readonly #clock: Clock;

  constructor(ledger: Ledger, store: LedgerStore, clock: Clock) {
    this.#ledger = ledger;
    this.#store = store;
    this.#clock = clock;
  }

  answer(kind: ProofKind, request: Bytes, asker: ProofAsker): Promise<Bytes> {
    switch (kind) {
      case 'state':
        return this.#state(request, asker);
      case 'light':
        return this.#light(request, asker);
      case 'receipts':
        return this.#receipts(request, asker);
      case 'history':
        return this.#history(request, asker);
      case 'locate':
        return this.#locate(request, asker);
      case 'page':
        return this.#page(request, asker);
      case 'entries':
        return this.#entries(request, asker);
    }
  }

  async #state(request: Bytes, { read, refuse, charge }: ProofAsker): Promise<Bytes> {
    const { height, keys } = read(stateRequestCodec, request);
    if (new Set(keys.map(formatHex)).size < keys.length) throw refuse();
    charge(Math.ceil(keys.length / KEYS_PER_UNIT));
    const proof = await this.#store.prove(height, keys).catch((error: unknown) => {
      if (errorToData(error).code === 'version-unavailable') return undefined;
      throw error;
    });
    return bounded(encode(stateAnswerCodec, { proof }));
  }

  async #light(request: Bytes, asker: ProofAsker): Promise<Bytes> {
    const question = asker.read(lightRequestCodec, request);
    // Whoever leaps asks for the height it trusts as well: a fork shows at once.
    let last = question.from - 1;
    for (const height of question.heights) {
      if (height <= last) throw asker.refuse();
      last = height;
    }
    if (last <= question.from) throw asker.refuse();
    return bounded(encode(lightAnswerCodec, await this.lightAnswer(question, asker)));
  }

  /**
   * Headers with their proofs, of those heights that this node can prove; and of others between, so
   * far as members changed, by which the asker comes from what it trusts to the highest of them.
   */
  async lightAnswer(
    { from, heights }: LightRequest,
    spending: Spending = UNBOUNDED,
  ): Promise<LightAnswer> {
    // The newest head is cheap: other questions must not keep a peer from staying at it.
    const units = UNITS_PER_HEIGHT * heights.length;
    spending.charge(heights.length <= HEAD_HEIGHTS ? 1 : units);
    const blocks = new Map<Height, LightBlock>();
    const add = (block: LightBlock | undefined): void => {
      if (block !== undefined && blocks.size < LIGHT_BLOCKS_MAX) {
        blocks.set(block.header.height, block);
      }
    };
    const target = heights.at(-1) ?? from;
    // The target first: without it the others lead nowhere.
    add(await this.#lightBlock(target));
    const path = await this.#pathTo(from, blocks.get(target), spending);
    for (const block of path) add(block);
    for (const height of heights) {
      throwIfAborted(spending);
      if (!blocks.has(height)) add(await this.#lightBlock(height));
    }
    return { blocks: [...blocks.values()].sort(byHeight) };
  }

  /** What leads from a height to a block, where members changed between. */
  async #pathTo(
    from: Height,
    target: LightBlock | undefined,
    spending: Spending,
  ): Promise<readonly LightBlock[]> {
    if (target === undefined) return [];
    const store = this.#store;
    const above = (from + 1) as Height; // One above a height.
    const end = (target.header.height + 1) as Height; // As above.
    const changes = await store.membershipChanges(above, end);
    if (changes.length === 0) return [];
    spending.charge(Math.ceil(changes.length / KEYS_PER_UNIT));
    const [header, membership, nextMembership] = await Promise.all([
      store.header(from),
      store.membershipAt(from),
      store.membershipAt(above),
    ]);
    const isKnown = header !== undefined && membership !== undefined;
    if (!isKnown || nextMembership === undefined) return [];
    const candidates: LightBlock[] = [];
    for (const change of changes) {
      throwIfAborted(spending);
      // The last block of those who decided before.
      const last = (change - 1) as Height; // Above `from`, or it itself.
      const block = last > from ? await this.#lightBlock(last) : undefined;
      if (block !== undefined) candidates.push(block);
    }
    const { suite, chainId } = this.#ledger;
    const trusted = { header, hash: this.#ledger.blockHash(header), membership, nextMembership };
    const all = [...candidates, target];
    return waypoints({ suite, chainId }, trusted, all, LIGHT_BLOCKS_MAX - 1);
  }

  /** A header with what proves it; absent where this node lacks a part of it. */
  async #lightBlock(height: Height): Promise<LightBlock | undefined> {
    if (height < 1) return undefined;
    const store = this.#store;
    const below = (height - 1) as Height; // Not below genesis.
    const [summary, parentHere, membership, next] = await Promise.all([
      store.summary(height),
      store.header(below),
      store.membershipAt(height),
      store.membershipAt((height + 1) as Height), // One above a height.
    ]);
    // Of a state that was taken over the block itself is not here, but what proves it is.
    const anchor = store.anchor();
    const taken = anchor?.header.height === height ? anchor : undefined;
    const { header, certificate } = summary ?? taken ?? {};
    const parent = parentHere ?? taken?.parent;
    const isWhole =
      header !== undefined &&
      certificate !== undefined &&
      parent !== undefined &&
      membership !== undefined &&
      next !== undefined;
    if (!isWhole) return undefined;
    const ledger = this.#ledger;
    const isSame = equalBytes(ledger.membershipHash(next), ledger.membershipHash(membership));
    return { parent, header, certificate, membership, nextMembership: isSame ? undefined : next };
  }

  async #receipts(request: Bytes, { read, charge }: ProofAsker): Promise<Bytes> {
    const { height } = read(receiptsRequestCodec, request);
    charge(1);
    const stored = await this.#store.block(height);
    return bounded(encode(receiptsAnswerCodec, { receipts: stored?.receipts }));
  }

  async #history(request: Bytes, asker: ProofAsker): Promise<Bytes> {
    const { places } = await this.#placesOf(asker.read(historyRequestCodec, request), asker);
    const completeFrom = this.#store.historyCompleteFrom();
    return encode(historyAnswerCodec, { places, completeFrom });
  }

  /**
   * Where transactions of an account stand. What that costs shows while they are looked for: an
   * address may be made up whose name in the index is that of somebody with a long history.
   */
  async #placesOf(
    { address, before, limit: wanted }: Infer<typeof historyRequestCodec>,
    { charge, signal }: Spending,
    breathe = breathing(this.#clock),
  ): Promise<{ readonly places: readonly Place[]; readonly isWhole: boolean }> {
    const limit = Math.min(wanted, HISTORY_PLACES_MAX);
    charge(1);
    if (limit === 0) return { places: [], isWhole: false };
    const entries = await this.#store.history(address, {
      limit,
      ...(before === undefined ? {} : { before }),
      ...(signal === undefined ? {} : { signal }),
      onBlock: ({ receipts }) => {
        charge(1 + Math.floor(receipts.length / DECODED_PER_UNIT));
        return breathe();
      },
    });
    const places = entries.map(({ height, index }) => ({ height, index }));
    return { places, isWhole: entries.length < limit };
  }

  /** The blocks are at hand since their places were found; to prove them costs by their size. */
  async #entries(request: Bytes, asker: ProofAsker): Promise<Bytes> {
    const question = asker.read(entriesRequestCodec, request);
    const breathe = breathing(this.#clock);
    const { places, isWhole } = await this.#placesOf(question, asker, breathe);
    const entries: ProvenEntry[] = [];
    for (const height of new Set(places.map((place) => place.height))) {
      throwIfAborted(asker);
      const stored = await this.#store.block(height);
      const indexes = places.flatMap((place) => (place.height === height ? [place.index] : []));
      if (stored === undefined) continue;
      asker.charge(1 + Math.floor(stored.receipts.length / LEAVES_PER_UNIT));
      entries.push(...proveEntries(this.#ledger, stored, indexes));
      await breathe();
    }
    return bounded(encode(entriesAnswerCodec, { entries, isWhole }));
  }

  async #locate(request: Bytes, { read, charge }: ProofAsker): Promise<Bytes> {
    const { what, hash } = read(locateRequestCodec, request);
    charge(1);
    if (what === 'block') {
      const height = await this.#store.heightOf(hash);
      const place = height === undefined ? undefined : { height, index: 0 };
      return encode(locateAnswerCodec, { place });
    }
    const found = await this.#store.transaction(hash);
    const place = found && { height: found.height, index: found.index };
    return encode(locateAnswerCodec, { place });
  }

  async #page(request: Bytes, { read, refuse, charge }: ProofAsker): Promise<Bytes> {
    const { prefix, hash } = read(pageRequestCodec, request);
    if (prefix.some((nibble) => nibble > 15)) throw refuse();
    charge(PAGE_UNITS);
    const page = await this.#store.subtree({ prefix, hash });
    return bounded(encode(pageAnswerCodec, { page }));
  }
}

function throwIfAborted({ signal }: Spending): void {
  if (signal?.aborted) throw new TabellionError('aborted');
}

function byHeight(left: LightBlock, right: LightBlock): number {
  return left.header.height - right.header.height;
}

function bounded(answer: Bytes): Bytes {
  if (answer.length > ANSWER_BYTES_MAX) throw new TabellionError('request-refused');
  return answer;
}
