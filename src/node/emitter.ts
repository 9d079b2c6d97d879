/** Tells listeners of things that happened, by name. */
export class Emitter<Events extends { readonly [name: string]: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();
  readonly #onError: (error: unknown) => void;

  /** @param onError Told what a listener threw: that is its own failure, not the teller's. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Listens; the returned function ends it, and may be called twice. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => {
      listeners.delete(listener);
    };
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        // `on` put in only listeners that take the events of this name.
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
