import fc from 'fast-check';
import type { Json } from '../../../base/index.ts';
import { concatBytes, defined, equalBytes, formatHex } from '../../../base/index.ts';
import { decode, encode, parseJson } from '../../../codec/index.ts';
import { createActionCodec, createModuleRegistry } from '../../../ledger/action.ts';
import type { Action, AssetId, StateChange, TransactionBody } from '../../../ledger/index.ts';
import {
  builtinModules,
  formatAddress,
  NATIVE_ASSET,
  readAsset,
  readAssetIds,
  receiptCodec,
} from '../../../ledger/index.ts';
import { jsonOf } from '../../../ledger/testing/arbitrary.ts';
import type { Person } from '../../../ledger/testing/world.ts';
import {
  amount,
  gas,
  person,
  recordOf,
  TestState,
  TestWorld,
} from '../../../ledger/testing/world.ts';
import { STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from '../../../state/index.ts';
import { VILLAGE_OPTIONS } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget } from './codec-target.ts';

const ada = person('ada');
const bob = person('bob');
const faucet = person('faucet');
const PEOPLE: readonly Person[] = [ada, bob, faucet];
const registry = createModuleRegistry(builtinModules);
const SAMPLES = 120;
const ALL = { after: undefined, limit: 100 } as const;

/** A world in which there is something to act on: two assets, two keys, several accounts. */
function furnished(): TestWorld {
  const world = new TestWorld(VILLAGE_OPTIONS);
  const issue = (symbol: string): Action => ({
    kind: 'asset.issue',
    ...{ symbol, name: symbol, decimals: 2, supply: amount(1_000) },
  });
  const pay = { kind: 'asset.transfer', asset: NATIVE_ASSET, recipient: bob.address };
  world.run(ada, { actions: [issue('ONE')] });
  world.run(ada, { actions: [issue('TWO'), { ...pay, amount: amount(500_000_000n) }] });
  world.run(ada, {
    actions: [{ kind: 'account.add-key', record: recordOf(person('second').key), hint: undefined }],
  });
  return world;
}

/** Actions of every kind: any, and such as name what the world has. */
function actionsOf(world: TestWorld): Action[] {
  const codec = createActionCodec(registry);
  const assets = readAssetIds(world.state, ALL);
  const hexes = assets.map((asset) => formatHex(asset as Uint8Array));
  const any = fc.sample(jsonOf(codec.shape), { numRuns: SAMPLES, seed: 3 });
  const known = (json: Json): Json => {
    const action = json as { readonly [field: string]: Json };
    const change = {
      ...('asset' in action ? { asset: hexes[String(json).length % hexes.length] ?? '' } : {}),
      ...('recipient' in action ? { recipient: formatAddress(bob.address) } : {}),
      ...('amount' in action ? { amount: '7' } : {}),
      ...('keyId' in action ? { keyId: formatHex(world.ledger.keyId(ada.key)) } : {}),
    };
    return { ...action, ...change };
  };
  return [...any, ...any.map(known)].flatMap((json) => {
    const parsed = parseJson(codec, json);
    return parsed.ok ? [parsed.value] : [];
  });
}

/** Sums of all balances by asset, after some changes. */
function totals(state: TestState, changes: readonly StateChange[]): Map<string, bigint> {
  const after = new TestState();
  for (const [key, entry] of state.values) after.values.set(key, entry);
  after.apply(changes);
  const sums = new Map<string, bigint>();
  for (const { key, value } of after.values.values()) {
    if (key[0] !== 2 || key[1] !== 2) continue;
    const asset = formatHex(key.subarray(34));
    const held = new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
    if (held === 0n) throw new Broken('an empty balance is kept');
    sums.set(asset, (sums.get(asset) ?? 0n) + held);
  }
  for (const asset of readAssetIds(after, ALL)) checkAsset(after, asset, sums);
  return sums;
}

function checkAsset(state: TestState, asset: AssetId, sums: ReadonlyMap<string, bigint>): void {
  const { supply } = defined(readAsset(state, asset), 'a listed asset exists');
  if ((sums.get(formatHex(asset as Uint8Array)) ?? 0n) !== supply)
    throw new Broken('coins from nowhere');
}

