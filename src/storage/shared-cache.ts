/** Bounds of a {@link SharedCache}. */
export type SharedCacheOptions<Value> = {
  /** Weight of all values kept; the newest one is kept whatever it weighs. */
  readonly weightMax: number;
  /** Values that are made at a time; further ones wait for their turn. */
  readonly loadsMax: number;
  readonly weigh: (value: Value) => number;
};

/**
 * Keeps what was used last, and makes what is not there: once, however many ask for it meanwhile.
 * So a flock of questions about few things costs as much as these things, and never more memory
 * than `weightMax` and `loadsMax` values in the making.
 */
export class SharedCache<Key, Value> {
  readonly #options: SharedCacheOptions<Value>;
  /** The newest used last. */
  readonly #kept = new Map<Key, Value>();
  readonly #loading = new Map<Key, Promise<Value>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #weight = 0;

  constructor(options: SharedCacheOptions<Value>) {
    this.#options = options;
  }

  /** Weight of what is kept. */
  get weight(): number {
    return this.#weight;
  }

  /** What is kept; `undefined` when it is not. */
  peek(key: Key): Value | undefined {
    const value = this.#kept.get(key);
    if (value === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, value);
    return value;
  }

  /** What is kept or being made, else what `load` makes. A failure is told to all, and not kept. */
  get(key: Key, load: () => Promise<Value>): Promise<Value> {
    const known = this.peek(key);
    if (known !== undefined) return Promise.resolve(known);
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(key, load);
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #load(key: Key, load: () => Promise<Value>): Promise<Value> {
    if (this.#running >= this.#options.loadsMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      const value = await load();
      this.#keep(key, value);
      return value;
    } finally {
      this.#loading.delete(key);
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next(); // It runs in this one's stead.
    }
  }

  #keep(key: Key, value: Value): void {
    this.#kept.set(key, value);
    this.#weight += this.#options.weigh(value);
    for (const [oldest, old] of this.#kept) {
      if (this.#weight <= this.#options.weightMax || this.#kept.size === 1) return;
      this.#kept.delete(oldest);
      this.#weight -= this.#options.weigh(old);
    }
  }
}
