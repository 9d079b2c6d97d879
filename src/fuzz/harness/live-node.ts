import { createPublicKey, verify } from 'node:crypto';
import type { Clock } from '../../base/index.ts';
import { defined, equalBytes, formatHex } from '../../base/index.ts';
import type { SignatureClaim } from '../../crypto/index.ts';
import { decompressP256, encodeBase64Url, precheckClaim } from '../../crypto/index.ts';
import type { Network, NetworkHandlers } from '../../network/index.ts';
import type { TabellionNode } from '../../node/index.ts';
import { Village } from '../../node/testing/village.ts';
import { contradictions } from '../../node/testing/votes.ts';
import type { MemoryStore } from '../../storage/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import type { Recording } from './record.ts';
import { VILLAGE_OPTIONS } from './record.ts';
import { Broken } from './types.ts';

const NAME = 'validator 1';
/** Longer than a validator waits for peers before it signs. */
const HOLD_MS = 11_000;
const KEYS_MAX = 512;
const VERDICTS_MAX = 2_048;

type KeyObject = ReturnType<typeof createPublicKey>;

function keyObjectOf({ algorithm, publicKey }: SignatureClaim): KeyObject | undefined {
  try {
    if (algorithm === 'ed25519') {
      const x = encodeBase64Url(publicKey);
      return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    }
    const point = decompressP256(publicKey);
    if (point === undefined) return undefined;
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(encodeBase64Url);
    const key = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Verifies at once, by the platform's cryptography behind the product's own pre-checks. */
function createQuickVerifier(): SignatureVerifier {
  const keys = new Map<string, KeyObject | undefined>();
  const verdicts = new Map<string, boolean>();
  const keyOf = (claim: SignatureClaim) => {
    const name = `${claim.algorithm} ${formatHex(claim.publicKey)}`;
    if (!keys.has(name)) {
      if (keys.size >= KEYS_MAX) keys.clear();
      keys.set(name, keyObjectOf(claim));
    }
    return keys.get(name);
  };
  const check = (claim: SignatureClaim): boolean => {
    if (!precheckClaim(claim)) return false;
    const key = keyOf(claim);
    if (key === undefined) return false;
    const { algorithm, message, signature } = claim;
    return algorithm === 'ed25519'
      ? verify(null, message, key, signature)
      : verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
  };
  const verdictOf = (claim: SignatureClaim): boolean => {
    const parts = [claim.signature, claim.publicKey, claim.message];
    const name = parts.map(formatHex).join(' ');
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    if (verdicts.size >= VERDICTS_MAX) verdicts.clear();
    const verdict = check(claim);
    verdicts.set(name, verdict);
    return verdict;
  };
  return {
    verify: async (claims) => claims.map(verdictOf),
    stop: async () => undefined,
  };
}

/** One verifier for all lives: what it remembers depends on nothing but the claim. */
const verifier = createQuickVerifier();

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
};

export async function openLiveNode(
  recording: Recording,
  options: LiveOptions = {},
): Promise<LiveNode> {
  const { isValidator = true } = options;
  const village = new Village(VILLAGE_OPTIONS);
  village.clock.shift(recording.nowMs - village.clock.now());
  let handlers: NetworkHandlers | undefined;
  const name = isValidator ? NAME : 'watcher';
  const inhabitant = await village.start(name, {
    ...(isValidator ? { store: recording.disk.crash(), hasFaucet: true } : {}),
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
