/** Runs jobs one after another, in the order they came; a failed job does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<Value>(job: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(job, job);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Settles when everything asked for so far is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
