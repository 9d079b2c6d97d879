import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { allowOwnScripts, errorToData } from '../base/index.ts';
import { serveRtc } from '../network/window.ts';
import { App } from './App.tsx';
import { watchInstallOffer } from './hooks/install.ts';
import { applyTheme } from './hooks/preferences.ts';
import { useServices } from './hooks/services.ts';
import { registerServiceWorker } from './shell/service-worker.ts';

import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';

allowOwnScripts(globalThis);
applyTheme();
watchInstallOffer();
const root = document.getElementById('root');
if (root !== null) {
  // In slices: drawn in one go, the first screen holds up the page for twice as long.
  startTransition(() =>
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    ),
  );
}

// The screens are readable before wallet and client are even loaded.
import('./shell/start.ts').then(
  ({ start }) =>
    start({
      createWorker: () =>
        new Worker(new URL('../../workers/node.worker.ts', import.meta.url), {
          type: 'module',
          name: 'tabellion-node',
        }),
      serveRtc,
    }),
  (error: unknown) => useServices.setState({ role: 'failed', startFailure: errorToData(error) }),
);
registerServiceWorker();
