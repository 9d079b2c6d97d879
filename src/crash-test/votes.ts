import { formatHex } from '../base/index.ts';
import type { Height, Ledger, Round, Vote } from '../ledger/index.ts';
import { evidenceStored, votesLogged } from '../node/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import { Broken, expectThat } from './failure.ts';

/** What a proposer asked to vote for. */
export type ProposalSeen = {
  readonly height: Height;
  readonly round: Round;
  readonly validRound: Round | undefined;
  readonly blockHash: Uint8Array;
};

/**
 * Every vote and proposal that was ever said aloud or stood in any log, of whichever life of a
 * validator. Logs alone would not do: they are pruned once their height is decided.
 */
export class VoteBook {
  readonly #choices = new Map<string, string>();
  readonly #contradictions = new Set<string>();
  #heard = 0;
  #lastOwn: readonly Vote[] = [];

  /** Different votes and proposals, heard or logged. */
  get size(): number {
    return this.#choices.size;
  }

  /** Votes that came over the network, repeated ones included. */
  get heard(): number {
    return this.#heard;
  }

  /** Votes that its own validator signed, of the log that was read last. */
  get lastOwn(): readonly Vote[] {
    return this.#lastOwn;
  }

  hear(vote: Vote): void {
    this.#heard += 1;
    this.#noteVote(vote);
  }

  hearProposal({ height, round, validRound, blockHash }: ProposalSeen): void {
    // A round has one proposer, so this names whoever contradicts himself.
    const again = validRound === undefined ? '' : ` of round ${validRound}`;
    this.#note(`proposed twice: ${height}/${round}`, `${formatHex(blockHash)}${again}`);
  }

  /** Takes what a store's log holds. */
  async read(store: KeyValueStore, ledger: Ledger): Promise<void> {
    const logged = await votesLogged(store, ledger);
    for (const { vote } of logged) this.#noteVote(vote);
    this.#lastOwn = logged.filter(({ isOwn }) => isOwn).map(({ vote }) => vote);
    const evidence = await evidenceStored(store);
    expectThat(evidence.length === 0, `${evidence.length} proofs that somebody voted twice`);
  }

  /** Each contradiction fails one round: that in which it was found. */
  expectConsistent(): void {
    const found = [...this.#contradictions];
    this.#contradictions.clear();
    if (found.length > 0) throw new Broken(found.join('; '));
  }

  #noteVote({ validatorIndex, height, round, kind, blockHash }: Vote): void {
    const choice = blockHash === undefined ? 'nil' : formatHex(blockHash);
    this.#note(`voted twice: member ${validatorIndex}, ${kind} ${height}/${round}`, choice);
  }

  #note(slot: string, choice: string): void {
    const before = this.#choices.get(slot) ?? choice;
    if (before === choice) this.#choices.set(slot, choice);
    else this.#contradictions.add(`${slot}: ${before} and ${choice}`);
  }
}
