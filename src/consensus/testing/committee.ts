import type { Bytes } from '../../base/index.ts';
import { timestampMs } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import { hashSuite, ZERO_HASH } from '../../crypto/index.ts';
import type {
  Block,
  ConsensusOptions,
  Gas,
  Height,
  Membership,
  Round,
  Vote,
  VoteKind,
} from '../../ledger/index.ts';
import { headerCodec } from '../../ledger/index.ts';
import type { Instruments } from '../agreement/three-phase/rules.ts';
import type { ConsensusEngine } from '../engine.ts';
import { combineEngine, describeEngineError } from '../index.ts';
import type {
  ConsensusEffect,
  ConsensusEvent,
  ConsensusState,
  VerifiedCertificate,
  VerifiedProposal,
  VerifiedVote,
} from '../types.ts';

// Casts in this file make brands of numbers in range, and verified values of what a test made up:
// what a signature says is the door's business, not the machine's.

export const suite = hashSuite('sha2-256');

export const options: ConsensusOptions = {
  membership: 'fixed',
  leader: 'rotating',
  agreement: 'three-phase',
  proposeTimeoutMs: 1000,
  prevoteTimeoutMs: 500,
  precommitTimeoutMs: 400,
  timeoutDeltaMs: 100,
  heartbeatMs: 10_000,
  blockBytesMax: 1_000_000,
  blockTransactionsMax: 1000,
};

export const H1 = 1 as Height;
export const round = (value: number) => value as Round;

export function membershipOf(...powers: readonly bigint[]): Membership {
  return {
    validators: powers.map((power, index) => ({
      publicKey: keyOf(index),
      power,
      name: `v${index}`,
    })),
  };
}

export function keyOf(index: number): Bytes {
  return new Uint8Array(32).fill(index + 1);
}

export const FOUR = membershipOf(1n, 1n, 1n, 1n);

export function engineOf(membership = FOUR, instruments: Instruments = {}): ConsensusEngine {
  const engine = combineEngine(options, membership, instruments);
  if (!engine.ok) throw new Error(describeEngineError(engine.error));
  return engine.value;
}

export function blockOf(payload: number, height = H1): { block: Block; blockHash: Hash } {
  const block: Block = {
    header: {
      version: 1,
      chainId: ZERO_HASH,
      height,
      parentHash: ZERO_HASH,
      timestampMs: timestampMs(0),
      proposer: keyOf(0),
      transactionsRoot: ZERO_HASH,
      receiptsRoot: ZERO_HASH,
      stateRoot: ZERO_HASH,
      nextMembershipHash: ZERO_HASH,
      gasUsed: 0 as Gas,
      consensus: Uint8Array.of(payload),
    },
    transactions: [],
  };
  return { block, blockHash: suite.hash('block', encode(headerCodec, block.header)) };
}

export const A = blockOf(1);
export const B = blockOf(2);
export const C = blockOf(3);

export function voteOf(
  kind: VoteKind,
  validatorIndex: number,
  ballot: Hash | undefined,
  at: { readonly round?: number; readonly height?: Height } = {},
): VerifiedVote {
  const height = at.height ?? H1;
  return signed({ kind, height, round: round(at.round ?? 0), blockHash: ballot, validatorIndex });
}

export function signed(vote: Vote): VerifiedVote {
  const signature = new Uint8Array(64).fill(vote.validatorIndex + 1);
  return { vote, signature } as unknown as VerifiedVote;
}

export function proposalOf(
  content: { readonly block: Block; readonly blockHash: Hash },
  at: { readonly round?: number; readonly validRound?: number; readonly height?: Height } = {},
): VerifiedProposal {
  const proposal = {
    height: at.height ?? H1,
    round: round(at.round ?? 0),
    validRound: at.validRound === undefined ? undefined : round(at.validRound),
    block: content.block,
  };
  const signature = new Uint8Array(64).fill(9);
  const { blockHash } = content;
  return { proposal, signature, blockHash } as unknown as VerifiedProposal;
}

/** A machine with its effects collected: `did` since the last event, `log` all that was written. */
export class Seat {
  readonly engine: ConsensusEngine;
  state: ConsensusState;
  did: readonly ConsensusEffect[] = [];
  all: ConsensusEffect[] = [];

