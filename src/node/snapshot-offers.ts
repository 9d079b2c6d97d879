import type { Bytes } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { manifestCodec, readManifest } from '../state/index.ts';
import type { Chain } from './chain.ts';
import type { LightDriver } from './light-driver.ts';
import {
  GIVER_DOUBTED_MS,
  OFFERS_AGAIN_MS,
  OFFERS_TIMEOUT_MS,
  OFFERS_WAITED_MS,
  SILENCES_MAX,
} from './limits.ts';
import type { NodeCore } from './parts.ts';
import type { PeerQuestions } from './questions.ts';
import {
  manifestAnswerCodec,
  manifestRequestCodec,
  snapshotsAnswerCodec,
} from './snapshot-messages.ts';
import type { LedgerStore, SnapshotOffer } from './store/index.ts';

export type SnapshotOffersOptions = {
  readonly core: NodeCore;
  readonly chain: Chain;
  readonly store: LedgerStore;
  readonly light: LightDriver;
  readonly questions: PeerQuestions;
  /** A peer told what it offers. */
  onTold(peerId: string): void;
};

/** What came of looking for an offer: `unsure` when somebody may yet tell of one. */
export type Choice = SnapshotOffer | 'nothing' | 'unsure';

/** An encoded manifest that divides the state of a proven root, and who gave it. */
export type GivenManifest = { readonly bytes: Bytes; readonly peerId: string };

/** What peers offer, and which of it is true. */
export class SnapshotOffers {
  readonly #options: SnapshotOffersOptions;
  /** What connected peers offer; absent before they told. */
  readonly #offers = new Map<string, readonly SnapshotOffer[]>();
  readonly #toldAtMs = new Map<string, number>();
  /** Questions on their way: whoever wants the answer waits for the same one. */
  readonly #asking = new Map<string, Promise<void>>();
  /** How often in a row a peer did not answer. */
  readonly #silences = new Map<string, number>();
  /** Peers whose offer or manifest came to nothing. */
  readonly #doubted = new Set<string>();
  /** Givers of manifests that nobody could serve, and until when others are asked first. */
  readonly #doubtedGivers = new Map<string, number>();

  constructor(options: SnapshotOffersOptions) {
    this.#options = options;
  }

  forget(peerId: string): void {
    this.#offers.delete(peerId);
    this.#toldAtMs.delete(peerId);
    this.#asking.delete(peerId);
    this.#silences.delete(peerId);
    this.#doubted.delete(peerId);
    this.#doubtedGivers.delete(peerId);
  }

  doubt(peerId: string): void {
    this.#doubted.add(peerId);
  }

  /** Nobody serves what its manifest divides the state into: others' are preferred for long. */
  doubtGiver(peerId: string): void {
    this.#doubtedGivers.set(peerId, this.#options.core.home.clock.now() + GIVER_DOUBTED_MS);
  }

  believeAll(): void {
    this.#doubted.clear();
  }

  peersOffering(stateRoot: Hash): string[] {
    return [...this.#offers]
      .filter(([, offers]) => offers.some((offer) => equalBytes(offer.stateRoot, stateRoot)))
      .map(([peerId]) => peerId);
  }

  /** Asks a peer what it offers, now and then; settles when it told, or does not answer. */
  ask(peerId: string): Promise<void> {
    const begun = this.#asking.get(peerId);
    if (begun !== undefined) return begun;
    const toldAtMs = this.#toldAtMs.get(peerId);
    const isFresh =
      toldAtMs !== undefined && this.#options.core.home.clock.now() - toldAtMs < OFFERS_AGAIN_MS;
    if (isFresh) return Promise.resolve();
    const asking: Promise<void> = this.#ask(
      peerId,
      () => this.#asking.get(peerId) === asking,
    ).finally(() => {
      if (this.#asking.get(peerId) === asking) this.#asking.delete(peerId);
    });
    this.#asking.set(peerId, asking);
    return asking;
  }

  async #ask(peerId: string, isAwaited: () => boolean): Promise<void> {
    const { core, onTold } = this.#options;
    const network = core.running()?.network;
    if (network === undefined) return;
    const timeoutMs = OFFERS_TIMEOUT_MS;
    const answer = await network
      .request(peerId, 'snapshots', new Uint8Array(0), { timeoutMs })
      .catch(() => undefined); // Asked again as soon as somebody wants to know.
    // It may be gone since.
    if (!isAwaited()) return;
    if (answer === undefined) {
      this.#silences.set(peerId, (this.#silences.get(peerId) ?? 0) + 1);
      return;
    }
    this.#silences.delete(peerId);
    this.#toldAtMs.set(peerId, core.home.clock.now());
    const decoded = decode(snapshotsAnswerCodec, answer);
    if (!decoded.ok) {
      core.report(peerId, 'malformed-answer');
      return;
    }
    this.#offers.set(peerId, decoded.value.offers);
    onTold(peerId);
  }

