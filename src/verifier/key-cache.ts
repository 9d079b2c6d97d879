/** Keeps the most recently used values, at most `countMax` of them. */
export class LeastRecentlyUsed<Value> {
  readonly #values = new Map<string, Value>(); // Oldest first: a hit is put back at the end.
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#values.size;
  }

  /** The value kept under a name, if there is one. */
  get(name: string): Value | undefined {
    const kept = this.#values.get(name);
    if (kept === undefined) return undefined;
    this.#values.delete(name);
    this.#values.set(name, kept);
    return kept;
  }

  /** The value kept under a name, made by `make` when there is none. */
  getOrMake(name: string, make: () => Value): Value {
    const kept = this.get(name);
    if (kept !== undefined) return kept;
    const made = make();
    this.#values.set(name, made);
    if (this.#values.size > this.#countMax) {
      const oldest = this.#values.keys().next();
      if (oldest.done !== true) this.#values.delete(oldest.value);
    }
    return made;
  }

  clear(): void {
    this.#values.clear();
  }
}
