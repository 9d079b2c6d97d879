import fc from 'fast-check';
import type { Json, JsonObject } from '../../../base/index.ts';
import {
  assert,
  errorToData,
  formatHex,
  isJsonObject,
  parseJsonText,
} from '../../../base/index.ts';
import type { Codec } from '../../../codec/index.ts';
import { parseJson, toJson } from '../../../codec/index.ts';
import { formatAddress } from '../../../ledger/index.ts';
import { jsonOf } from '../../../ledger/testing/arbitrary.ts';
import { createTestLedger } from '../../../ledger/testing/world.ts';
import type { MethodName, RpcConnection } from '../../../rpc/index.ts';
import {
  builtinMethods,
  createNodeHandlers,
  createRpcServer,
  errorFromMember,
  isRpcErrorCode,
  parseRequest,
  REQUEST_BYTES_MAX,
  topics,
} from '../../../rpc/index.ts';
import type { LiveNode } from '../live-node.ts';
import { openLiveNode } from '../live-node.ts';
import type { Recording } from '../record.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { textTarget } from './codec-target.ts';

const BATCH = 64;
const LIFE_RUNS = 16_384;
/** Of the answers, one in so many is held against the schema of its method. */
const SCHEMA_EVERY = 16;

const methods = builtinMethods();
const names = Object.keys(methods) as MethodName[];
// Methods are walked alike; which values belong to which is said by the table.
const table = methods as unknown as {
  readonly [name: string]: { readonly params: Codec<unknown>; readonly result: Codec<unknown> };
};
const call = (method: string, params: Json, id: Json = 1): JsonObject => ({
  ...{ jsonrpc: '2.0', id },
  ...{ method, params },
});

/** JSON of a shape, the same every time. */
const samples = (codec: Codec<unknown>, count: number): Json[] =>
  fc.sample(jsonOf(codec.shape), { numRuns: count, seed: 11 });

/** Questions about what the recorded network really holds. */
function realCalls(recording: Recording): JsonObject[] {
  const ledger = createTestLedger();
  const addresses = Object.values(PEOPLE).map(({ address }) => formatAddress(address));
  const prepared = [...recording.transactions, ...recording.pending].flatMap((bytes) => {
    const each = ledger.prepareTransaction(bytes);
    return each.ok ? [each.value] : [];
  });
  const hash = recording.hashes[2] ?? '';
  const asked: [string, Json][] = [
    ...addresses.flatMap((address): [string, Json][] => [
      ['account.get', { address }],
      ['account.proof', { address, assets: [] }],
      ['account.history', { address, limit: 5 }],
      ['faucet.request', { address }],
    ]),
    ...prepared.flatMap(({ id, bytes, bodyBytes }): [string, Json][] => [
      ['transaction.get', { id: formatHex(id) }],
      ['transaction.status', { id: formatHex(id) }],
      ['transaction.proof', { id: formatHex(id) }],
      ['transaction.submit', { bytes: formatHex(bytes) }],
      ['transaction.simulate', { body: formatHex(bodyBytes) }],
    ]),
    ['block.get', {}],
    ['block.get', { hash }],
    ['block.get', { height: 1, isHeaderOnly: true }],
    ['block.list', { limit: 3, before: 9 }],
    ['light.blocks', { from: 0, heights: [1, 2, 3] }],
    ['light.blocks', { from: 2, heights: [9, 2, 2, 0] }],
    ['node.configure', { mode: 'archive' }],
    ['rpc.cancel', { id: 1 }],
    ['rpc.unsubscribe', { subscription: 1 }],
    ...Object.keys(topics).map((topic): [string, Json] => ['rpc.subscribe', { topic, params: {} }]),
    ['rpc.subscribe', { topic: 'account', params: { address: addresses[0] ?? '' } }],
  ];
  return asked.map(([method, params], at) => call(method, params, at % 2 === 0 ? at : `id ${at}`));
}

