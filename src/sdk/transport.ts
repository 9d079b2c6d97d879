import type { Json } from '../base/index.ts';
import type { Trust } from '../rpc/index.ts';

export type CallOptions = { readonly signal?: AbortSignal };

/** Carries questions to a node, wherever it runs, and its answers and events back. */
export interface Transport {
  /**
   * The most that an answer may be believed: what a node of our own says it validated is
   * `validated`; the same word from elsewhere is only `reported`.
   */
  readonly trustMax: Trust;
  /** Asks one method. Rejects with `TabellionError`. `isIdempotent` calls may be sent twice. */
  call(
    method: string,
    params: Json,
    options: CallOptions & { readonly isIdempotent: boolean },
  ): Promise<Json>;
  /** Follows a topic, over reconnections too. `fail` is called when the node refuses it. */
  subscribe(
    topic: string,
    params: Json,
    push: (event: Json) => void,
    fail: (error: unknown) => void,
  ): () => void;
  /** Rejects what waits with `aborted`; may be called twice. */
  close(): void;
}
