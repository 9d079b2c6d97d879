import type { Bytes } from '../base/index.ts';
import { errorToData, formatHex, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Network } from '../network/index.ts';
import { verifyChunk } from '../state/index.ts';
import {
  MEND_AGAIN_MS,
  MEND_ALONE_MS,
  MEND_FORGOTTEN_MS,
  MEND_PEERS_MAX,
  MEND_ROUNDS_MAX,
  MEND_WAIT_MS,
  PAGES_MENDED_MAX,
} from './limits.ts';
import type { NodeCore } from './parts.ts';
import { penaltyOf } from './penalties.ts';
import { pageAnswerCodec, pageRequestCodec } from './proof-messages.ts';
import type { Judged } from './questions.ts';
import { PeerQuestions } from './questions.ts';
import type { DamagedPage } from './store/index.ts';
import type { StorageEvent } from './types.ts';

/** Peers are asked whatever they hold: what is wanted may be years old, and unchanged since. */
const ANYTHING = { earliest: 0, head: 0 } as never; // Heights, that nobody is asked about.

/**
 * Gets pages of the state that are damaged here from peers, while those who need them wait. The
 * hash of a page is bound by the root of a block that this node proved: nobody has to be trusted.
 */
export class PageMender {
  readonly #core: NodeCore;
  readonly #questions: PeerQuestions;
  readonly #stop = new AbortController();
  /** Pages that nobody had, by their hash, and until when that is taken for granted. */
  readonly #vain = new Map<string, number>();
  #count = 0;
  #event: StorageEvent | undefined;
  /** A network for the time in which the store is opened, and the node speaks to nobody yet. */
  #door: Promise<Network | undefined> | undefined;
  #doorway: Network | undefined;
  #isOpening = true;

