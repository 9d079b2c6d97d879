import type { Bytes, Result } from '../base/index.ts';
import { fail, TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { ConsensusCodecs } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, CommitCertificate, Height } from '../ledger/index.ts';
import { PROTOCOL_VERSION } from '../ledger/index.ts';
import type { GossipVerdict, NetworkHandlers, RequestKind } from '../network/index.ts';
import { AnswerTurns } from './answer-turns.ts';
import type { FaucetError } from './faucet.ts';
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
import type { NodeCore, Parts } from './parts.ts';
import type { ProofAsker } from './served-proofs.ts';
import { ServedProofs } from './served-proofs.ts';
import { ServedSnapshots } from './served-snapshots.ts';

type Asker = Parameters<NetworkHandlers['onRequest']>[2];

/** Answered also by who has no chain to speak of. */
const NOT_OF_CHAIN: ReadonlySet<RequestKind> = new Set(['status', 'consensus', 'faucet'] as const);

/** What messages and questions of peers mean. */
export class Protocols {
  readonly #core: NodeCore;
  readonly #parts: Parts;
  readonly #codecs: ConsensusCodecs;
  readonly #proofs: ServedProofs;
  readonly #snapshots: ServedSnapshots;
  readonly #turns: AnswerTurns;

  constructor(dependencies: {
    readonly core: NodeCore;
    readonly parts: Parts;
    readonly codecs: ConsensusCodecs;
  }) {
    this.#core = dependencies.core;
    this.#parts = dependencies.parts;
    this.#codecs = dependencies.codecs;
    const { store } = dependencies.parts;
    const { ledger, home } = dependencies.core;
    this.#proofs = new ServedProofs(ledger, store, home.clock);
    this.#snapshots = new ServedSnapshots(store);
    this.#turns = new AnswerTurns(home.clock);
  }

  static encodeAnnouncement(announcement: BlockAnnouncement): Bytes {
    return encode(blockAnnouncementCodec, announcement);
  }