/** One request of each method, made from its schema. */
const anyCalls = (): JsonObject[] =>
  names.flatMap((name) =>
    samples(table[name]?.params as Codec<unknown>, 2).map((params) => call(name, params)),
  );

/** The code of one answer. Throws {@link Broken} when it is none. */
function codeOfAnswer(answer: Json): string {
  if (!isJsonObject(answer) || answer.jsonrpc !== '2.0') throw new Broken('no JSON-RPC');
  const { id, error } = answer;
  const isId = id === null || typeof id === 'string' || typeof id === 'number';
  if (!isId) throw new Broken('an answer without id');
  if (Object.hasOwn(answer, 'result') === Object.hasOwn(answer, 'error')) {
    throw new Broken('both a result and an error, or none');
  }
  if (error === undefined) return 'accepted';
  if (!isJsonObject(error) || typeof error.code !== 'number') throw new Broken('no error code');
  if (typeof error.message !== 'string') throw new Broken('no error message');
  const { data } = error;
  const code = isJsonObject(data) ? data.code : undefined;
  if (typeof code !== 'string' || !isRpcErrorCode(code)) throw new Broken(`unknown code ${code}`);
  if (code === 'internal-error') throw new Broken('an internal error');
  return code;
}

/** Counts the requests that an answer may have admitted to the mempool. */
function admittedBy(request: Json | undefined, answer: Json): number {
  const pairs = Array.isArray(request) ? request.length : 1;
  const asked = JSON.stringify(request ?? null);
  const isEntry = /"(transaction\.submit|faucet\.request)"/.test(asked);
  if (!isEntry) return 0;
  const answers = [answer].flat() as Json[];
  // Who cancels a call in flight hears `aborted`, whatever it had done by then.
  const granted = answers.filter(
    (each) =>
      isJsonObject(each) && (Object.hasOwn(each, 'result') || codeOfAnswer(each) === 'aborted'),
  );
  // A notification is performed and not answered.
  return granted.length + Math.max(0, pairs - answers.length);
}

class Caller {
  readonly #live: LiveNode;
  readonly #connection: RpcConnection;
  #answers = 0;

  constructor(live: LiveNode, access: 'public' | 'operator') {
    this.#live = live;
    const { clock } = live.village;
    const tracer = {
      trace: (level: string, event: string, facts: object = {}) => {
        if (level === 'error')
          live.village.traces.push({ node: 'rpc', event, facts: facts as Json });
      },
    };
    const handlers = createNodeHandlers(live.node);
    const server = createRpcServer({ handlers, methods, clock, tracer });
    this.#connection = server.connect({
      transport: 'websocket',
      access,
      remoteAddress: '10.1.2.3',
      send: async () => undefined,
    });
  }

  close(): void {
    this.#connection.close();
  }

  /** Executes one text; how many transactions it may have brought in. */
  async execute(
    source: string,
  ): Promise<{ readonly verdict: Verdict | Error; readonly admitted: number }> {
    try {
      const text = await this.#connection.handleText(source);
      const request = parseRequest(source);
      const asked = request.ok ? request.value : undefined;
      if (text === undefined) return { verdict: 'silent', admitted: admittedBy(asked, []) };
      const answer = JSON.parse(text) as Json;
      const verdict = this.#verdictOf(asked, answer);
      return { verdict, admitted: admittedBy(asked, answer) };
    } catch (error) {
      return { verdict: error instanceof Error ? error : new Error(String(error)), admitted: 64 };
    }
  }

  #verdictOf(asked: Json | undefined, answer: Json): Verdict {
    if (Array.isArray(answer)) {
      if (answer.length === 0) throw new Broken('an empty batch of answers');
      return `batch@${answer.map(codeOfAnswer).slice(0, 2).join()}`;
    }
    const code = codeOfAnswer(answer);
    const method = isJsonObject(asked) ? asked.method : undefined;
    const known = typeof method === 'string' && Object.hasOwn(table, method) ? method : 'none';
    const spec = table[known];
    if (code !== 'accepted') {
      const member = errorFromMember((answer as JsonObject).error);
      return `${code}@${known} ${String(member.facts.reason ?? '')} ${String(member.facts.at ?? '')
        .replace(/\d+/g, 'n')
        .slice(0, 24)}`;
    }
    this.#answers += 1;
    const { result } = answer as JsonObject;
    if (spec !== undefined && result !== undefined && this.#answers % SCHEMA_EVERY === 0) {
      const parsed = parseJson(spec.result, result);
      if (!parsed.ok)
        throw new Broken(`${known}: not its own schema: ${parsed.error.code} ${parsed.error.at}`);
      const again = JSON.stringify(toJson(spec.result, parsed.value));
      if (again !== JSON.stringify(result)) throw new Broken(`${known}: the schema changes it`);
    }
    return `accepted@${known}`;
  }

  get live(): LiveNode {
    return this.#live;
  }
}