  constructor(core: NodeCore) {
    this.#core = core;
    core.stopping.addEventListener('abort', () => this.stop(), { once: true });
    this.#questions = new PeerQuestions({
      clock: core.home.clock,
      tracer: core.diagnostics,
      network: () => this.#network(),
      rangeOf: () => ANYTHING,
      reportPeer: (peerId, fault) => {
        core.diagnostics.trace('debug', 'peer-blamed', { peerId, fault });
        this.#network()?.penalize(peerId, penaltyOf(fault), fault);
      },
      onBytes: (count) => core.onBytes(count),
    });
  }

  /** The last time that a page was put back, for people. */
  event(): StorageEvent | undefined {
    return this.#event;
  }

  #network(): Network | undefined {
    return this.#core.running()?.network ?? this.#doorway;
  }

  /** The bytes of a page, which are verified; absent when nobody gave them in time. */
  async ask(page: DamagedPage): Promise<Bytes | undefined> {
    const { home, diagnostics } = this.#core;
    const { clock } = home;
    const name = formatHex(page.hash);
    const until = this.#vain.get(name) ?? Number.NEGATIVE_INFINITY;
    // A disk that spoils what it is given must not be filled for ever.
    if (clock.now() < until || this.#count >= PAGES_MENDED_MAX) return undefined;
    const prefix = formatHex(page.prefix);
    diagnostics.trace('warn', 'page-damaged', { prefix });
    if (this.#isOpening) await this.#openDoor();
    // Who said that it does not have it, or gave something else: what is left of the chain's
    // states does not hold that page any more, where all are among them.
    const without = new Set<string>();
    const bytes = await this.#askInRounds(page, without);
    if (bytes === undefined) {
      const { size: lacking } = without;
      diagnostics.trace('warn', 'page-not-mended', { prefix, lacking });
      if (this.#vain.size >= PAGES_MENDED_MAX) this.#vain.clear();
      this.#vain.set(name, clock.now() + MEND_FORGOTTEN_MS);
      return undefined;
    }
    this.#count += 1;
    this.#event = { kind: 'repaired', atMs: clock.now(), code: 'page-mended' };
    this.#core.events.emit('status', undefined);
    return bytes;
  }

  /** Peers come and go: those who are there are asked a few times, unless they do not have it. */
  async #askInRounds(page: DamagedPage, without: Set<string>): Promise<Bytes | undefined> {
    const { clock } = this.#core.home;
    const fromMs = clock.now();
    const stop = new AbortController();
    const end = (): void => stop.abort();
    const cancel = clock.after(MEND_WAIT_MS, end);
    this.#stop.signal.addEventListener('abort', end);
    if (this.#stop.signal.aborted) end();
    try {
      // Who does not have it is not asked again; others are, once everybody was.
      const asked = new Set<string>();
      let rounds = 0;
      while (rounds < MEND_ROUNDS_MAX && !stop.signal.aborted) {
        const { size } = asked;
        const bytes = await this.#askOnce(page, { without, asked, signal: stop.signal });
        if (bytes !== undefined) return bytes;
        if (asked.size > size) continue;
        if (size > 0) rounds += 1;
        else if (clock.now() - fromMs >= MEND_ALONE_MS) break; // Nobody else comes.
        asked.clear();
        await this.#pass(MEND_AGAIN_MS, stop.signal);
      }
      return undefined;
    } finally {
      cancel();
      this.#stop.signal.removeEventListener('abort', end);
    }
  }

  /** Notes who was asked, and who answered and did not give it. */
  #askOnce(
    page: DamagedPage,
    notes: {
      readonly without: Set<string>;
      readonly asked: Set<string>;
      readonly signal: AbortSignal;
    },
  ): Promise<Bytes | undefined> {
    const { prefix, hash } = page;
    const { without, asked, signal } = notes;
    const answered = this.#questions.ask<Bytes>({
      kind: 'page',
      body: encode(pageRequestCodec, { prefix, hash }),
      without: new Set([...without, ...asked]),
      peersMax: MEND_PEERS_MAX,
      signal,
      onAsk: (peerId) => asked.add(peerId),
      judge: (answer, peerId) => {
        const judged = this.#judge(page, answer);
        if (judged.kind !== 'good') without.add(peerId);
        return judged;
      },
    });
    return answered.catch(() => undefined); // Stopped meanwhile.
  }

  #judge(page: DamagedPage, answer: Bytes): Judged<Bytes> {
    const decoded = decode(pageAnswerCodec, answer);
    if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
    const { page: bytes } = decoded.value;
    if (bytes === undefined) return { kind: 'absent' };
    const verified = verifyChunk(this.#core.ledger.suite, page, bytes);
    if (verified.ok) return { kind: 'good', value: bytes };
    // Its hash is right: then our own layout counts wrongly, and the peer is not to blame.
    if (verified.error.code === 'chunk-plan-false') return { kind: 'absent' };
    return { kind: 'bad', fault: 'false-answer' };
  }

  #pass(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#core.home.clock.after(ms, end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }

  /** Who speaks to nobody yet opens a network to ask alone: it answers and believes nothing. */
  async #openDoor(): Promise<void> {
    const { home, ledger, diagnostics } = this.#core;
    this.#door ??= home
      .openNetwork(
        {
          onGossip: async () => 'ignore',
          onRequest: async () => {
            throw new TabellionError('request-refused', { reason: 'busy' });
          },
          onEvent: () => undefined,
        },
        formatHex(ledger.chainId),
      )
      .catch((error: unknown) => {
        diagnostics.trace('warn', 'mending-alone', { code: errorToData(error).code });
        return undefined;
      });
    this.#doorway = await this.#door;
  }

  /** The store is open, or will not be: the node itself speaks to the network from now on. */
  async opened(): Promise<void> {
    this.#isOpening = false;
    const network = await this.#door;
    this.#doorway = undefined;
    await network?.stop().catch((error: unknown) => {
      this.#core.diagnostics.trace('warn', 'network-stop-failed', {
        code: errorToData(error).code,
      });
    });
  }

  /** Whoever waits is told that nobody has it. */
  stop(): void {
    this.#stop.abort();
  }
}
