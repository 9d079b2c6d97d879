import type { Bytes } from '../base/index.ts';
import { equalBytes, errorToData, formatHex, TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
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
import { ANSWER_BYTES_MAX, HISTORY_PLACES_MAX } from './limits.ts';
import {
  historyAnswerCodec,
  historyRequestCodec,
  locateAnswerCodec,
  locateRequestCodec,
  receiptsAnswerCodec,
  receiptsRequestCodec,
  stateAnswerCodec,
  stateRequestCodec,
} from './proof-messages.ts';
import type { LedgerStore } from './store/index.ts';

/** Questions of those who prove what they are told, answered from the store alone. */
export type ProofKind = Extract<RequestKind, 'state' | 'light' | 'receipts' | 'history' | 'locate'>;

/** The value of a question; throws when it is none, and costs the asker. */
export type ReadQuestion = <Value>(codec: Codec<Value>, request: Bytes) => Value;

/** Answers light clients: headers, proofs, receipts, places. */
export class ServedProofs {
  readonly #ledger: Ledger;
  readonly #store: LedgerStore;

  constructor(ledger: Ledger, store: LedgerStore) {
    this.#ledger = ledger;
    this.#store = store;
  }

  /** @param refuse Blames the asker for a question that decodes, and is none all the same. */
  answer(
    kind: ProofKind,
    request: Bytes,
    read: ReadQuestion,
    refuse: () => TabellionError,
  ): Promise<Bytes> {
    switch (kind) {
      case 'state':
        return this.#state(request, read, refuse);
      case 'light':
        return this.#light(request, read, refuse);
      case 'receipts':
        return this.#receipts(request, read);
      case 'history':
        return this.#history(request, read);
      case 'locate':
        return this.#locate(request, read);
    }
  }

  async #state(request: Bytes, read: ReadQuestion, refuse: () => TabellionError): Promise<Bytes> {
    const { height, keys } = read(stateRequestCodec, request);
    if (new Set(keys.map(formatHex)).size < keys.length) throw refuse();
    const proof = await this.#store.prove(height, keys).catch((error: unknown) => {
      if (errorToData(error).code === 'version-unavailable') return undefined;
      throw error;
    });
    return bounded(encode(stateAnswerCodec, { proof }));
  }

  async #light(request: Bytes, read: ReadQuestion, refuse: () => TabellionError): Promise<Bytes> {
    const question = read(lightRequestCodec, request);
    // Whoever leaps asks for the height it trusts as well: a fork shows at once.
    let last = question.from - 1;
    for (const height of question.heights) {
      if (height <= last) throw refuse();
      last = height;
    }
    if (last <= question.from) throw refuse();
    return bounded(encode(lightAnswerCodec, await this.lightAnswer(question)));
  }

  /**
   * Headers with their proofs, of those heights that this node can prove; and of others between, so
   * far as members changed, by which the asker comes from what it trusts to the highest of them.
   */
  async lightAnswer({ from, heights }: LightRequest): Promise<LightAnswer> {
    const blocks = new Map<Height, LightBlock>();
    const add = (block: LightBlock | undefined): void => {
      if (block !== undefined && blocks.size < LIGHT_BLOCKS_MAX) {
        blocks.set(block.header.height, block);
      }
    };
    const target = heights.at(-1) ?? from;
    // The target first: without it the others lead nowhere.
    add(await this.#lightBlock(target));
    for (const block of await this.#pathTo(from, blocks.get(target))) add(block);
    for (const height of heights) if (!blocks.has(height)) add(await this.#lightBlock(height));
    return { blocks: [...blocks.values()].sort(byHeight) };
  }

  /** What leads from a height to a block, where members changed between. */
  async #pathTo(from: Height, target: LightBlock | undefined): Promise<readonly LightBlock[]> {
    if (target === undefined) return [];
    const store = this.#store;
    const above = (from + 1) as Height; // One above a height.
    const end = (target.header.height + 1) as Height; // As above.
    const changes = await store.membershipChanges(above, end);
    if (changes.length === 0) return [];
    const [header, membership, nextMembership] = await Promise.all([
      store.header(from),
      store.membershipAt(from),
      store.membershipAt(above),
    ]);
    const isKnown = header !== undefined && membership !== undefined;
    if (!isKnown || nextMembership === undefined) return [];
    const candidates: LightBlock[] = [];
    for (const change of changes) {
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

  async #receipts(request: Bytes, read: ReadQuestion): Promise<Bytes> {
    const { height } = read(receiptsRequestCodec, request);
    const stored = await this.#store.block(height);
    return bounded(encode(receiptsAnswerCodec, { receipts: stored?.receipts }));
  }

  async #history(request: Bytes, read: ReadQuestion): Promise<Bytes> {
    const { address, before, limit } = read(historyRequestCodec, request);
    const entries =
      limit === 0
        ? []
        : await this.#store.history(address, {
            limit: Math.min(limit, HISTORY_PLACES_MAX),
            ...(before === undefined ? {} : { before }),
          });
    const places = entries.map(({ height, index }) => ({ height, index }));
    const completeFrom = this.#store.historyCompleteFrom();
    return encode(historyAnswerCodec, { places, completeFrom });
  }

  async #locate(request: Bytes, read: ReadQuestion): Promise<Bytes> {
    const { what, hash } = read(locateRequestCodec, request);
    if (what === 'block') {
      const height = await this.#store.heightOf(hash);
      const place = height === undefined ? undefined : { height, index: 0 };
      return encode(locateAnswerCodec, { place });
    }
    const found = await this.#store.transaction(hash);
    const place = found && { height: found.height, index: found.index };
    return encode(locateAnswerCodec, { place });
  }
}

function byHeight(left: LightBlock, right: LightBlock): number {
  return left.header.height - right.header.height;
}

function bounded(answer: Bytes): Bytes {
  if (answer.length > ANSWER_BYTES_MAX) throw new TabellionError('request-refused');
  return answer;
}