  /** Whether somebody who is not doubted tells of a state that would be worth it. */
  hasWorth(worthBlocks: number): boolean {
    const { chain, light } = this.#options;
    const least = chain.head().header.height + worthBlocks;
    return this.#best(least, light.head().header.height) !== undefined;
  }

  /**
   * The newest state that somebody serves and whose block is proven to be of our chain. No single
   * peer that is slow to tell is waited for.
   *
   * @param worthBlocks How far above our head it must be.
   */
  async choose(worthBlocks: number, signal: AbortSignal): Promise<Choice> {
    const { core, chain, light } = this.#options;
    const peers = (core.running()?.network.peers() ?? []).map(({ peerId }) => peerId);
    await this.#waitFor(peers);
    // Who never answers may hide nothing that others do not tell of.
    const isHeard = (peerId: string): boolean =>
      this.#toldAtMs.has(peerId) || (this.#silences.get(peerId) ?? 0) >= SILENCES_MAX;
    let isSure = peers.length > 0 && peers.every(isHeard);
    const least = chain.head().header.height + worthBlocks;
    for (;;) {
      const best = this.#best(least, light.head().header.height);
      if (best === undefined || signal.aborted) return isSure ? 'nothing' : 'unsure';
      const { peerId, offer } = best;
      const proven = await light.prove(offer.height, signal).catch(() => undefined);
      const isTrue =
        proven !== undefined &&
        equalBytes(proven.trusted.hash, offer.blockHash) &&
        equalBytes(proven.trusted.header.stateRoot, offer.stateRoot);
      if (isTrue) return offer;
      // Not proven may be nobody's fault; another block than ours is.
      if (proven === undefined) isSure = false;
      else core.report(peerId, 'false-offer');
      this.doubt(peerId);
    }
  }

  /** Until all of them told, but not for long. */
  async #waitFor(peers: readonly string[]): Promise<void> {
    const { clock } = this.#options.core.home;
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(OFFERS_WAITED_MS, resolve);
    });
    await Promise.race([Promise.all(peers.map((peerId) => this.ask(peerId))), late]);
    cancel();
  }

  #best(least: number, most: number) {
    const begun = this.#options.store.snapshotBegun()?.anchor.header.stateRoot;
    const isBegun = (offer: SnapshotOffer): boolean =>
      begun !== undefined && equalBytes(begun, offer.stateRoot);
    const candidates = [...this.#offers]
      .filter(([peerId]) => !this.#doubted.has(peerId))
      .flatMap(([peerId, offers]) => offers.map((offer) => ({ peerId, offer })))
      .filter(({ offer }) => offer.height >= least && offer.height <= most);
    // One that was begun comes first: what is here of it need not be fetched.
    candidates.sort(
      (left, right) =>
        Number(isBegun(right.offer)) - Number(isBegun(left.offer)) ||
        right.offer.height - left.offer.height,
    );
    return candidates[0];
  }

  /** How the state of a proven root is divided, checked against that root. */
  manifest(stateRoot: Hash, signal: AbortSignal): Promise<GivenManifest | undefined> {
    const { questions, core } = this.#options;
    const nowMs = core.home.clock.now();
    const believed = this.peersOffering(stateRoot).filter((each) => !this.#doubted.has(each));
    const better = believed.filter((each) => (this.#doubtedGivers.get(each) ?? 0) <= nowMs);
    const peers = better.length > 0 ? better : believed;
    return questions.ask<GivenManifest>({
      kind: 'manifest',
      body: encode(manifestRequestCodec, { stateRoot }),
      peers,
      signal,
      judge: (answer, peerId) => {
        const decoded = decode(manifestAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { manifest: bytes } = decoded.value;
        if (bytes === undefined) return { kind: 'absent' };
        const manifest = decode(manifestCodec, bytes);
        const plans = manifest.ok
          ? readManifest(core.ledger.suite, stateRoot, manifest.value)
          : manifest;
        if (!plans.ok) return { kind: 'bad', fault: 'false-manifest' };
        return { kind: 'good', value: { bytes: new Uint8Array(bytes), peerId } };
      },
    });
  }
}
