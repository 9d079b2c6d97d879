import type { TimestampMs, Transition } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { option, struct, vector } from '../codec/index.ts';
import type { Hash, HashSuite, SignatureClaim } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import {
  commitCertificateCodec,
  headerCodec,
  heightCodec,
  membershipCodec,
} from '../ledger/index.ts';
import type { LightRefusalCode, LightRequestFailure } from './errors.ts';
import type { LightLimits } from './limits.ts';
import { LIGHT_BLOCKS_MAX, LIGHT_HEIGHTS_MAX } from './limits.ts';
import type { LightRules } from './rules.ts';

/* -------------------------------------------------------------- blocks */

/**
 * A header with all that proves it to somebody who trusts an earlier one. `parent` binds
 * `membership` (by `nextMembershipHash`), and `header` binds `parent` (by `parentHash`).
 */
export const lightBlockCodec = struct('LightBlock', {
  parent: headerCodec,
  header: headerCodec,
  certificate: commitCertificateCodec,
  /** Who decided this height. */
  membership: membershipCodec,
  /** Who decides the next height; absent when it is the same. */
  nextMembership: option(membershipCodec),
});
export type LightBlock = Infer<typeof lightBlockCodec>;

/** A header taken for true, and who may speak for what follows it. As it lies on disk. */
export const trustedBlockCodec = struct('TrustedBlock', {
  header: headerCodec,
  hash: hashCodec,
  membership: membershipCodec,
  nextMembership: membershipCodec,
});
export type TrustedBlock = Infer<typeof trustedBlockCodec>;

/* -------------------------------------------------- what travels to peers */

/** `from` is trusted already: a server may add what leads from there to what is asked for. */
export const lightRequestCodec = struct('LightRequest', {
  from: heightCodec,
  heights: vector(heightCodec, { min: 1, max: LIGHT_HEIGHTS_MAX }),
});
export type LightRequest = Infer<typeof lightRequestCodec>;

/**
 * Heights rise. What the server lacks is left out; what it adds lies between `from` and the
 * highest height asked for.
 */
export const lightAnswerCodec = struct('LightAnswer', {
  blocks: vector(lightBlockCodec, { max: LIGHT_BLOCKS_MAX }),
});
export type LightAnswer = Infer<typeof lightAnswerCodec>;

/* ---------------------------------------------------------------- judging */

/** The network that blocks must belong to. */
export type LightAnchor = { readonly suite: HashSuite; readonly chainId: Hash };

export type LightOptions = {
  /**
   * How long after its time a header can be built on: as long as those who signed it can still be
   * punished. Undefined where members are fixed, for they stay.
   */
  readonly trustingPeriodMs: number | undefined;
  /** Members never change: no block of other members is one of this network. */
  readonly isFixed?: boolean;
  /** How far a header's time may be ahead of ours. */
  readonly clockDriftMs: number;
};

export type LightVerdict =
  /** Trusted once every claim holds. */
  | {
      readonly kind: 'to-verify';
      readonly claims: readonly SignatureClaim[];
      readonly trusted: TrustedBlock;
    }
  /** It may be true, but too few of those who are trusted signed it: something between is needed. */
  | { readonly kind: 'not-enough-trust' }
  | { readonly kind: 'refused'; readonly code: LightRefusalCode };

/** A block that somebody was told by hand: whoever told it is believed. */
export type Checkpoint = { readonly height: Height; readonly hash: Hash };

export type CheckpointVerdict =
  | Exclude<LightVerdict, { readonly kind: 'not-enough-trust' | 'refused' }>
  /** `another-block`: it is none that the checkpoint names. */
  | { readonly kind: 'refused'; readonly code: LightRefusalCode | 'another-block' };

/**
 * Two blocks of one height, both with a valid certificate: more than 1/3 of the power broke its
 * word. `ours` is absent when our own chain committed it, or when it was given without proof. As it
 * lies on disk.
 */
export const lightEvidenceCodec = struct('LightEvidence', {
  trusted: trustedBlockCodec,
  ours: option(lightBlockCodec),
  other: lightBlockCodec,
});
export type LightEvidence = Infer<typeof lightEvidenceCodec>;

/* ---------------------------------------------------------------- machine */

/** Names one request or verification; never used twice, so that late answers are stale. */
export type Ticket = number;

