import type { Json } from './json.ts';

/** Where diagnostics go: structured lines on a relay, a ring for the Node page in a tab. */
export interface Tracer {
  trace(
    level: 'debug' | 'info' | 'warn' | 'error',
    event: string,
    facts?: { readonly [name: string]: Json | undefined },
  ): void;
}

/** Tells nobody. */
export const silentTracer: Tracer = { trace: () => undefined };
