import type { Json } from '../../base/index.ts';
import { encodeUtf8, formatHex, isJsonObject } from '../../base/index.ts';
import { sha256 } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import type {
  LightAnchor,
  LightBlock,
  LightEffect,
  LightEvent,
  LightOptions,
  LightState,
  TrustedBlock,
} from '../../light/index.ts';
import {
  claimsOf,
  createLight,
  judgeLightBlock,
  LIGHT_HEIGHTS_MAX,
  lightProgress,
  step,
} from '../../light/index.ts';
import type { Adapter, Foreign } from './adapter.ts';
import { createAdapter, EARLIER_MS } from './adapter.ts';
import { isTrueClaim } from './native-check.ts';
import {
  list,
  member,
  readBlock,
  readValidators,
  string,
  timeMs,
  Unreadable,
  validatorsHash,
  whole,
} from './tendermint.ts';

/** As in Tendermint's own tests of these cases: single steps allow none. */
const CLOCK_DRIFT_MS = { steps: 0, bisection: 10_000 };
/** Events after which a light client that still wants something is stuck. */
const EVENTS_MAX = 10_000;

/**
 * Runs one case: a single step by our judge, a bisection by our machine.
 *
 * @returns Why it failed, or undefined.
 */
export function runCase(json: Json): string | undefined {
  try {
    const isSteps = typeof json === 'object' && json !== null && 'input' in json;
    return isSteps ? runSteps(json) : runBisection(json);
  } catch (error) {
    if (error instanceof Unreadable) return `unreadable: ${error.message}`;
    throw error;
  }
}

function periodMs(json: Json): number {
  if (typeof json !== 'string' || !/^\d{1,30}$/.test(json)) throw new Unreadable('not a period');
  return Number(BigInt(json) / 1_000_000n);
}

/* ----------------------------------------------------------- single steps */

function runSteps(json: Json): string | undefined {
  const initial = member(json, 'initial');
  const first = readBlock('protobuf', member(initial, 'signed_header'));
  const adapter = createAdapter('protobuf', first.chainId);
  const nextValidators = readValidators(member(initial, 'next_validator_set'));
  adapter.learn(nextValidators);
  if (first.commit.blockHash !== first.hash) return 'the initial header has another hash';
  if (first.nextValidatorsHash !== validatorsHash(adapter.era, nextValidators)) {
    return 'the initial header has another next set of validators';
  }
  const options = {
    trustingPeriodMs: periodMs(member(initial, 'trusting_period')),
    clockDriftMs: CLOCK_DRIFT_MS.steps,
  };
  // Who decided the initial block is not told, and nobody asks.
  let last: Foreign = { block: first, validators: nextValidators, nextValidators };
  let trusted = adapter.trusted(last, undefined);
  for (const [at, input] of list(member(json, 'input')).entries()) {
    const foreign = adapter.read(member(input, 'block'));
    const nowMs = timeMs(member(input, 'now')) + EARLIER_MS;
    const candidate = adapter.lightBlock(foreign, last);
    const verdict = verdictOn(adapter.anchor, { trusted, candidate, nowMs, options });
    const expected = string(member(input, 'verdict'));
    if (verdict.word !== expected) {
      return `input ${at}: expected ${expected}, found ${verdict.word} (${verdict.why})`;
    }
    if (verdict.word !== 'SUCCESS') continue;
    trusted = adapter.trusted(foreign, last);
    last = foreign;
  }
  return undefined;
}

type Verdict = { readonly word: 'SUCCESS' | 'NOT_ENOUGH_TRUST' | 'INVALID'; readonly why: string };

// A block with a false signature is invalid whatever else is said of it.
function verdictOn(
  anchor: LightAnchor,
  at: {
    readonly trusted: TrustedBlock;
    readonly candidate: LightBlock;
    readonly nowMs: number;
    readonly options: LightOptions;
  },
): Verdict {
  const { trusted, candidate, nowMs, options } = at;
  const verdict = judgeLightBlock(anchor, trusted, candidate, nowMs, options);
  if (verdict.kind === 'refused') return { word: 'INVALID', why: verdict.code };
  const isSigned = claimsOf(anchor, candidate).every(isTrueClaim);
  if (!isSigned) return { word: 'INVALID', why: 'a signature is false' };
  const word = verdict.kind === 'to-verify' ? 'SUCCESS' : 'NOT_ENOUGH_TRUST';
  return { word, why: verdict.kind };
}

/* ------------------------------------------------------------- bisections */

function runBisection(json: Json): string | undefined {
  const outcome = string(member(json, 'expected_output'));
  if (outcome !== 'error' && outcome !== 'no error') throw new Unreadable('unknown outcome');
  const primary = member(json, 'primary');
  const isBelieved = isContradictory(json);
  const adapter = createAdapter('amino', string(member(primary, 'chain_id')), isBelieved);
  const read = (provider: Json) => list(member(provider, 'lite_blocks')).map(adapter.read);
  const witnesses = list(member(json, 'witnesses')).map((each) => member(each, 'value'));
  const chains = [primary, ...witnesses].map(read);
  const served = serve(adapter, chains);
  const trust = member(json, 'trust_options');
  const trustLevel = member(trust, 'trust_level');
  const isThird = [member(trustLevel, 'numerator'), member(trustLevel, 'denominator')].join('/');
  if (isThird !== '1/3') throw new Unreadable('another level of trust');
  const trustedHeight = whole(member(trust, 'height'));
  const root = chains[0]?.find(({ block }) => block.height === trustedHeight);
  const isRoot = root?.block.hash === string(member(trust, 'hash')).toLowerCase();
  const setUp = {
    adapter,
    served,
    target: whole(member(json, 'height_to_verify')),
    nowMs: timeMs(member(json, 'now')) + EARLIER_MS,
    trustingPeriodMs: periodMs(member(trust, 'period')),
  };
  // One height after the other as Tendermint asks, and several at once as we do.
  for (const heightsPerRequest of [1, LIGHT_HEIGHTS_MAX]) {
    if (!isRoot || root === undefined) {
      if (outcome === 'no error') return 'the trusted block has another hash';
      continue;
    }
    const found = bisect({ ...setUp, root, heightsPerRequest });
    if (found.outcome !== outcome) {
      return `expected ${outcome}, found ${found.outcome} (${found.why})`;
    }
  }
  return undefined;
}