const rpcTarget = (name: string, about: string, access: 'public' | 'operator'): Target =>
  textTarget(
    name,
    about,
    async () => {
      const recording = await recordNetwork();
      const calls = [...realCalls(recording), ...anyCalls()];
      let live: LiveNode | undefined;
      let runs = 0;
      const close = async () => {
        await live?.stop();
        live = undefined;
        runs = 0;
      };
      return {
        seeds: [
          ...calls.map((each) => JSON.stringify(each)),
          JSON.stringify(calls.slice(0, 4)),
          JSON.stringify([
            ...calls.slice(8, 12),
            7,
            null,
            { jsonrpc: '2.0', method: 'chain.info' },
          ]),
          '[]',
          ' { } ',
          '['.repeat(40),
          '{"a":'.repeat(40),
          '{"jsonrpc":"2.0","id":1,"id":2,"method":"chain.info","params":[]}',
          '{"jsonrpc":"2.0","id":1,"method":"chain.info","params":{"__proto__":{"x":1}}}',
        ],
        batch: BATCH,
        close,
        async runBatch(inputs) {
          if (runs >= LIFE_RUNS) await close();
          live ??= await openLiveNode(recording);
          runs += inputs.length;
          const { node, village } = live;
          const { height } = node.parts.chain.head().header;
          const before = node.status().pendingTransactions;
          // A connection a batch: what one may hold is bounded by itself.
          const caller = new Caller(live, access);
          const all = Promise.all(inputs.map((input) => caller.execute(input)));
          const done = await village.clock.run(all, 120_000);
          caller.close();
          live.check();
          if (node.parts.chain.head().header.height !== height) throw new Broken('the head moved');
          const grown = node.status().pendingTransactions - before;
          const admitted = done.reduce((sum, each) => sum + each.admitted, 0);
          if (grown > admitted) throw new Broken('a refused call changed the mempool');
          return done.map(({ verdict }) => verdict);
        },
      };
    },
    'json',
  );

const rpc = rpcTarget('rpc', 'any text that a stranger sends to the RPC of a node', 'public');
const operator = rpcTarget(
  'rpc-operator',
  'the same, from the page of the node itself',
  'operator',
);

const parser = textTarget(
  'rpc-text',
  'the reader of request text',
  async () => {
    const calls = [...realCalls(await recordNetwork()), ...anyCalls()];
    return {
      seeds: [...calls.map((each) => JSON.stringify(each)), '['.repeat(33), '{"a":"\\u0000["}'],
      run(input) {
        const parsed = parseRequest(input);
        if (!parsed.ok) return parsed.error.code;
        if (input.length > REQUEST_BYTES_MAX) throw new Broken('longer than allowed');
        return `accepted@${typeof parsed.value}`;
      },
    };
  },
  'json',
);

