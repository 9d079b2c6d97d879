import { REST_MS } from '../limits.ts';

/** What is done when a page goes and comes back. */
export type LifecycleActions = {
  /**
   * The page is about to be frozen, or kept for the way back. Answers whether its worker needs a
   * moment to leave things in order.
   */
  readonly rest: () => boolean;
  /** The page runs again, or its line is there again. */
  readonly wake: () => void;
};

/** Tells of a page's goings and comings until the returned function is called. */
export type Lifecycle = (actions: LifecycleActions) => () => void;

/**
 * A page as browsers tell it: frozen in the background (Page Lifecycle), kept for the way back
 * (`persisted`), shown again, online again. Sleep of the machine tells nothing; the node itself
 * sees the jump of the clock.
 */
export const platformLifecycle: Lifecycle = ({ rest, wake }) => {
  const { document } = globalThis;
  if (document === undefined) return () => undefined;
  const end = new AbortController();
  const { signal } = end;
  const onSeen = (): void => {
    if (document.visibilityState === 'visible') wake();
  };
  // Left or shown for good, a page is not put away: those that are say `persisted`.
  const ifKept = (action: () => unknown) => (event: PageTransitionEvent) => {
    if (event.persisted) action();
  };
  // Workers run on until this returns. One frozen inside of a transaction would hold up whoever
  // takes over for as long as the browser lets it.
  const onFreeze = (): void => {
    const beganMs = performance.now();
    if (rest()) while (performance.now() - beganMs < REST_MS);
  };
  document.addEventListener('freeze', onFreeze, { signal });
  document.addEventListener('resume', wake, { signal });
  document.addEventListener('visibilitychange', onSeen, { signal });
  globalThis.addEventListener('pagehide', ifKept(rest), { signal });
  globalThis.addEventListener('pageshow', ifKept(wake), { signal });
  globalThis.addEventListener('online', wake, { signal });
  return () => end.abort();
};