const sameChanges = (left: readonly StateChange[], right: readonly StateChange[]): boolean =>
  left.length === right.length &&
  left.every(({ key, value }, at) => {
    const other = right[at];
    if (other === undefined || !equalBytes(key, other.key)) return false;
    if (value === undefined || other.value === undefined) return value === other.value;
    return equalBytes(value, other.value);
  });

/** What of a body the test puts right, by the first byte of the input: bit set, left as it is. */
function repaired(world: TestWorld, body: TransactionBody, flags: number): TransactionBody {
  const sender = defined(PEOPLE[flags % PEOPLE.length], 'inside the list');
  const good = world.body(sender, { actions: body.actions });
  const keeps = (bit: number) => (flags & (1 << bit)) !== 0;
  return {
    ...body,
    chainId: good.chainId,
    version: good.version,
    sender: good.sender,
    sequence: keeps(2) ? body.sequence : good.sequence,
    validFrom: keeps(3) ? body.validFrom : good.validFrom,
    validUntil: keeps(4) ? body.validUntil : good.validUntil,
    feeMax: keeps(5) ? body.feeMax : amount(2_000_000),
    gasLimit: keeps(6) ? body.gasLimit : gas(500_000),
    sponsor: keeps(7) ? body.sponsor : undefined,
  };
}

const execution = bytesTarget(
  'execution',
  'flags u8, then the body of a transaction: executed as if it were signed',
  async () => {
    const world = furnished();
    const { ledger } = world;
    const seeds = actionsOf(world).map((action, at) => {
      const sender = defined(PEOPLE[at % PEOPLE.length], 'inside the list');
      const body = world.body(sender, { actions: [action] });
      return concatBytes(Uint8Array.of(at % PEOPLE.length), ledger.encodeBody(body));
    });
    totals(world.state, []);
    return {
      seeds,
      run(input) {
        const decoded = decode(ledger.codecs.body, input.subarray(1));
        if (!decoded.ok) return decoded.error.code;
        const flags = input[0] ?? 0;
        const body = repaired(world, decoded.value, flags);
        const sender = defined(PEOPLE[flags % PEOPLE.length], 'inside the list');
        const account = ledger.readAccount(world.state, sender.address);
        const signature = {
          kind: 'ed25519',
          publicKey: sender.key.publicKey,
          signature: new Uint8Array(64),
        } as const;
        const prepared = ledger.prepareTransaction({
          body,
          sender: {
            initialPolicy: account.policy === undefined ? sender.policy : undefined,
            signatures: [signature],
          },
          sponsor: undefined,
        });
        if (!prepared.ok) return prepared.error.code;
        // Who signed what is other targets' business.
        const verified = ledger.verifyTransaction(prepared.value, [true]);
        if (!verified.ok) return verified.error.code;
        const place = world.place();
        const verdict = ledger.executeBlock(world.state, place, [verified.value]);
        const candidates = ledger.executeCandidates(world.state, place, [verified.value]);
        if (verdict.kind === 'missing-keys' || candidates.kind === 'missing-keys') {
          throw new Broken('all of the state is here');
        }
        if (verdict.kind !== 'executed') {
          if (candidates.included.length > 0) throw new Broken('a proposer would include it');
          return `${verdict.error.code}@${body.actions[0]?.kind}`;
        }
        if (candidates.included.length !== 1) throw new Broken('a proposer would leave it out');
        if (!sameChanges(verdict.changes, candidates.changes)) throw new Broken('two results');
        for (const { key, value } of verdict.changes) {
          const isFit =
            key.length <= STATE_KEY_BYTES_MAX && (value?.length ?? 0) <= STATE_VALUE_BYTES_MAX;
          if (!isFit) throw new Broken('what no state can hold');
        }
        const [receipt] = verdict.receipts;
        if (receipt === undefined) throw new Broken('no receipt');
        const again = decode(receiptCodec, encode(receiptCodec, receipt));
        if (!again.ok) throw new Broken('a receipt that nobody can read');
        for (const log of receipt.logs) {
          if (ledger.decodeLog(log) === undefined) throw new Broken('a log that nobody can read');
        }
        totals(world.state, verdict.changes);
        const { outcome } = receipt;
        const code = outcome.kind === 'failed' ? outcome.code : 'accepted';
        return `${code}@${body.actions
          .map(({ kind }) => kind)
          .slice(0, 3)
          .join()}`;
      },
    };
  },
);

export const executionTargets: readonly Target[] = [execution];
