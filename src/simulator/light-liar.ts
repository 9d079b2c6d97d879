import type { Bytes } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import { ZERO_HASH } from '../crypto/index.ts';
import type { Gas, Header, Height, Membership, Round, Validator } from '../ledger/index.ts';
import { blockHashOf, membershipHashOf } from '../ledger/index.ts';
import type { LightAnchor, LightBlock } from '../light/index.ts';
import { mintCertificate, OUTSIDER, signerOf } from './minting.ts';
import type { Prng } from './prng.ts';

/** What a light client's peers know of a chain, and whose keys its traitors hold. */
export type Scene = {
  readonly anchor: LightAnchor;
  /** The header of a height, from genesis on; undefined above the head. */
  header(height: number): Header | undefined;
  /** As an honest peer shows it. */
  genuine(height: number): LightBlock | undefined;
  /** A block that honest members signed and that lost, with the votes it got. */
  lost(height: number): LightBlock | undefined;
  /** Who decides a height, told also above the head. */
  membership(height: number): Membership;
  /** Keys, by their numbers. */
  readonly traitors: readonly number[];
};

/** The public key with a number; its signatures are that number. */
export function publicKeyOf(key: number): Bytes {
  return new Uint8Array(32).fill(key + 1);
}

/** The number of a key. */
export function keyOf(publicKey: Bytes): number {
  return (publicKey[0] ?? 0) - 1;
}

/** Whether a signature is by the key that it is said to be by. */
export function isBy({ publicKey, signature }: { publicKey: Bytes; signature: Bytes }): boolean {
  return signerOf(signature) === keyOf(publicKey);
}

/**
 * What traitors show for the height they are asked for: nothing, the truth, or a forgery with their
 * own keys, with signatures of nobody, or with the votes that a lost block got.
 */
export function lie(
  scene: Scene,
  prng: Prng,
  heights: readonly number[],
  nowMs: number,
): readonly LightBlock[] | undefined {
  const word = prng.below(10);
  if (word === 0) return undefined;
  if (word === 1) return [];
  return heights.flatMap((height) => {
    if (height < 1) return [];
    if (word === 2) return scene.genuine(height) ?? [];
    if (word <= 4) return scene.lost(height) ?? scene.genuine(height) ?? [];
    return forgery(scene, prng, height, nowMs);
  });
}

/** A light block that nobody decided. */
function forgery(scene: Scene, prng: Prng, height: number, nowMs: number): LightBlock {
  const { suite } = scene.anchor;
  const real = scene.membership(height);
  const isReal = scene.traitors.length === 0 || prng.chance(300);
  const membership = isReal ? real : ownMembership(scene, prng);
  const before = scene.header(height - 1);
  const bound = membershipHashOf(suite, membership);
  const base = before ?? { ...headerAt(scene, height - 1, nowMs), nextMembershipHash: bound };
  // The genuine parent, which names others, or one that names those who sign.
  const isGenuine = before !== undefined && prng.chance(500);
  const parent = isGenuine ? before : { ...base, nextMembershipHash: bound };
  const header: Header = {
    ...headerAt(scene, height, nowMs),
    parentHash: blockHashOf(suite, parent),
    timestampMs: timestampMs(parent.timestampMs + prng.pick([1, 1000, 1000, 1_000_000_000])),
    nextMembershipHash: bound,
    consensus: Uint8Array.of(prng.below(256)),
  };
  const isOurs = (key: number) => scene.traitors.includes(key);
  // Traitors alone, or with others whose signatures nobody made.
  const isShort = prng.chance(700);
  const places = membership.validators.flatMap(({ publicKey }, place) =>
    isOurs(keyOf(publicKey)) || !isShort ? [place] : [],
  );
  const round = 0 as Round; // Any would do.
  const certificate = mintCertificate(
    { height: header.height, round, blockHash: blockHashOf(suite, header) },
    places,
    (place) => {
      const key = keyOf(membership.validators[place]?.publicKey ?? new Uint8Array(1));
      return isOurs(key) ? key : OUTSIDER;
    },
  );
  return { parent, header, certificate, membership, nextMembership: undefined };
}

/** Traitors among themselves: each once, or one of them in many places, with any power. */
function ownMembership({ traitors }: Scene, prng: Prng): Membership {
  const power = BigInt(prng.pick([1, 1, 1000]));
  const validatorOf = (key: number): Validator => ({
    publicKey: publicKeyOf(key),
    power,
    name: '',
  });
  const isRepeated = prng.chance(300);
  const keys = isRepeated ? Array(9).fill(prng.pick(traitors)) : traitors;
  return { validators: keys.map(validatorOf) };
}

function headerAt({ anchor }: Scene, height: number, nowMs: number): Header {
  return {
    version: 1,
    chainId: anchor.chainId,
    height: height as Height, // At least 0.
    parentHash: ZERO_HASH,
    timestampMs: timestampMs(nowMs),
    proposer: new Uint8Array(32),
    transactionsRoot: ZERO_HASH,
    receiptsRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    nextMembershipHash: ZERO_HASH,
    gasUsed: 0 as Gas, // 0 is in the range of the brand.
    consensus: new Uint8Array(0),
  };
}