  handlers(): NetworkHandlers {
    return {
      onGossip: async (topic, message, from) => {
        // Without a chain that is near its head, nothing can be judged but that there is a block.
        const { following } = this.#parts;
        const isBlind = following.isChainHeld() || !following.isChainLeading();
        if (isBlind && topic !== 'blocks') return 'ignore';
        switch (topic) {
          case 'transactions':
            return await this.#parts.mempool.receiveGossip(message, from);
          case 'votes':
            return (await this.#core.running()?.consensus.receiveVote(message, from)) ?? 'ignore';
          case 'proposals':
            return (
              (await this.#core.running()?.consensus.receiveProposal(message, from)) ?? 'ignore'
            );
          case 'blocks':
            return await this.#onAnnouncement(message, from);
        }
      },
      onRequest: (kind, request, from) => this.#answer(kind, request, from),
      onEvent: (event) => {
        const running = this.#core.running();
        if (event.kind === 'peer-connected') {
          running?.peers.connected(event.peerId);
          running?.reminder.peerConnected();
        }
        if (event.kind === 'peer-disconnected') running?.peers.gone(event.peerId);
        this.#core.events.emit('peers', undefined);
        this.#core.events.emit('status', undefined);
      },
    };
  }

  /** A block is final, says somebody; with its proposal at hand, the certificate is enough. */
  async #onAnnouncement(message: Bytes, from: string): Promise<GossipVerdict> {
    const decoded = decode(blockAnnouncementCodec, message);
    if (!decoded.ok) return 'reject';
    const { header, certificate } = decoded.value;
    const { chain } = this.#parts;
    const { height } = chain.next();
    if (header.height < height) return 'ignore';
    if (header.height > height) {
      this.#core.running()?.peers.hint(from);
      return 'ignore';
    }
    const hash = this.#core.ledger.blockHash(header);
    const proven = await chain.verifyCertificate(hash, certificate);
    // The head may have moved meanwhile: then the question is moot, and nobody is to blame.
    if (!proven.ok) return chain.next().height === height ? 'reject' : 'ignore';
    const executed = chain.executedOf(header);
    if (executed === undefined) {
      this.#core.running()?.peers.hint(from);
      return 'accept';
    }
    this.#core.running()?.consensus.receiveDecision({
      kind: 'decision-received',
      block: executed.prepared.block,
      blockHash: hash,
      certificate: proven.value,
      from,
    });
    return 'accept';
  }

  async #answer(kind: RequestKind, request: Bytes, from: Asker): Promise<Bytes> {
    // A chain that has not led to its checkpoint is shown to nobody, as proof least of all.
    if (!NOT_OF_CHAIN.has(kind) && this.#parts.checkpoints.isChainHidden()) {
      throw new TabellionError('request-refused', { reason: 'busy' });
    }
    switch (kind) {
      case 'status':
        return this.#status();
      case 'blocks':
        return this.#blocks(request, from);
      case 'consensus':
        return this.#catchUp(request, from);
      case 'faucet':
        return this.#faucet(request, from);
      case 'state':
      case 'light':
      case 'receipts':
      case 'history':
      case 'locate':
      case 'page':
      case 'entries':
        return this.#turns.run(from, () => this.#proofs.answer(kind, request, this.#asker(from)));
      case 'snapshots':
      case 'manifest':
      case 'chunks':
        return this.#snapshots.answer(kind, request, (codec, bytes) =>
          this.#read(codec, bytes, from),
        );
    }
  }

  #asker(from: Asker): ProofAsker {
    return {
      read: (codec, bytes) => this.#read(codec, bytes, from),
      refuse: () => this.#malformed(from),
      charge: (units) => this.#turns.charge(from.peerId, units),
      signal: from.signal,
    };
  }

  /** The value of a question; one that is no question costs the asker. */
  #read<Value>(codec: Codec<Value>, request: Bytes, from: Asker): Value {
    const decoded = decode(codec, request);
    if (decoded.ok) return decoded.value;
    throw this.#malformed(from);
  }

  #malformed(from: Asker): TabellionError {
    this.#core.report(from.peerId, 'malformed-request');
    return new TabellionError('request-malformed');
  }

  #status(): Bytes {
    const { chain, checkpoints, store } = this.#parts;
    const { header, hash } = checkpoints.checkedHead() ?? chain.head();
    return encode(peerStatusCodec, {
      chainId: this.#core.ledger.chainId,
      protocolVersion: PROTOCOL_VERSION,
      headHeight: header.height,
      headHash: hash,
      earliestHeight: store.earliestHeight(),
      isRelay: this.#core.home.kind === 'relay',
    });
  }

  async #blocks(request: Bytes, asker: Asker): Promise<Bytes> {
    const { from, count: wanted } = this.#read(blocksRequestCodec, request, asker);
    const { store } = this.#parts;
    const countMax = Math.min(wanted, BLOCKS_PER_RESPONSE_MAX);
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

  #catchUp(request: Bytes, asker: Asker): Bytes {
    const question = this.#read(this.#codecs.catchUpRequest, request, asker);
    const consensus = this.#core.running()?.consensus;
    const answer = consensus?.messagesFor(question) ?? { proposals: [], votes: [] };
    const { block: blockCodec } = this.#core.ledger.codecs;
    let bytes = 0;
    const proposals = answer.proposals.flatMap(({ proposal, signature }) => {
      // Each may be as large as a block; what does not fit is asked for again.
      bytes += encode(blockCodec, proposal.block).length;
      return bytes > BLOCKS_RESPONSE_BYTES_MAX ? [] : [{ proposal, signature }];
    });
    const votes = answer.votes.map(({ vote, signature }) => ({ vote, signature }));
    return encode(this.#codecs.catchUpAnswer, { proposals, votes });
  }

  async #faucet(request: Bytes, from: Asker): Promise<Bytes> {
    const { recipient, isForwarded } = this.#read(faucetRequestCodec, request, from);
    const granted = await this.#grant(recipient, isForwarded, from);
    if (granted.ok) {
      return encode(faucetResponseCodec, { kind: 'granted', transactionId: granted.value });
    }
    const { error } = granted;
    const waitMs = error.code === 'faucet-too-soon' ? error.retryAfterMs : undefined;
    return refusedFaucet(error.code, waitMs);
  }

  /** By our own faucet, or by that of another relay, which the asker may not be connected to. */
  async #grant(
    recipient: Address,
    isForwarded: boolean,
    { peerId, remoteAddress }: Asker,
  ): Promise<Result<Hash, FaucetError>> {
    // Anybody may say that it asks for others: only a relay that our settings name is believed.
    const isBelieved = isForwarded && this.#isConfiguredRelay(peerId);
    const caller = isBelieved
      ? { peerId, address: undefined, isForwarded: true }
      : { peerId, address: remoteAddress };
    const { faucet, forwarding } = this.#parts;
    if (faucet !== undefined) return faucet.request(recipient, caller);
    const running = this.#core.running();
    const isRelay = this.#core.home.kind === 'relay';
    if (isForwarded || !isRelay || running === undefined) return fail({ code: 'faucet-absent' });
    const { signal } = new AbortController(); // The network's own time limits end it.
    return forwarding.grant(caller, () =>
      running.peers.requestCoins(recipient, { isForwarded: true, signal }),
    );
  }

  /** Whether this node's own settings name a peer as a relay: its address ends in its id. */
  #isConfiguredRelay(peerId: string): boolean {
    return this.#core.options.relays.some((address) => address.endsWith(`/p2p/${peerId}`));
  }
}

function refusedFaucet(code: string, retryAfterMs: number | undefined): Bytes {
  const bounded = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, 0xffff_ffff);
  return encode(faucetResponseCodec, { kind: 'refused', code, retryAfterMs: bounded });
}
