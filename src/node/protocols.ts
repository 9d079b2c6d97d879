import type { Bytes } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { ConsensusCodecs } from '../consensus/index.ts';
import type { CommitCertificate, Height } from '../ledger/index.ts';
import { PROTOCOL_VERSION } from '../ledger/index.ts';
import type { GossipVerdict, NetworkHandlers, RequestKind } from '../network/index.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import { BLOCKS_PER_RESPONSE_MAX, BLOCKS_RESPONSE_BYTES_MAX } from './limits.ts';
import type { BlockAnnouncement } from './messages.ts';
import {
  blockAnnouncementCodec,
  blocksRequestCodec,
  blocksResponseCodec,
  faucetRequestCodec,
  faucetResponseCodec,
  peerStatusCodec,
} from './messages.ts';
import type { TabellionNode } from './node.ts';
import type { PeerBook } from './peer-book.ts';

type Asker = Parameters<NetworkHandlers['onRequest']>[2];

/** What messages and questions of peers mean. */
export class Protocols {
  readonly #node: TabellionNode;
  readonly #codecs: ConsensusCodecs;
  readonly #consensus: () => ConsensusDriver | undefined;
  readonly #peers: () => PeerBook | undefined;

  constructor(dependencies: {
    readonly node: TabellionNode;
    readonly codecs: ConsensusCodecs;
    consensus(): ConsensusDriver | undefined;
    peers(): PeerBook | undefined;
  }) {
    this.#node = dependencies.node;
    this.#codecs = dependencies.codecs;
    this.#consensus = () => dependencies.consensus();
    this.#peers = () => dependencies.peers();
  }

  static encodeAnnouncement(announcement: BlockAnnouncement): Bytes {
    return encode(blockAnnouncementCodec, announcement);
  }

  handlers(): NetworkHandlers {
    return {
      onGossip: (topic, message, from) => {
        switch (topic) {
          case 'transactions':
            return this.#node.parts.mempool.receiveGossip(message, from);
          case 'votes':
            return this.#hinting(from, this.#consensus()?.receiveVote(message, from));
          case 'proposals':
            return this.#hinting(from, this.#consensus()?.receiveProposal(message, from));
          case 'blocks':
            return this.#onAnnouncement(message, from);
        }
      },
      onRequest: (kind, request, from) => this.#answer(kind, request, from),
      onEvent: (event) => {
        if (event.kind === 'peer-connected') this.#peers()?.connected(event.peerId);
        if (event.kind === 'peer-disconnected') this.#peers()?.gone(event.peerId);
        this.#node.events.emit('peers', undefined);
        this.#node.events.emit('status', undefined);
      },
    };
  }

  /** What consensus cannot place is of another height: perhaps the sender is ahead of us. */
  async #hinting(
    from: string,
    verdict: Promise<GossipVerdict> | undefined,
  ): Promise<GossipVerdict> {
    const judged = (await verdict) ?? 'ignore';
    if (judged === 'ignore') this.#peers()?.hint(from);
    return judged;
  }

  /** A block is final, says somebody; with its proposal at hand, the certificate is enough. */
  async #onAnnouncement(message: Bytes, from: string): Promise<GossipVerdict> {
    const decoded = decode(blockAnnouncementCodec, message);
    if (!decoded.ok) return 'reject';
    const { header, certificate } = decoded.value;
    const { chain } = this.#node.parts;
    const { height } = chain.next();
    if (header.height < height) return 'ignore';
    if (header.height > height) {
      this.#peers()?.hint(from);
      return 'ignore';
    }
    const hash = this.#node.ledger.blockHash(header);
    const proven = await chain.verifyCertificate(hash, certificate);
    // The head may have moved meanwhile: then the question is moot, and nobody is to blame.
    if (!proven.ok) return chain.next().height === height ? 'reject' : 'ignore';
    const executed = chain.executedOf(header);
    if (executed === undefined) {
      this.#peers()?.hint(from);
      return 'accept';
    }
    this.#consensus()?.receiveDecision({
      kind: 'decision-received',
      block: executed.prepared.block,
      blockHash: hash,
      certificate: proven.value,
      from,
    });
    return 'accept';
  }

  async #answer(kind: RequestKind, request: Bytes, from: Asker): Promise<Bytes> {
    switch (kind) {
      case 'status':
        return this.#status();
      case 'blocks':
        return this.#blocks(request);
      case 'consensus':
        return this.#catchUp(request);
      case 'faucet':
        return this.#faucet(request, from);
      case 'state':
        throw new TabellionError('request-refused');
    }
  }

  #status(): Bytes {
    const { chain, store } = this.#node.parts;
    const { header, hash } = chain.head();
    return encode(peerStatusCodec, {
      chainId: this.#node.ledger.chainId,
      protocolVersion: PROTOCOL_VERSION,
      headHeight: header.height,
      headHash: hash,
      earliestHeight: store.earliestHeight(),
      isRelay: this.#node.home.kind === 'relay',
    });
  }

  async #blocks(request: Bytes): Promise<Bytes> {
    const decoded = decode(blocksRequestCodec, request);
    if (!decoded.ok) throw new TabellionError('request-malformed');
    const { store } = this.#node.parts;
    const { from } = decoded.value;
    const countMax = Math.min(decoded.value.count, BLOCKS_PER_RESPONSE_MAX);
    const blocks: { readonly block: Bytes; readonly certificate: CommitCertificate }[] = [];
    let bytes = 0;
    for (let count = 0; count < countMax; count++) {
      const served = await store.servedBlock((from + count) as Height); // A height and a little.
      if (served === undefined) break;
      bytes += served.block.length + 100 * served.certificate.signatures.length;
      if (blocks.length > 0 && bytes > BLOCKS_RESPONSE_BYTES_MAX) break;
      blocks.push(served);
    }
    return encode(blocksResponseCodec, { blocks });
  }

  #catchUp(request: Bytes): Bytes {
    const decoded = decode(this.#codecs.catchUpRequest, request);
    if (!decoded.ok) throw new TabellionError('request-malformed');
    const answer = this.#consensus()?.messagesFor(decoded.value) ?? { proposals: [], votes: [] };
    const proposals = answer.proposals.map(({ proposal, signature }) => ({ proposal, signature }));
    const votes = answer.votes.map(({ vote, signature }) => ({ vote, signature }));
    return encode(this.#codecs.catchUpAnswer, { proposals, votes });
  }

  async #faucet(request: Bytes, from: Asker): Promise<Bytes> {
    const decoded = decode(faucetRequestCodec, request);
    if (!decoded.ok) throw new TabellionError('request-malformed');
    const { faucet } = this.#node.parts;
    if (faucet === undefined) return refusedFaucet('faucet-absent', undefined);
    const granted = await faucet.request(
      decoded.value.recipient,
      from.remoteAddress ?? from.peerId,
    );
    if (granted.ok) {
      return encode(faucetResponseCodec, { kind: 'granted', transactionId: granted.value });
    }
    const { error } = granted;
    const waitMs = error.code === 'faucet-too-soon' ? error.retryAfterMs : undefined;
    return refusedFaucet(error.code, waitMs);
  }
}

function refusedFaucet(code: string, retryAfterMs: number | undefined): Bytes {
  const bounded = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, 0xffff_ffff);
  return encode(faucetResponseCodec, { kind: 'refused', code, retryAfterMs: bounded });
}
