import type { Clock, Json, TimestampMs, Tracer } from '../base/index.ts';
import { TRACE_LINES_KEPT_MAX } from './limits.ts';

/** One thing that happened inside the node. */
export type TraceLine = {
  readonly atMs: TimestampMs;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly facts: { readonly [name: string]: Json };
};

/** A tracer that remembers its last lines for the Node page, and passes all on to another. */
export interface Diagnostics extends Tracer {
  lines(): readonly TraceLine[];
  subscribe(listener: (line: TraceLine) => void): () => void;
}

/** Keeps the newest {@link TRACE_LINES_KEPT_MAX} lines at level `info` and above. */
export function createDiagnostics(clock: Clock, next: Tracer): Diagnostics {
  const kept: TraceLine[] = [];
  const listeners = new Set<(line: TraceLine) => void>();
  return {
    trace(level, event, facts = {}) {
      next.trace(level, event, facts);
      if (level === 'debug') return;
      const present: { [name: string]: Json } = {};
      for (const [name, value] of Object.entries(facts)) {
        if (value !== undefined) present[name] = value;
      }
      const line = { atMs: clock.now(), level, event, facts: present };
      kept.push(line);
      if (kept.length > TRACE_LINES_KEPT_MAX) kept.shift();
      for (const listener of listeners) listener(line);
    },
    lines: () => kept,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
