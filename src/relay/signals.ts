/** A Ctrl-C through npm arrives twice at once, by the terminal and by npm: that is one wish. */
const SAME_WISH_MS = 1_000;
/** Whoever has not stopped by then is stuck; stores survive being killed. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * Aborts at the first Ctrl-C, at a request to end, or when the process that started us is gone. A
 * later Ctrl-C ends at once.
 */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  let abortedAtMs = 0;
  const abort = (): void => {
    if (controller.signal.aborted) return;
    abortedAtMs = performance.now();
    controller.abort();
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
  };
  const onSignal = (): void => {
    const isImpatient = performance.now() - abortedAtMs > SAME_WISH_MS;
    if (controller.signal.aborted && isImpatient) process.exit(130);
    abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  process.on('disconnect', abort);
  // It may have gone before we listened; without a parent's channel there is no `disconnect`.
  if (process.disconnect !== undefined && !process.connected) abort();
  return controller.signal;
}