export type LightEvent =
  /** What a peer says of its head. `voice`: peers of one host are one voice. */
  | {
      readonly kind: 'peer-status';
      readonly peerId: string;
      readonly voice: string;
      readonly headHeight: Height;
      readonly headHash: Hash;
      /** The lowest height that it keeps whole; below, it need not prove anything. */
      readonly earliestHeight: Height;
      readonly nowMs: number;
    }
  | { readonly kind: 'peer-gone'; readonly peerId: string }
  /** What peers told so far counts no more: this machine slept since. */
  | { readonly kind: 'statuses-forgotten' }
  | {
      readonly kind: 'light-blocks-received';
      readonly ticket: Ticket;
      readonly blocks: readonly LightBlock[];
      readonly nowMs: number;
    }
  | {
      readonly kind: 'request-failed';
      readonly ticket: Ticket;
      readonly reason: LightRequestFailure;
      readonly nowMs: number;
    }
  /** Answers `verify-claims`: whether every claim holds. */
  | { readonly kind: 'claims-verified'; readonly ticket: Ticket; readonly isValid: boolean }
  /** Answers it too: nobody here could look, and nobody is to blame. */
  | { readonly kind: 'verification-failed'; readonly ticket: Ticket }
  /** Somebody here needs the header of a height; answered by `height-proven` or `-failed`. */
  | {
      readonly kind: 'height-wanted';
      readonly id: number;
      readonly height: Height;
      readonly nowMs: number;
    }
  /** Nobody needs it any more; it is answered by nothing. */
  | { readonly kind: 'height-unwanted'; readonly id: number }
  /** About once a second. */
  | { readonly kind: 'tick'; readonly nowMs: number }
  /** Our own chain committed this block: it is trusted at no cost. */
  | {
      readonly kind: 'chain-advanced';
      readonly trusted: TrustedBlock;
      readonly block: LightBlock | undefined;
      readonly nowMs: number;
    }
  /** Somebody who is believed named this block, and its signatures hold. */
  | {
      readonly kind: 'checkpoint-given';
      readonly trusted: TrustedBlock;
      readonly block: LightBlock;
      readonly nowMs: number;
    }
  /** A person looked into the alarm: new heads may be trusted again. */
  | { readonly kind: 'alarm-cleared'; readonly nowMs: number };

/** What a peer is blamed for. */
export type LightFault =
  /** It said it has a head that it then did not show. */
  | 'height-lie'
  /** It let a request time out, or refused it. */
  | 'stall'
  /** It answered again and again, and led nowhere. */
  | 'endless-stall'
  | 'malformed-answer'
  /** Its block breaks a rule, or a signature of it is false. */
  | 'bad-block';

/** Why a wanted height was not proven. */
export type HeightFailure =
  /** No peer in good standing has it, or none of them could prove it. */
  | 'nobody-proves-it'
  /** What is trusted below it is too old to build on. */
  | 'trust-expired'
  /** Conflicting certificates were seen; nothing new is trusted. */
  | 'alarmed'
  /** Too many heights are wanted at once. */
  | 'too-many-wanted';

export type LightEffect =
  /** Answered by exactly one event with the same ticket; `peer-gone` answers all of a peer's. */
  | {
      readonly kind: 'request-light-blocks';
      readonly ticket: Ticket;
      readonly peerId: string;
      /** A height that is trusted already. */
      readonly from: Height;
      readonly heights: readonly Height[];
    }
  | {
      readonly kind: 'verify-claims';
      readonly ticket: Ticket;
      readonly claims: readonly SignatureClaim[];
    }
  /** A new head; the driver makes it durable. */
  | { readonly kind: 'trust-block'; readonly trusted: TrustedBlock; readonly block: LightBlock }
  /** `block` is absent for what our own chain committed or this client started from. */
  | {
      readonly kind: 'height-proven';
      readonly id: number;
      readonly trusted: TrustedBlock;
      readonly block: LightBlock | undefined;
    }
  | { readonly kind: 'height-failed'; readonly id: number; readonly code: HeightFailure }
  | { readonly kind: 'report-peer'; readonly peerId: string; readonly fault: LightFault }
  | { readonly kind: 'raise-alarm'; readonly evidence: LightEvidence }
  /** `lightProgress` says something else now. */
  | { readonly kind: 'light-changed' };

/**
 * `waiting`: nobody useful to ask, or trust expired, or alarmed. `proving`: a higher head is being
 * proven. `following`: at the highest head told.
 */
export type LightStage = 'waiting' | 'proving' | 'following';

