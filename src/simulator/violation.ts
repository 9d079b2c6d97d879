/** What a run must never show; codes are permanent, since reports are compared. */
export type ViolationCode =
  /** Two honest nodes committed different blocks at one height. */
  | 'agreement'
  /** A block was committed that is invalid, of another parent, or out of order. */
  | 'validity'
  /** A certificate lacks power, or holds a vote that its member never cast. */
  | 'certificate'
  /** An honest validator let two votes or proposals leave for one round and kind. */
  | 'honest-equivocation'
  /** Evidence names an honest validator. */
  | 'honest-accused'
  /** A machine found that a quorum decided an invalid block. */
  | 'halted'
  /** A light client trusts what nobody decided, or blames the honest. */
  | 'light-client-disagrees'
  /** A light client does not come to the head though all answer it. */
  | 'light-client-stalled'
  /** After all faults ended the goal was not reached in time. */
  | 'liveness'
  /** The machine met a state that its author thought impossible. */
  | 'assertion';

/** Ends a run; caught by `simulate`, which reports it with its seed. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly code: ViolationCode;

  constructor(code: ViolationCode, message: string) {
    super(message);
    this.code = code;
  }
}
