import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { Json } from '../base/index.ts';
import { errorToData, formatHex, isJsonObject, TabellionError } from '../base/index.ts';
import { serveRtc } from '../network/window.ts';
import type { TabNode } from '../sdk/index.ts';
import { connectTabNode, createClient } from '../sdk/index.ts';
import { createLocalWalletStorage, createWallet, walletClientOf } from '../wallet/index.ts';
import { App } from './App.tsx';
import { watchInstallOffer } from './hooks/install.ts';
import { applyTheme } from './hooks/preferences.ts';
import { useServices } from './hooks/services.ts';
import { registerServiceWorker } from './shell/service-worker.ts';
import { allowOwnScripts } from './shell/trusted-types.ts';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';

/** What the origin says of its network: the genesis document, and relays to begin with. */
type NetworkFile = { readonly genesis: Json; readonly relays: readonly string[] };

async function readNetworkFile(): Promise<NetworkFile> {
  const response = await fetch('/network.json');
  if (!response.ok) throw new TabellionError('network-file-missing', { status: response.status });
  const file: Json = await response.json();
  if (!isJsonObject(file) || !isJsonObject(file.genesis) || !Array.isArray(file.relays)) {
    throw new TabellionError('network-file-malformed');
  }
  const relays = file.relays.filter((relay): relay is string => typeof relay === 'string');
  return { genesis: file.genesis, relays };
}

/** Names the network for locks and channels: tabs of another genesis have another node. */
async function scopeOf(genesis: Json): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(genesis));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return formatHex(new Uint8Array(digest)).slice(0, 32);
}

function startNode(network: NetworkFile, scope: string): TabNode {
  let endRtc: () => void = () => undefined;
  return connectTabNode({
    scope,
    createWorker: () =>
      new Worker(new URL('../../workers/node.worker.ts', import.meta.url), {
        type: 'module',
        name: 'tabellion-node',
      }),
    init: () => {
      // A new worker gets a new port; connections of the one before it end with it.
      endRtc();
      const { port1, port2 } = new MessageChannel();
      endRtc = serveRtc(port1);
      const value = { genesis: network.genesis, relays: network.relays, rtcPort: port2 };
      return { value, transfer: [port2] };
    },
  });
}

function followRole(node: TabNode): void {
  const draw = () => {
    const { role, error } = node.state();
    const startFailure = role === 'failed' ? error : undefined;
    useServices.setState({ role, startFailure });
  };
  node.subscribe(draw);
  draw();
}

async function start(): Promise<void> {
  try {
    const network = await readNetworkFile();
    const node = startNode(network, await scopeOf(network.genesis));
    const client = createClient(node.transport);
    const wallet = createWallet({
      client: walletClientOf(client),
      storage: createLocalWalletStorage(localStorage, globalThis),
      origin: location.origin,
      rpId: location.hostname,
    });
    useServices.setState({ client, wallet, genesis: network.genesis });
    followRole(node);
    window.addEventListener('pagehide', (event) => {
      if (!event.persisted) node.close();
    });
  } catch (error) {
    useServices.setState({ role: 'failed', startFailure: errorToData(error) });
  }
}

allowOwnScripts();
applyTheme();
watchInstallOffer();
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
void start();
registerServiceWorker();
