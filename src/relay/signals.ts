/** Aborts at the first Ctrl-C or request to end; a second Ctrl-C ends at once. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  // The process that started us (devnet) is gone.
  process.on('disconnect', onSignal);
  return controller.signal;
}
