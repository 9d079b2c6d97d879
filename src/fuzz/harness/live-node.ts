import type { Clock } from '../../base/index.ts';
import { defined, equalBytes, formatHex } from '../../base/index.ts';
import type { Network, NetworkHandlers } from '../../network/index.ts';
import type { NodeOptions, TabellionNode } from '../../node/index.ts';
import { Village } from '../../node/testing/village.ts';
import { contradictions } from '../../node/testing/votes.ts';
import type { MemoryStore } from '../../storage/index.ts';
import { verifier } from './quick-verifier.ts';
import type { Recording } from './record.ts';
import { VILLAGE_NODE_OPTIONS, VILLAGE_OPTIONS } from './record.ts';
import { Broken } from './types.ts';

const NAME = 'validator 1';
/** Longer than a validator waits for peers before it signs. */
const HOLD_MS = 11_000;

/**
 * The first validator of the recorded network, alive again in virtual time and alone: the height
 * that the others decided without it is the one it is at.
 */
export type LiveNode = {
  readonly village: Village;
  readonly node: TabellionNode;
  readonly store: MemoryStore;
  readonly handlers: NetworkHandlers;
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>;
  /** Throws {@link Broken} when the node failed, lies about its chain, or contradicts itself. */
  check(): void;
  stop(): Promise<void>;
};

export type LiveOptions = {
  /** Stands in for the network; the handlers are the node's. */
  readonly openNetwork?: (handlers: NetworkHandlers, clock: Clock) => Promise<Network>;
  /** Whether this node votes; otherwise it only watches, from an empty disk. */
  readonly isValidator?: boolean;
  /** What its operator decided otherwise. */
  readonly options?: Partial<NodeOptions>;
};

export async function openLiveNode(
  recording: Recording,
  options: LiveOptions = {},
): Promise<LiveNode> {
  const { isValidator = true } = options;
  const village = new Village(VILLAGE_OPTIONS);
  village.nodeOptions = VILLAGE_NODE_OPTIONS;
  village.clock.shift(recording.nowMs - village.clock.now());
  let handlers: NetworkHandlers | undefined;
  const name = isValidator ? NAME : 'watcher';
  const inhabitant = await village.start(name, {
    ...(isValidator ? { store: recording.disk.crash(), hasFaucet: true } : {}),
    ...(options.options && { options: options.options }),
    change: {
      verifier,
      openNetwork: async (own, chainId) => {
        handlers = own;
        return options.openNetwork?.(own, village.clock) ?? village.hub.open(name, chainId, own);
      },
    },
  });
  if (isValidator) await village.clock.pass(HOLD_MS);
  const { node, store } = inhabitant;
  const { hashes } = recording;
  let votesChecked = 0;
  const checkTraces = (): void => {
    for (const { event, facts } of village.traces.splice(0)) {
      if (event === 'rpc-internal-error' || event === 'listener-failed') {
        throw new Broken(`${event} ${JSON.stringify(facts)}`);
      }
    }
  };
  return {
    village,
    node,
    store,
    handlers: defined(handlers, 'the node opened its network'),
    settle: () => village.clock.settle(),
    check() {
      checkTraces();
      const status = node.status();
      if (status.error !== undefined) throw new Broken(`the node failed: ${status.error.code}`);
      const { header, hash } = node.parts.chain.head();
      if (formatHex(hash) !== hashes[header.height]) throw new Broken('a head nobody decided');
      const root = node.parts.store.stateRootAt(header.height);
      if (root === undefined || !equalBytes(root, header.stateRoot)) {
        throw new Broken('a state that is not of its head');
      }
      if (village.hub.published.length > votesChecked) {
        const conflict = contradictions(village)[0];
        if (conflict !== undefined) throw new Broken(`signed a conflict: ${conflict}`);
        votesChecked = village.hub.published.length;
      }
      village.hub.penalties.length = 0;
    },
    stop: () => village.stopAll(),
  };
}

/** Executions after which a node is made anew: what was valid for it is used up by then. */
const LIFE_RUNS = 8_192;

/** A node that is made anew now and then. */
export function lives(open: () => Promise<LiveNode>, runsMax: number = LIFE_RUNS) {
  let live: LiveNode | undefined;
  let runs = 0;
  return {
    async take(count: number): Promise<LiveNode> {
      if (live !== undefined && runs >= runsMax) {
        await live.stop();
        live = undefined;
        runs = 0;
      }
      live ??= await open();
      runs += count;
      return live;
    },
    async close(): Promise<void> {
      await live?.stop();
      live = undefined;
      runs = 0;
    },
  };
}