/**
 * SHA-256 of the blocks of `bisection/single_peer/_worst_case.json`, which is switched off where it
 * comes from: 9 of its 11 headers name sets of validators that it does not show, and 5 signatures
 * are of keys that it does not show. Its structure is tested all the same; once anything in its
 * blocks is changed it is a case like all others.
 */
const CONTRADICTORY = '6f0da2de048ad7849099e1303b18504c7dbfdff338d8ad97b4d7ddc1e72f9c82';

/** Whether this is the case whose data contradict each other as they were published. */
export function isContradictory(json: Json): boolean {
  const parts = ['trust_options', 'primary', 'witnesses'].map((name) => member(json, name));
  return formatHex(sha256(encodeUtf8(sorted(parts)))) === CONTRADICTORY;
}

/** JSON whose members come in the order of their names, however they came. */
function sorted(json: Json): string {
  return JSON.stringify(json, (_, value: Json) =>
    isJsonObject(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([one], [two]) => (one < two ? -1 : 1)))
      : value,
  );
}

/** The light blocks of each peer, by height; blocks follow the one whose hash they name. */
function serve(adapter: Adapter, chains: readonly (readonly Foreign[])[]) {
  const byHash = new Map<string, Foreign>();
  for (const foreign of chains.flat()) byHash.set(foreign.block.hash, foreign);
  const parentOf = ({ block }: Foreign) => byHash.get(block.parentHash ?? '');
  const ordered = chains.flat().toSorted((one, two) => one.block.height - two.block.height);
  for (const foreign of ordered) adapter.trusted(foreign, parentOf(foreign));
  return chains.map(
    (chain) =>
      new Map(
        chain.map((each) => [each.block.height, adapter.lightBlock(each, parentOf(each))] as const),
      ),
  );
}

type Bisection = {
  readonly adapter: Adapter;
  readonly served: readonly ReadonlyMap<number, LightBlock>[];
  readonly root: Foreign;
  readonly target: number;
  readonly nowMs: number;
  readonly trustingPeriodMs: number;
  readonly heightsPerRequest: number;
};

/** The primary tells its head first; the witnesses are heard when that is settled. */
function bisect(bisection: Bisection): { readonly outcome: string; readonly why: string } {
  const { adapter, served, root, target, nowMs, trustingPeriodMs, heightsPerRequest } = bisection;
  let state: LightState = createLight({
    anchor: adapter.anchor,
    options: { trustingPeriodMs, clockDriftMs: CLOCK_DRIFT_MS.bisection },
    trusted: adapter.trusted(root, undefined),
    nowMs,
    limits: { heightsPerRequest },
  });
  const faults: string[] = [];
  for (const [at, blocks] of served.entries()) {
    const told = blocks.get(target);
    if (told === undefined) continue;
    const peerId = String(at);
    state = run(
      state,
      { served, faults, nowMs },
      {
        kind: 'peer-status',
        peerId,
        voice: peerId,
        headHeight: target as Height, // A whole number.
        headHash: told.certificate.blockHash,
        earliestHeight: 0 as Height, // As above.
        nowMs,
      },
    );
  }
  const { head, comparedVoices, alarm, expired } = lightProgress(state);
  const why = [
    `head ${head.header.height}`,
    `${comparedVoices} witnesses agree`,
    ...(alarm === undefined ? [] : ['alarm']),
    ...(expired ? ['trust expired'] : []),
    ...faults,
  ].join(', ');
  const isProven = head.header.height === target && comparedVoices > 0 && alarm === undefined;
  return { outcome: isProven ? 'no error' : 'error', why };
}

function run(
  before: LightState,
  world: {
    readonly served: Bisection['served'];
    readonly faults: string[];
    readonly nowMs: number;
  },
  first: LightEvent,
): LightState {
  const { served, faults, nowMs } = world;
  const queue: LightEvent[] = [first];
  let state = before;
  const perform = (effect: LightEffect): LightEvent | undefined => {
    switch (effect.kind) {
      case 'request-light-blocks': {
        const { ticket, heights } = effect;
        const chain = served[Number(effect.peerId)];
        const blocks = heights.flatMap((height) => chain?.get(height) ?? []);
        return { kind: 'light-blocks-received', ticket, blocks, nowMs };
      }
      case 'verify-claims': {
        const isValid = effect.claims.every(isTrueClaim);
        return { kind: 'claims-verified', ticket: effect.ticket, isValid };
      }
      case 'report-peer':
        faults.push(`${effect.fault} by ${effect.peerId === '0' ? 'the primary' : 'a witness'}`);
        return undefined;
      default:
        return undefined;
    }
  };
  for (let count = 0; count < EVENTS_MAX; count++) {
    const event = queue.shift();
    if (event === undefined) return state;
    const transition = step(state, event);
    state = transition.state;
    for (const effect of transition.effects) {
      const answer = perform(effect);
      if (answer !== undefined) queue.push(answer);
    }
  }
  throw new Unreadable('the light client never comes to rest');
}