  constructor(
    ownIndex: number | undefined,
    settings: {
      readonly engine?: ConsensusEngine;
      readonly membership?: Membership;
      readonly height?: Height;
      readonly signFrom?: Height;
    } = {},
  ) {
    this.engine = settings.engine ?? engineOf(settings.membership ?? FOUR);
    this.state = this.engine.start({
      height: settings.height ?? H1,
      membership: settings.membership ?? FOUR,
      ownPublicKey: ownIndex === undefined ? undefined : keyOf(ownIndex),
      signFrom: settings.signFrom ?? (0 as Height),
    });
  }

  /** Handles events one after another; `did` holds what all of them led to. */
  on(...events: readonly ConsensusEvent[]): this {
    const did: ConsensusEffect[] = [];
    for (const event of events) {
      const { state, effects } = this.engine.step(this.state, event);
      this.state = state;
      did.push(...effects);
    }
    this.did = did;
    this.all.push(...did);
    return this;
  }

  /** As {@link on}; each request to sign is answered before the next event. */
  play(...events: readonly ConsensusEvent[]): this {
    const did: ConsensusEffect[] = [];
    const pending: ConsensusEvent[] = [...events];
    for (let event = pending.shift(); event !== undefined; event = pending.shift()) {
      this.on(event);
      did.push(...this.did);
      const answers: ConsensusEvent[] = [];
      for (const effect of this.did) {
        if (effect.kind === 'sign-vote') {
          answers.push({ kind: 'vote-signed', vote: signed(effect.vote) });
        }
        if (effect.kind === 'sign-proposal') {
          const { proposal, blockHash } = effect;
          const { round: at, validRound } = proposal;
          const where = validRound === undefined ? { round: at } : { round: at, validRound };
          answers.push({
            kind: 'proposal-signed',
            proposal: proposalOf({ block: proposal.block, blockHash }, where),
          });
        }
      }
      pending.unshift(...answers);
    }
    this.did = did;
    return this;
  }

  kinds(): readonly string[] {
    return this.did.map((effect) => effect.kind);
  }

  effects<Kind extends ConsensusEffect['kind']>(
    kind: Kind,
  ): readonly Extract<ConsensusEffect, { kind: Kind }>[] {
    return this.did.filter(
      (effect): effect is Extract<ConsensusEffect, { kind: Kind }> => effect.kind === kind,
    );
  }

  /** Votes sent since the last event, as `kind round ballot`. */
  sent(): readonly string[] {
    return this.effects('broadcast-vote').map(({ vote }) => describeVote(vote.vote));
  }
}

/** `prevote 0 A`, `precommit 1 nil`. */
export function describeVote(vote: Vote): string {
  const names = new Map(
    [A, B, C].map(({ blockHash }, at) => [String(blockHash), 'ABC'.charAt(at)]),
  );
  const ballot = vote.blockHash === undefined ? 'nil' : names.get(String(vote.blockHash));
  return `${vote.kind} ${vote.round} ${ballot ?? 'other'}`;
}

export const work: ConsensusEvent = { kind: 'work-available', height: H1 };

export function heard(vote: VerifiedVote, from?: string): ConsensusEvent {
  return { kind: 'vote-received', vote, ...(from === undefined ? {} : { from }) };
}

export function proposed(proposal: VerifiedProposal, from?: string): ConsensusEvent {
  return { kind: 'proposal-received', proposal, ...(from === undefined ? {} : { from }) };
}

export function judged(
  { blockHash }: { readonly blockHash: Hash },
  verdict: { readonly isValid?: boolean; readonly isTimely?: boolean } = {},
): ConsensusEvent {
  const { isValid = true, isTimely = true } = verdict;
  return { kind: 'block-validated', height: H1, blockHash, isValid, isTimely };
}

export function elapsed(
  kind: 'propose' | 'prevote' | 'precommit' | 'stall',
  at = 0,
): ConsensusEvent {
  return { kind: 'timeout-elapsed', timeout: { height: H1, round: round(at), kind } };
}

/** Votes of several members at once. */
export function votesOf(
  kind: VoteKind,
  voters: readonly number[],
  ballot: Hash | undefined,
  at = 0,
): readonly ConsensusEvent[] {
  return voters.map((voter) => heard(voteOf(kind, voter, ballot, { round: at })));
}

export function certificateFor(
  content: { readonly blockHash: Hash },
  voters: readonly number[],
): VerifiedCertificate {
  return {
    height: H1,
    round: round(0),
    blockHash: content.blockHash,
    signatures: voters.map((validatorIndex) => ({
      validatorIndex,
      signature: new Uint8Array(64).fill(validatorIndex + 1),
    })),
  } as unknown as VerifiedCertificate;
}
