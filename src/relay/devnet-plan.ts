import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json, Result } from '../base/index.ts';
import { formatHex, systemClock, TabellionError } from '../base/index.ts';
import type { DecodeError, Infer } from '../codec/index.ts';
import { bool, parseJson, struct, text, toJson, u16, vector } from '../codec/index.ts';
import { createDevnetGenesis, createLedger, protocol } from '../ledger/index.ts';
import { createPeerKey, peerIdOfKey } from '../network/index.ts';
import { createKey, policyOfKey, storeKey } from './key-files.ts';
import { loadJson, nodeFiles, storeJson } from './layout.ts';
import { PEER_PORT_OFFSET } from './ports.ts';
import { formatSettings, LOOPBACK_SETTINGS } from './settings.ts';

const NODES_MAX = 8;

const plannedNodeCodec = struct('PlannedNode', {
  peerId: text({ max: 128 }),
  rpcPort: u16,
  /** Multiaddr for peers. */
  listen: text({ max: 256 }),
  servesApp: bool,
});

/** What a local network is made of; kept as `devnet.json` in its data folder. */
const planCodec = struct('DevnetPlan', {
  name: text({ max: 64 }),
  chainId: text({ max: 64 }),
  port: u16,
  nodes: vector(plannedNodeCodec, { min: 1, max: NODES_MAX }),
});

/** One validator of a local network. */
export type PlannedNode = Infer<typeof plannedNodeCodec>;
export type DevnetPlan = Infer<typeof planCodec>;

const NETWORK_NAME = 'Devnet';
/** What a local network leaves in its folder. */
const OWN_NAMES = /^(devnet\.json(\.new)?|node-[0-9]+)$/;
const CITIES = ['Oslo', 'Lima', 'Kyoto', 'Accra', 'Quito', 'Turin', 'Perth', 'Delhi'];

function planPath(data: string): string {
  return join(data, 'devnet.json');
}

/** The plan of an earlier run, if there is one. Rejects with `file-malformed`. */
export async function loadDevnetPlan(data: string): Promise<DevnetPlan | undefined> {
  const path = planPath(data);
  const json = await loadJson(path);
  if (json === undefined) return undefined;
  const plan = parseDevnetPlan(json);
  if (plan.ok) return plan.value;
  throw new TabellionError('file-malformed', { path, at: plan.error.at });
}

/** Reads a plan; unknown members are refused with their path. */
export function parseDevnetPlan(json: Json): Result<DevnetPlan, DecodeError> {
  return parseJson(planCodec, json);
}

/** JSON form of a plan. */
export function formatDevnetPlan(plan: DevnetPlan): Json {
  return toJson(planCodec, plan);
}

/**
 * Deletes a local network, and nothing else: a folder that holds anything of somebody's is refused
 * with `folder-not-ours`.
 */
export async function removeDevnet(data: string): Promise<void> {
  const names = await readdir(data).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const strange = names.find((name) => !OWN_NAMES.test(name));
  if (strange !== undefined) throw new TabellionError('folder-not-ours', { path: data, strange });
  // The plan goes first: what is left without it is an interrupted set-up.
  const inOrder = names.sort((left, right) => Number(left > right) - Number(left < right));
  for (const name of inOrder) await rm(join(data, name), { recursive: true, force: true });
}

/** Where each node of a plan listens. */
function placesOf(peerIds: readonly string[], port: number): PlannedNode[] {
  return peerIds.map((peerId, index) => ({
    peerId,
    rpcPort: port + index,
    listen: `/ip4/127.0.0.1/tcp/${port + PEER_PORT_OFFSET + index}/ws`,
    servesApp: index === 0,
  }));
}

/** Every port of a plan: one for RPC and one for peers a node. */
export function portsOf({ nodes }: DevnetPlan): number[] {
  return nodes.flatMap(({ rpcPort, listen }) => {
    const peerPort = Number(/\/tcp\/([0-9]+)\//.exec(listen)?.[1] ?? 0);
    return [rpcPort, peerPort];
  });
}

/** Makes keys, genesis and settings of a new local network. */
export async function createDevnetPlan(options: {
  readonly data: string;
  readonly port: number;
  readonly validators: number;
}): Promise<DevnetPlan> {
  const { data, port, validators } = options;
  // Whatever an interrupted set-up left is useless without its plan.
  await removeDevnet(data);
  const peerIds: string[] = [];
  const members: { readonly publicKey: Uint8Array<ArrayBuffer>; readonly name: string }[] = [];
  const faucet = createKey('ed25519');
  for (let index = 0; index < validators; index++) {
    const files = nodeFiles(join(data, `node-${index + 1}`));
    const peerKey = await createPeerKey();
    peerIds.push(peerIdOfKey(peerKey));
    await storeJson(files.peerKey, { privateKey: formatHex(peerKey) }, { isSecret: true });
    const validator = createKey('ed25519');
    await storeKey(files.validatorKey, validator);
    const name = CITIES[index] ?? `Validator ${index + 1}`;
    members.push({ publicKey: validator.publicKey, name });
  }
  await storeKey(nodeFiles(join(data, 'node-1')).faucetKey, faucet);
  const document = createDevnetGenesis({
    name: NETWORK_NAME,
    timestampMs: systemClock.now(),
    validators: members,
    faucet: { policy: policyOfKey(faucet) },
  });
  const ledger = createLedger(document);
  if (!ledger.ok) throw new TabellionError('genesis-invalid', { reason: ledger.error.code });
  const genesis = toJson(protocol.genesisCodec, document);
  const nodes = placesOf(peerIds, port);
  for (const index of nodes.keys()) {
    await storeJson(nodeFiles(join(data, `node-${index + 1}`)).genesis, genesis);
  }
  const plan = { name: NETWORK_NAME, chainId: formatHex(ledger.value.chainId), port, nodes };
  await storePlan(data, plan);
  return plan;
}

/** The same network on other ports. */
export async function movePlan(data: string, plan: DevnetPlan, port: number): Promise<DevnetPlan> {
  const peerIds = plan.nodes.map(({ peerId }) => peerId);
  const moved = { ...plan, port, nodes: placesOf(peerIds, port) };
  await storePlan(data, moved);
  return moved;
}

/** Settings of each node, then the plan: written last, it says that everything is there. */
async function storePlan(data: string, plan: DevnetPlan): Promise<void> {
  const relays = plan.nodes.map(({ listen, peerId }) => `${listen}/p2p/${peerId}`);
  for (const [index, node] of plan.nodes.entries()) {
    const settings = formatSettings({
      ...LOOPBACK_SETTINGS,
      rpcPort: node.rpcPort,
      listen: [node.listen],
      relays,
    });
    await storeJson(nodeFiles(join(data, `node-${index + 1}`)).settings, settings);
  }
  await storeJson(planPath(data), formatDevnetPlan(plan));
}
