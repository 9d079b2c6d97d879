/**
 * What clients saw of a network, as data: hashes, ids and accounts are lower-case hex. Moments
 * (`…At`) are places in the one order in which the recorder heard of things, so none occurs twice
 * and what returned before a call began had returned in real time.
 */
export type Moment = number;

/** How the answer to a submission reads. */
export type Submission =
  | { readonly kind: 'accepted' }
  /** Told by the relay itself: it does not take the transaction. */
  | { readonly kind: 'refused'; readonly code: string }
  /** No answer: it may have arrived, now or later. */
  | { readonly kind: 'ambiguous' };

/** What one call, or one pushed event, told. */
export type Finding =
  | { readonly kind: 'submitted'; readonly id: string; readonly submission: Submission }
  | { readonly kind: 'head'; readonly height: number; readonly hash: string }
  | {
      readonly kind: 'block';
      readonly height: number;
      /** Absent: the relay said that it does not know this height. */
      readonly hash: string | undefined;
      readonly transactions: readonly string[] | undefined;
    }
  | {
      readonly kind: 'account';
      readonly account: string;
      readonly height: number;
      readonly sequence: number;
      readonly balance: bigint;
      /** The client first waited for the highest height that anybody had been told. */
      readonly isStrict: boolean;
    }
  | { readonly kind: 'status'; readonly id: string; readonly status: Status }
  /** Asked where a transaction was just told to be final; `fault` says why it proves nothing. */
  | { readonly kind: 'proof'; readonly id: string; readonly fault: string | undefined }
  | {
      readonly kind: 'activity';
      readonly account: string;
      readonly places: readonly { readonly id: string; readonly height: number }[];
    }
  /** Supply of the native asset, asked when nothing moves any more. */
  | { readonly kind: 'supply'; readonly amount: bigint };

export type Status = {
  readonly stage: 'unknown' | 'seen' | 'included' | 'final' | 'failed' | 'expired';
  readonly height: number | undefined;
  readonly index: number | undefined;
  readonly code: string | undefined;
};

/** A finding with who asked whom, and when. */
export type Entry = Finding & {
  readonly client: number;
  readonly relay: number;
  readonly invokedAt: Moment;
  readonly returnedAt: Moment;
  /** Milliseconds since the start of the run, for people. */
  readonly atMs: number;
  /** Pushed over a subscription: true some time before it arrived, not since a question. */
  readonly isPushed: boolean;
};

export type EntryOf<Kind extends Finding['kind']> = Extract<Entry, { readonly kind: Kind }>;

/** A transfer that a client signed, whether or not it was ever sent. */
export type Transfer = {
  readonly id: string;
  readonly sender: string;
  readonly sequence: number;
  readonly recipient: string;
  readonly amount: bigint;
  readonly fee: bigint;
  /** Last height that may hold it. */
  readonly validUntil: number;
};

/** A block as one relay gave it at the end. */
export type FinalBlock = {
  readonly height: number;
  readonly hash: string;
  readonly parentHash: string;
  /** Why its certificate does not show that more than two thirds decided it; absent: it does. */
  readonly fault: string | undefined;
  readonly transactions: readonly ExecutedTransfer[];
};

/** What a block says of a transaction. */
export type ExecutedTransfer = {
  readonly id: string;
  /** Code of the failure; absent when it succeeded. */
  readonly failure: string | undefined;
  readonly feeCharged: bigint;
};

/** A relay was stopped, by force or not, and forgot what was in memory. */
export type Restart = { readonly relay: number; readonly at: Moment };

/** Everything that the judge looks at. */
export type Record = {
  readonly entries: readonly Entry[];
  readonly transfers: readonly Transfer[];
  readonly restarts: readonly Restart[];
  /** What genesis gives to whom. */
  readonly balances: ReadonlyMap<string, bigint>;
  /** Per relay, from height 0 on. */
  readonly chains: readonly (readonly FinalBlock[])[];
};

/** A broken promise, with what shows it. */
export type Violation = {
  readonly rule: Rule;
  readonly text: string;
  readonly evidence: readonly Entry[];
};

/** What a network promises to those who ask it. */
export const RULES = {
  'chains-agree': 'All relays hold the same block at every height.',
  'chain-holds': 'Blocks follow each other and carry the certificate of more than two thirds.',
  'only-submitted': 'Blocks hold what clients sent, and nothing that was only ever refused.',
  'sequence-steps': 'The sequence of an account rises by one with each of its transactions.',
  'supply-holds': 'Balances add up to the supply, which falls by fees only.',
  'hash-at-height': 'A height is told with one hash, always.',
  'account-at-height': 'An account is told as it is after the block of the height told with it.',
  'activity-holds': 'The history of an account names what concerns it, and where it stands.',
  'no-way-back': 'A relay never answers from before what it told earlier.',
  'final-stays': 'What was told to be final stays in its place.',
  'verdict-true': 'Verdicts are those of the chain.',
  'verdict-given': 'Every transaction has a verdict when its last height has passed.',
  'final-proven': 'Who says that a transaction is final can prove it.',
  linearizable: 'Reads that wait for the newest height known see one order of all transfers.',
} as const;

export type Rule = keyof typeof RULES;
