import { offerUpdate } from './update.ts';

const CHECK_INTERVAL_MS = 30 * 60 * 1000;

/**
 * Registers the service worker of a built app once the page is idle: it opens the app offline,
 * and says when a new version waits. The waiting version takes over only when the person says so.
 */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  addEventListener('load', () => void register().catch(() => undefined), { once: true });
}

async function register(): Promise<void> {
  const { Workbox } = await import('workbox-window');
  const workbox = new Workbox('/sw.js', { scope: '/' });
  workbox.addEventListener('waiting', () => {
    offerUpdate(() => {
      workbox.addEventListener('controlling', () => location.reload());
      workbox.messageSkipWaiting();
    });
  });
  await workbox.register();
  setInterval(() => void workbox.update().catch(() => undefined), CHECK_INTERVAL_MS);
}
