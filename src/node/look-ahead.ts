/**
 * Lets whoever asks in, in turn, as long as what is inside weighs less than a bound: two always
 * fits. What was let in must be let out.
 */
export class LookAhead {
  readonly #bytesMax: number;
  readonly #waiting: { readonly bytes: number; readonly letIn: () => void }[] = [];
  #bytes = 0;
  #count = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Resolves when there is room. */
  async enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom()) {
      this.#take(bytes);
      return;
    }
    await new Promise<void>((letIn) => this.#waiting.push({ bytes, letIn }));
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#count -= 1;
    while (this.#hasRoom()) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#take(next.bytes);
      next.letIn();
    }
  }

  #hasRoom(): boolean {
    return this.#count < 2 || this.#bytes < this.#bytesMax;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#count += 1;
  }
}
