import type { Json, JsonObject } from '../../../base/index.ts';
import {
  assert,
  defined,
  formatHex,
  isJsonObject,
  parseHex,
  systemClock,
  timestampMs,
} from '../../../base/index.ts';
import type { Codec } from '../../../codec/index.ts';
import { parseJson } from '../../../codec/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import type { Header } from '../../../ledger/index.ts';
import { blockHashOf, formatAddress, parseAddress } from '../../../ledger/index.ts';
import { createTestLedger } from '../../../ledger/testing/world.ts';
import type { ResultOf } from '../../../rpc/index.ts';
import { builtinMethods, createNodeHandlers, createRpcServer } from '../../../rpc/index.ts';
import type { Finality } from '../../../sdk/index.ts';
import {
  createClient,
  createProver,
  proofAnchorOf,
  proverAnchorOf,
  verifyAccountProof,
  verifyTransactionProof,
} from '../../../sdk/index.ts';
import { openLiveNode } from '../live-node.ts';
import type { Recording } from '../record.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Session, Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { textTarget } from './codec-target.ts';

const methods = builtinMethods();

/** What a live node proves, by the question. */
async function proven(
  recording: Recording,
  method: string,
  questions: readonly JsonObject[],
): Promise<Json[]> {
  const live = await openLiveNode(recording);
  const { clock } = live.village;
  const handlers = createNodeHandlers(live.node);
  const connection = createRpcServer({ handlers, methods, clock }).connect({
    transport: 'http',
    access: 'public',
  });
  const results: Json[] = [];
  for (const params of questions) {
    const request = { jsonrpc: '2.0', id: 1, method, params };
    const answer = await clock.run(connection.handleJson(request));
    const result = isJsonObject(answer) ? answer.result : undefined;
    if (result !== undefined) results.push(result);
  }
  connection.close();
  await live.stop();
  assert(results.length > 0, `${method} is answered`);
  return results;
}

function anchorOf(recording: Recording) {
  const anchor = proofAnchorOf(JSON.parse(recording.genesisText) as Json);
  if (!anchor.ok) throw new Error('the genesis document is good');
  const hash = parseHex(recording.hashes[0] ?? '');
  // The hash of the block of height 0, as a client knows it.
  const genesisHash = defined(hash.ok ? hash.value : undefined, 'a hash') as unknown as Hash;
  return { anchor: anchor.value, genesisHash };
}

/** Reads one answer, and verifies it; `judge` throws when what is proven is not true. */
function proofSession<Proof>(
  seeds: readonly Json[],
  codec: Codec<Proof>,
  verify: (proof: Proof) => Promise<Verdict>,
): Session<string> {
  return {
    seeds: seeds.map((json) => JSON.stringify(json)),
    batch: 128,
    runBatch: (inputs) =>
      Promise.all(
        inputs.map(async (input) => {
          try {
            const parsed = parseJson(codec, JSON.parse(input) as Json);
            if (!parsed.ok) return refusedAt(parsed.error.code, parsed.error.at);
            return await verify(parsed.value);
          } catch (error) {
            if (error instanceof SyntaxError) return 'parse-error';
            return error instanceof Error ? error : new Error(String(error));
          }
        }),
      ),
  };
}

/** Text of any facts. */
const textOf = (facts: unknown): string =>
  JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));

const account = textTarget(
  'account-proof',
  'an account with its proof, as a client that trusts nobody reads it',
  async () => {
    const recording = await recordNetwork();
    const { anchor, genesisHash } = anchorOf(recording);
    const address = formatAddress(PEOPLE.ada.address);
    const asked = parseAddress(address);
    if (!asked.ok) throw new Error('an address of a person is one');
    const seeds = await proven(recording, 'account.proof', [{ address }]);
    // Members alone make the table's type; the codec is that of this very method.
    const codec = methods['account.proof'].result as Codec<ResultOf<'account.proof'>>;
    let truth: string | undefined;
    return proofSession(seeds, codec, async (proof) => {
      const verified = await verifyAccountProof(
        anchor,
        proof,
        { address: asked.value },
        genesisHash,
      );
      if (!verified.ok) return verified.error.code;
      const { sequence, policy, balances } = verified.value.value;
      const facts = textOf([sequence, policy, balances]);
      truth ??= facts; // The first input is the genuine one.
      if (facts !== truth) throw new Broken('something else is proven');
      return 'accepted';
    });
  },
  'json',
);

const transaction = textTarget(
  'transaction-proof',
  'a transaction with its proof, as a client that trusts nobody reads it',
  async () => {
    const recording = await recordNetwork();
    const { anchor } = anchorOf(recording);
    const ledger = createTestLedger();
    const ids = recording.transactions.flatMap((bytes) => {
      const prepared = ledger.prepareTransaction(bytes);
      return prepared.ok ? [formatHex(prepared.value.id)] : [];
    });
    const questions = ids.map((id) => ({ id }));
    const seeds = await proven(recording, 'transaction.proof', questions);
    const codec = methods['transaction.proof'].result as Codec<ResultOf<'transaction.proof'>>;
    return proofSession(seeds, codec, async (proof) => {
      const verified = await verifyTransactionProof(anchor, proof);
      if (!verified.ok) return verified.error.code;
      if (!ids.includes(formatHex(proof.id))) throw new Broken('proves what never was');
      return 'accepted';
    });
  },
  'json',
);

const lightBlocks = textTarget(
  'light-blocks',
  'headers with certificates, as an app without a node proves its way by them',
  async () => {
    const recording = await recordNetwork();
    const read = proverAnchorOf(JSON.parse(recording.genesisText) as Json);
    if (!read.ok) throw new Error('the genesis document is good');
    const anchor = read.value;
    // As above.
    const codec = methods['light.blocks'].result as Codec<ResultOf<'light.blocks'>>;
    const last = recording.hashes.length - 1;
    const questions = [
      { from: 0, heights: [last] },
      { from: 0, heights: [1, 2, last] },
    ];
    const seeds = await proven(recording, 'light.blocks', questions);
    const [first] = seeds.flatMap((json) => {
      const parsed = parseJson(codec, json);
      return parsed.ok ? parsed.value.blocks.slice(-1) : [];
    });
    const { header, certificate, membership } = defined(first, 'the head is served');
    const claimOf = (of: Header): Finality => {
      const hash = blockHashOf(anchor.suite, of);
      return { header: of, hash, certificate, membership };
    };
    const truth = claimOf(header);
    const lie = claimOf({ ...header, stateRoot: header.receiptsRoot });
    const clock = { ...systemClock, now: () => timestampMs(header.timestampMs + 1) };
    return proofSession(seeds, codec, async (answer) => {
      const transport = {
        trustMax: 'reported',
        call: async () => codec.toJson(answer),
        subscribe: () => () => undefined,
        close: () => undefined,
      } as const;
      const prover = createProver(createClient(transport), anchor, { clock });
      if ((await prover.finality(lie)).ok) throw new Broken('proves what never was');
      const verdict = await prover.finality(truth);
      const { header: head, hash } = prover.head();
      if (recording.hashes[head.height] !== formatHex(hash)) throw new Broken('another chain');
      if (verdict.ok) return 'accepted';
      const { error } = verdict;
      return error.code === 'header-unproven' ? error.reason : error.code;
    });
  },
  'json',
);

export const proofTargets: readonly Target[] = [account, transaction, lightBlocks];
