import type { Entry, Finding, Moment, Restart, Transfer } from '../history.ts';

/** Writes down what clients see, in one order for all of them. */
export class Recorder {
  readonly entries: Entry[] = [];
  readonly transfers: Transfer[] = [];
  readonly restarts: Restart[] = [];
  readonly #startMs = performance.now();
  #moment = 0;
  /** Highest height that anybody was told. */
  heightMax = 0;

  /** The next place in the order. */
  moment(): Moment {
    return this.#moment++;
  }

  /** Notes an answer to a question that was asked at `invokedAt`. */
  note(who: { client: number; relay: number }, invokedAt: Moment, finding: Finding): void {
    this.#add({ ...finding, ...who, invokedAt, returnedAt: this.moment(), isPushed: false });
  }

  /** Notes an event of a subscription. */
  notePushed(who: { client: number; relay: number }, finding: Finding): void {
    const at = this.moment();
    this.#add({ ...finding, ...who, invokedAt: at, returnedAt: at, isPushed: true });
  }

  restarted(relay: number): void {
    this.restarts.push({ relay, at: this.moment() });
  }

  #add(entry: Omit<Entry, 'atMs'>): void {
    // `as`: leaving out a common member keeps each finding whole.
    const whole = { ...entry, atMs: Math.round(performance.now() - this.#startMs) } as Entry;
    this.entries.push(whole);
    this.heightMax = Math.max(this.heightMax, heightTold(whole));
  }
}

/** A final height that a finding names, whatever it is about; -1 if it names none. */
function heightTold(finding: Finding): number {
  switch (finding.kind) {
    case 'head':
    case 'account':
      return finding.height;
    case 'block':
      return finding.hash === undefined ? -1 : finding.height;
    case 'activity':
      return finding.places[0]?.height ?? -1;
    case 'status': {
      const { stage, height } = finding.status;
      return stage === 'final' || stage === 'failed' ? (height ?? -1) : -1;
    }
    default:
      return -1;
  }
}