/** A reader of JSON by a table of codecs: what is accepted has one form. */
function viewsTarget(
  name: string,
  about: string,
  codecs: { readonly [name: string]: Codec<unknown> },
  more: (recording: Recording) => Promise<readonly JsonObject[]> = async () => [],
): Target {
  const known = Object.keys(codecs);
  return textTarget(
    name,
    about,
    async () => {
      const made = known.flatMap((of) =>
        samples(codecs[of] as Codec<unknown>, 4).map((value): JsonObject => ({ of, value })),
      );
      const real = await more(await recordNetwork());
      return {
        seeds: [...made, ...real]
          .map((each) => JSON.stringify(each))
          .filter(({ length }) => length < 6_000),
        run(input) {
          const json = parseJsonText(input);
          if (json === undefined) return 'parse-error';
          const of = isJsonObject(json) && Object.hasOwn(json, 'of') ? json.of : undefined;
          const codec =
            typeof of === 'string' && Object.hasOwn(codecs, of) ? codecs[of] : undefined;
          if (!isJsonObject(json) || codec === undefined) return 'unknown-kind';
          const parsed = parseJson(codec, json.value ?? null);
          if (!parsed.ok) return `${refusedAt(parsed.error.code, parsed.error.at)} ${String(of)}`;
          const form = JSON.stringify(toJson(codec, parsed.value));
          const again = parseJson(codec, JSON.parse(form) as Json);
          if (!again.ok) throw new Broken(`${of}: its own form is refused: ${again.error.code}`);
          if (JSON.stringify(toJson(codec, again.value)) !== form)
            throw new Broken(`${of}: it changes`);
          return `accepted@${of}`;
        },
      };
    },
    'json',
  );
}

const pick = <Spec>(specs: object, of: (spec: Spec) => Codec<unknown>) =>
  Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, of(spec as Spec)]));

/** What a live node really answers to the real questions. */
async function realResults(recording: Recording): Promise<JsonObject[]> {
  const live = await openLiveNode(recording);
  const server = createRpcServer({
    handlers: createNodeHandlers(live.node),
    methods,
    clock: live.village.clock,
  });
  const connection = server.connect({ transport: 'http', access: 'public' });
  const results: JsonObject[] = [];
  for (const request of [...realCalls(recording), ...anyCalls()]) {
    const answer = await live.village.clock.run(connection.handleJson(request));
    if (
      isJsonObject(answer) &&
      answer.result !== undefined &&
      Object.hasOwn(table, String(request.method))
    ) {
      results.push({ of: String(request.method), value: answer.result });
    }
  }
  connection.close();
  await live.stop();
  assert(results.length > 20, 'a live node answers');
  return results;
}

const errors = textTarget(
  'rpc-error',
  'the error member of an answer, as a client reads it',
  async () => ({
    seeds: [
      '{"code":-32000,"message":"x","data":{"code":"not-found","facts":{"height":3}}}',
      '{"code":-32601,"message":"Method not found"}',
      'null',
    ],
    run(input) {
      const json = parseJsonText(input);
      if (json === undefined) return 'parse-error';
      const error = errorFromMember(json);
      if (typeof error.code !== 'string') throw new Broken('an error without a code');
      JSON.stringify(errorToData(error)); // As it is logged, and told to other threads.
      return `accepted@${isRpcErrorCode(error.code) ? error.code : 'other'}`;
    },
  }),
  'json',
);

type MethodLike = { readonly params: Codec<unknown>; readonly result: Codec<unknown> };
type TopicLike = { readonly params: Codec<unknown>; readonly event: Codec<unknown> };

const params = {
  ...pick<MethodLike>(methods, (spec) => spec.params),
  ...pick<TopicLike>(topics, (spec) => spec.params),
};

export const rpcTargets: readonly Target[] = [
  rpc,
  operator,
  parser,
  viewsTarget('rpc-params', 'parameters of methods and topics', params),
  viewsTarget(
    'rpc-results',
    'answers of a node, as a client reads them',
    pick<MethodLike>(methods, (spec) => spec.result),
    realResults,
  ),
  viewsTarget(
    'rpc-events',
    'events of a node, as a client reads them',
    pick<TopicLike>(topics, (spec) => spec.event),
  ),
  errors,
];