export type LightProgress = {
  readonly head: TrustedBlock;
  /** How the head was proven; absent when it was given, or committed by our own chain. */
  readonly headBlock: LightBlock | undefined;
  /**
   * Voices besides the one that served the head which tell the same block, one proven to follow
   * it, or an earlier one that is trusted.
   */
  readonly comparedVoices: number;
  /** These, and the voice that served the head if it still tells it, or a higher one. */
  readonly voices: number;
  /** Whether anybody in good standing told a head not long ago. */
  readonly isHeard: boolean;
  /** The highest head that a peer in good standing tells, never below ours. */
  readonly targetHeight: Height;
  readonly stage: LightStage;
  readonly alarm: LightEvidence | undefined;
  /** The head is older than the trusting period: nothing can be built on it any more. */
  readonly expired: boolean;
};

/* ------------------------------------------------------- inside the machine */

export type PeerWord = Pick<Peer, 'headHeight' | 'headHash' | 'toldAtMs' | 'wasNear'>;

export type Peer = {
  readonly peerId: string;
  readonly voice: string;
  readonly headHeight: number;
  readonly headHash: Hash;
  readonly earliestHeight: number;
  /** When it told this; an old word is none. */
  readonly toldAtMs: number;
  /** It was not far below our head then: who never follows confirms nothing. */
  readonly wasNear: boolean;
  /** What it told last that is trusted here: a peer that is a block ahead still stands for ours. */
  readonly before: PeerWord | undefined;
  readonly faults: number;
  /** Asked nothing, and not believed, before this tick. */
  readonly restsUntil: number;
  /** Asked nothing before this tick, since it said that it was asked too much. */
  readonly busyUntil: number;
  /** Ticket of the last request; the least lately asked is asked first. */
  readonly lastAsked: Ticket;
};

/** A trusted block, and who showed it how. */
export type Known = {
  readonly trusted: TrustedBlock;
  readonly block: LightBlock | undefined;
  /** Voice of the peer that served it; undefined when it needed no peer. */
  readonly voice: string | undefined;
};

/** What a chase is for. */
export type Purpose =
  | { readonly kind: 'head' }
  | { readonly kind: 'wanted'; readonly id: number }
  /**
   * A voice tells another block than ours at this height, and must show it; to be blamed for
   * `fault` if it then shows ours.
   */
  | { readonly kind: 'witness'; readonly fault: 'height-lie' | 'bad-block' };

export type Phase =
  | {
      readonly kind: 'asked';
      readonly ticket: Ticket;
      readonly askedAt: number;
      readonly heights: readonly number[];
    }
  | {
      readonly kind: 'verifying';
      readonly ticket: Ticket;
      readonly path: readonly { readonly trusted: TrustedBlock; readonly block: LightBlock }[];
    };

/** One height being proven with the help of one peer. */
export type Chase = {
  readonly purpose: Purpose;
  readonly peerId: string;
  readonly voice: string;
  readonly target: number;
  /** What it builds on: trusted, or proven by this chase. */
  readonly base: TrustedBlock;
  /** Proven by this chase and below its target. */
  readonly steps: readonly Known[];
  /** Shown by the peer, not proven yet, above the base; heights rise. */
  readonly found: readonly LightBlock[];
  readonly requests: number;
  /** Requests since anything was proven. */
  readonly unproven: number;
  /** Tick of its first request. */
  readonly begunAt: number;
  readonly phase: Phase;
};

/** A height somebody wants, while or until a chase runs for it. */
export type Wanted = {
  readonly id: number;
  readonly height: number;
  /** Peers that could not prove it. */
  readonly tried: readonly string[];
};

export type LightState = {
  readonly anchor: LightAnchor;
  readonly options: LightOptions;
  readonly limits: LightLimits;
  readonly rules: LightRules;
  readonly head: Known;
  /** Our own chain is the head: a small lead of others is left to it for some ticks. */
  readonly isOwnChain: boolean;
  /** Tick at which somebody was first ahead of the head. */
  readonly aheadSince: number | undefined;
  /** Trusted blocks that others can be built on, and compared with; heights rise. */
  readonly known: readonly Known[];
  readonly peers: ReadonlyMap<string, Peer>;
  readonly distrusted: readonly string[];
  readonly chases: readonly Chase[];
  readonly wanted: readonly Wanted[];
  readonly alarm: LightEvidence | undefined;
  /** Last ticket given out. */
  readonly ticket: Ticket;
  readonly ticks: number;
  readonly nowMs: TimestampMs;
  /** What was last told by `light-changed`. */
  readonly told: string;
};

export type LightTransition = Transition<LightState, LightEffect>;
