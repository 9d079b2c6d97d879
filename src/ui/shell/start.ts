import type { Json } from '../../base/index.ts';
import { errorToData, formatHex, isJsonObject, TabellionError } from '../../base/index.ts';
import type { TabNode, TabNodeInit, TabNodeOptions } from '../../sdk/index.ts';
import { connectTabNode, createClient } from '../../sdk/index.ts';
import { createLocalWalletStorage, createWallet, walletClientOf } from '../../wallet/index.ts';
import { readThrift, watchThrift } from '../hooks/device.ts';
import { setAttached, useLive } from '../hooks/live.ts';
import { readCacheBytes, readMode } from '../hooks/preferences.ts';
import { keepPersonalData } from '../hooks/rescue.ts';
import { useServices } from '../hooks/services.ts';

/** The implementations that `main` chose. */
export type StartOptions = {
  readonly createWorker: TabNodeOptions['createWorker'];
  /** Serves WebRTC of the page at a port; returns what ends it. */
  readonly serveRtc: (port: MessagePort) => () => void;
};

/** What the origin says of its network: the genesis document, and relays to begin with. */
type NetworkFile = Pick<TabNodeInit, 'genesis' | 'relays'>;

const NETWORK_PATH = '/network.json';
/** The service worker looks here when the origin does not answer. */
const NETWORK_CACHE = 'tabellion-network';

/** The first visit is over before its service worker is in charge: what it read is kept for it. */
async function keepNetworkFile(response: Response): Promise<void> {
  const cache = await globalThis.caches?.open(NETWORK_CACHE);
  await cache?.put(NETWORK_PATH, response);
}

async function readNetworkFile(): Promise<NetworkFile> {
  const response = await fetch(NETWORK_PATH);
  if (!response.ok) throw new TabellionError('network-file-missing', { status: response.status });
  // Storage may be full or forbidden: the app then opens online only, no more.
  void keepNetworkFile(response.clone()).catch(() => undefined);
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

type NodeInit = {
  readonly network: NetworkFile;
  readonly scope: string;
  /** Whether much may be fetched without asking, as things are when a worker begins. */
  readonly mayPromote: () => boolean;
};

function startNode({ network, scope, mayPromote }: NodeInit, options: StartOptions): TabNode {
  let endRtc: () => void = () => undefined;
  return connectTabNode({
    scope,
    createWorker: options.createWorker,
    init: () => {
      // A new worker gets a new port; connections of the one before it end with it.
      endRtc();
      const { port1, port2 } = new MessageChannel();
      endRtc = options.serveRtc(port1);
      const cacheBytesMax = readCacheBytes();
      const mode = readMode();
      const value: TabNodeInit = {
        ...network,
        rtcPort: port2,
        mayPromote: mayPromote(),
        ...(cacheBytesMax === undefined ? {} : { cacheBytesMax }),
        ...(mode === undefined ? {} : { mode }),
      };
      return { value, transfer: [port2] };
    },
  });
}

function followRole(node: TabNode): void {
  const draw = () => {
    const { role, error } = node.state();
    useServices.setState({ role, startFailure: role === 'failed' ? error : undefined });
    setAttached(role === 'leader' || role === 'follower');
  };
  node.subscribe(draw);
  draw();
}

/** Joins this page to its node, and makes client and wallet for the screens. */
export async function start(options: StartOptions): Promise<void> {
  try {
    const [network, thrift] = await Promise.all([readNetworkFile(), readThrift()]);
    const scope = await scopeOf(network.genesis);
    let mayPromote = thrift === undefined;
    const node = startNode({ network, scope, mayPromote: () => mayPromote }, options);
    const client = createClient(node.transport);
    watchThrift(async () => {
      mayPromote = (await readThrift()) === undefined;
      const isWaiting = useLive.getState().status?.promotion === 'waiting-consent';
      // Plugged in, or on a line that costs nothing: what the person would have been asked for.
      if (mayPromote && isWaiting) await client.call('node.promote', {}).catch(() => undefined);
    });
    const wallet = createWallet({
      client: walletClientOf(client),
      storage: createLocalWalletStorage(localStorage, globalThis),
      origin: location.origin,
      rpId: location.hostname,
    });
    keepPersonalData(wallet);
    useServices.setState({ client, wallet, genesis: network.genesis });
    followRole(node);
    window.addEventListener('pagehide', (event) => {
      if (!event.persisted) node.close();
    });
  } catch (error) {
    useServices.setState({ role: 'failed', startFailure: errorToData(error) });
  }
}
