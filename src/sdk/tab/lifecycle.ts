/** What is done when a page goes and comes back. */
export type LifecycleActions = {
  /** The page is about to be frozen, or kept for the way back. */
  readonly rest: () => void;
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
  const onRest = (event: Event): void => {
    if (event.type === 'freeze' || (event as PageTransitionEvent).persisted) rest();
  };
  const onWake = (event: Event): void => {
    // Shown for the first time is no return.
    if (event.type === 'pageshow' && !(event as PageTransitionEvent).persisted) return;
    if (event.type === 'visibilitychange' && document.visibilityState !== 'visible') return;
    wake();
  };
  document.addEventListener('freeze', onRest, { signal });
  document.addEventListener('resume', onWake, { signal });
  document.addEventListener('visibilitychange', onWake, { signal });
  globalThis.addEventListener('pagehide', onRest, { signal });
  globalThis.addEventListener('pageshow', onWake, { signal });
  globalThis.addEventListener('online', onWake, { signal });
  return () => end.abort();
};
