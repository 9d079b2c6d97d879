import { defined, timestampMs } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { ZERO_HASH } from '../crypto/index.ts';
import type { Gas, Header, Height, Membership, Round } from '../ledger/index.ts';
import { blockHashOf, membershipHashOf } from '../ledger/index.ts';
import type { LightBlock, TrustedBlock } from '../light/index.ts';
import type { Scene } from './light-liar.ts';
import { publicKeyOf } from './light-liar.ts';
import { mintCertificate } from './minting.ts';
import type { Prng } from './prng.ts';
import { QUICK_SUITE } from './quick-suite.ts';

/**
 * A chain of real headers whose members change: by the rules of the ledger, though nobody executed
 * it. Of each membership that can still be punished less than 1/3 are traitors; of those before,
 * everybody may have become one.
 */
export type ChangingChain = {
  readonly length: number;
  readonly nowMs: number;
  readonly trustingPeriodMs: number | undefined;
  readonly scene: Scene;
  hash(height: number): Hash;
  trusted(height: number): TrustedBlock;
};

/** Time between two blocks. */
const BLOCK_MS = 1000;
/** Keys are numbers of one byte. */
const KEYS_MAX = 200;

type Era = {
  readonly keys: readonly number[];
  readonly membership: Membership;
  readonly hash: Hash;
};

export function createChangingChain(prng: Prng): ChangingChain {
  const length = prng.between(6, 24);
  const isTraitor: boolean[] = [];
  const eras = drawEras(prng, length + 2, isTraitor);
  const eraAt = (height: number) => defined(eras[Math.min(height, length + 1)], 'drawn for each');
  const headers: Header[] = [];
  const hashes: Hash[] = [];
  for (let height = 0; height <= length; height++) {
    const header = headerOf({
      height,
      parentHash: hashes[height - 1] ?? ZERO_HASH,
      nextMembershipHash: eraAt(height + 1).hash,
      mark: 0,
    });
    headers.push(header);
    hashes.push(blockHashOf(QUICK_SUITE, header));
  }
  const trustingPeriodMs = prng.chance(300) ? undefined : prng.between(2, 2 * length) * BLOCK_MS;
  const nowMs = length * BLOCK_MS + prng.between(1, length * BLOCK_MS);
  const isOld = (height: number) =>
    trustingPeriodMs !== undefined && timeAt(height - 1) + trustingPeriodMs <= nowMs;
  // Whoever decides nothing any more that can still be built on.
  const bound = new Set<number>();
  for (let height = 1; height <= length + 1; height++) {
    if (!isOld(height)) for (const key of eraAt(height).keys) bound.add(key);
  }
  const traitors = isTraitor.flatMap((is, key) => (is || !bound.has(key) ? [key] : []));
  const show = (height: number, header: Header, signers: (era: Era) => readonly number[]) => {
    const parent = headers[height - 1];
    if (parent === undefined) return undefined;
    const [era, next] = [eraAt(height), eraAt(height + 1)];
    const places = signers(era).map((key) => era.keys.indexOf(key));
    const blockHash = blockHashOf(QUICK_SUITE, header);
    const place = { height: header.height, round: 0 as Round, blockHash }; // The first.
    const certificate = mintCertificate(
      place,
      places.toSorted((one, two) => one - two),
      (at) => defined(era.keys[at], 'of the era'),
    );
    const { membership } = era;
    const nextMembership = next === era ? undefined : next.membership;
    return { parent, header, certificate, membership, nextMembership } satisfies LightBlock;
  };
  const honest = ({ keys }: Era) => keys.filter((key) => isTraitor[key] !== true);
  const scene: Scene = {
    anchor: { suite: QUICK_SUITE, chainId: ZERO_HASH },
    header: (height) => headers[height],
    genuine(height) {
      const header = headers[height];
      return header && show(height, header, ({ keys }) => keys);
    },
    // Up to 1/3 of the power was locked on it, all honest, and every traitor signed it too.
    lost(height) {
      const header = headers[height];
      const loser = header && { ...header, consensus: Uint8Array.of(1) };
      const third = (era: Era) => honest(era).slice(0, Math.floor(era.keys.length / 3));
      return (
        loser &&
        show(height, loser, (era) => [
          ...third(era),
          ...era.keys.filter((key) => isTraitor[key] === true),
        ])
      );
    },
    membership: (height) => eraAt(height).membership,
    traitors,
  };
  return {
    length,
    nowMs,
    trustingPeriodMs,
    scene,
    hash: (height) => defined(hashes[height], 'a height of the chain'),
    trusted: (height) => ({
      header: defined(headers[height], 'a height of the chain'),
      hash: defined(hashes[height], 'a height of the chain'),
      membership: eraAt(Math.max(1, height)).membership,
      nextMembership: eraAt(height + 1).membership,
    }),
  };
}

const timeAt = (height: number) => Math.max(0, height) * BLOCK_MS;

function headerOf(fields: {
  readonly height: number;
  readonly parentHash: Hash;
  readonly nextMembershipHash: Hash;
  readonly mark: number;
}): Header {
  return {
    version: 1,
    chainId: ZERO_HASH,
    height: fields.height as Height, // Counted.
    parentHash: fields.parentHash,
    timestampMs: timestampMs(timeAt(fields.height)),
    proposer: new Uint8Array(32),
    transactionsRoot: ZERO_HASH,
    receiptsRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    nextMembershipHash: fields.nextMembershipHash,
    gasUsed: 0 as Gas, // 0 is in the range of the brand.
    consensus: Uint8Array.of(fields.mark),
  };
}

/** Who decides each height; some heights change some or all of their members. */
function drawEras(prng: Prng, count: number, isTraitor: boolean[]): readonly Era[] {
  const eras: Era[] = [];
  const perMille = prng.pick([0, 100, 300, 600]);
  let keys: number[] = [];
  for (let height = 0; height < count; height++) {
    const last = eras.at(-1);
    const mayChange = height > 1 && isTraitor.length < KEYS_MAX && prng.chance(perMille);
    if (last !== undefined && !mayChange) {
      eras.push(last);
      continue;
    }
    const size = prng.between(4, 10);
    const kept = prng.below(keys.length + 1);
    keys = keys.slice(keys.length - kept).slice(0, size);
    while (keys.length < size) keys.push(newKey(isTraitor, false));
    recruit(prng, keys, isTraitor);
    const validators = keys.map((key) => ({ publicKey: publicKeyOf(key), power: 1n, name: '' }));
    const membership = { validators };
    eras.push({ keys: [...keys], membership, hash: membershipHashOf(QUICK_SUITE, membership) });
  }
  return eras;
}

function newKey(isTraitor: boolean[], is: boolean): number {
  return isTraitor.push(is) - 1;
}

/** New traitors come while they stay below 1/3, and too many that stayed make way. */
function recruit(prng: Prng, keys: number[], isTraitor: boolean[]): void {
  const traitors = () => keys.filter((key) => isTraitor[key] === true).length;
  while (3 * traitors() >= keys.length) {
    const at = keys.findIndex((key) => isTraitor[key] === true);
    keys.splice(at, 1, newKey(isTraitor, false));
  }
  while (3 * (traitors() + 1) < keys.length && prng.chance(800)) {
    const at = keys.findIndex((key) => isTraitor[key] !== true);
    keys.splice(at, 1, newKey(isTraitor, true));
  }
}
