import { create } from 'zustand';

/** Chromium's event before an app may be installed; not in the DOM library. */
type InstallEvent = Event & { prompt(): Promise<unknown> };

const useOffer = create<{ readonly event: InstallEvent | undefined }>(() => ({ event: undefined }));

/** Called by `main`: keeps the browser's offer for the moment when it makes sense. */
export function watchInstallOffer(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    // The listener's name promises an event with `prompt`.
    useOffer.setState({ event: event as InstallEvent });
  });
  addEventListener('appinstalled', () => useOffer.setState({ event: undefined }));
}

/** Shows the browser's own install prompt, where it has offered one. */
export function useInstall(): (() => Promise<void>) | undefined {
  const event = useOffer((offer) => offer.event);
  if (event === undefined) return undefined;
  return async () => {
    await event.prompt();
    useOffer.setState({ event: undefined });
  };
}
