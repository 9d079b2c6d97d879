/**
 * Keeps values that were used lately: at least half of `countMax` different ones, at most all of
 * them. Those of the present half are found without moving anything; when it is full it becomes
 * the older half, and what was not used since the time before is let go of.
 */
export class RecentlyUsed<Value> {
  #recent = new Map<string, Value>();
  #older = new Map<string, Value>();
  readonly #halfMax: number;

  constructor(countMax: number) {
    this.#halfMax = Math.max(1, countMax >>> 1);
  }

  get count(): number {
    return this.#recent.size + this.#older.size;
  }

  /** The value kept under a name, if there is one. */
  get(name: string): Value | undefined {
    const recent = this.#recent.get(name);
    if (recent !== undefined) return recent;
    const older = this.#older.get(name);
    if (older === undefined) return undefined;
    this.#older.delete(name);
    this.#put(name, older);
    return older;
  }

  /** The value kept under a name, made by `make` when there is none. */
  getOrMake(name: string, make: () => Value): Value {
    const kept = this.get(name);
    if (kept !== undefined) return kept;
    const made = make();
    this.#put(name, made);
    return made;
  }

  #put(name: string, value: Value): void {
    if (this.#recent.size >= this.#halfMax) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(name, value);
  }

  clear(): void {
    this.#recent = new Map();
    this.#older = new Map();
  }
}
