import type { Bytes } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { manifestCodec, readManifest } from '../state/index.ts';
import type { Chain } from './chain.ts';
import type { LightDriver } from './light-driver.ts';
import { OFFERS_AGAIN_MS, OFFERS_TIMEOUT_MS } from './limits.ts';
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
};

/** An encoded manifest that divides the state of a proven root, and who gave it. */
export type GivenManifest = { readonly bytes: Bytes; readonly peerId: string };

/** What peers offer, and which of it is true. */
export class SnapshotOffers {
  readonly #options: SnapshotOffersOptions;
  /** What connected peers offer; absent before they told. */
  readonly #offers = new Map<string, readonly SnapshotOffer[]>();
  readonly #askedAtMs = new Map<string, number>();
  /** Peers whose offer or manifest came to nothing. */
  readonly #doubted = new Set<string>();

  constructor(options: SnapshotOffersOptions) {
    this.#options = options;
  }

  forget(peerId: string): void {
    this.#offers.delete(peerId);
    this.#askedAtMs.delete(peerId);
    this.#doubted.delete(peerId);
  }

  doubt(peerId: string): void {
    this.#doubted.add(peerId);
  }

  believeAll(): void {
    this.#doubted.clear();
  }

  peersOffering(stateRoot: Hash): string[] {
    return [...this.#offers]
      .filter(([, offers]) => offers.some((offer) => equalBytes(offer.stateRoot, stateRoot)))
      .map(([peerId]) => peerId);
  }

  /** Asks a peer what it offers, now and then. */
  async ask(peerId: string): Promise<void> {
    const { core } = this.#options;
    const nowMs = core.home.clock.now();
    const askedAtMs = this.#askedAtMs.get(peerId);
    if (askedAtMs !== undefined && nowMs - askedAtMs < OFFERS_AGAIN_MS) return;
    const network = core.running()?.network;
    if (network === undefined) return;
    this.#askedAtMs.set(peerId, nowMs);
    const timeoutMs = OFFERS_TIMEOUT_MS;
    const answer = await network
      .request(peerId, 'snapshots', new Uint8Array(0), { timeoutMs })
      .catch(() => undefined); // Whoever does not answer offers nothing.
    // Asked again as soon as somebody wants to know.
    if (answer === undefined) this.#askedAtMs.delete(peerId);
    // It may be gone since.
    if (answer === undefined || !this.#askedAtMs.has(peerId)) return;
    const decoded = decode(snapshotsAnswerCodec, answer);
    if (decoded.ok) this.#offers.set(peerId, decoded.value.offers);
    else core.report(peerId, 'malformed-answer');
  }

  /**
   * The newest state that somebody serves and whose block is proven to be of our chain; absent when
   * none is worth it.
   *
   * @param worthBlocks How far above our head it must be.
   */
  async choose(worthBlocks: number, signal: AbortSignal): Promise<SnapshotOffer | undefined> {
    const { core, chain, light } = this.#options;
    const peers = core.running()?.network.peers() ?? [];
    await Promise.all(peers.map(({ peerId }) => this.ask(peerId)));
    const least = chain.head().header.height + worthBlocks;
    for (;;) {
      const best = this.#best(least, light.head().header.height);
      if (best === undefined || signal.aborted) return undefined;
      const { peerId, offer } = best;
      const proven = await light.prove(offer.height, signal).catch(() => undefined);
      const isTrue =
        proven !== undefined &&
        equalBytes(proven.trusted.hash, offer.blockHash) &&
        equalBytes(proven.trusted.header.stateRoot, offer.stateRoot);
      if (isTrue) return offer;
      // Not proven may be nobody's fault; another block than ours is.
      if (proven !== undefined) core.report(peerId, 'false-offer');
      this.doubt(peerId);
    }
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
    const peers = this.peersOffering(stateRoot).filter((each) => !this.#doubted.has(each));
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
