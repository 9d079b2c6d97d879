import type { Json } from '../../../base/index.ts';
import { errorToData, isJsonObject, systemClock, TabellionError } from '../../../base/index.ts';
import { builtinMethods, createNodeHandlers, createRpcServer } from '../../../rpc/index.ts';
import { createClient } from '../../../sdk/index.ts';
import { Session } from '../../../sdk/session.ts';
import { openLiveNode } from '../live-node.ts';
import { recordNetwork } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken } from '../types.ts';
import { textTarget } from './codec-target.ts';

/** What a client asks before a relay talks: questions 1 to 3; the fourth is a subscription. */
const METHODS = ['chain.info', 'node.status', 'node.peers'] as const;

/** True answers to these questions, and what else a relay says. */
async function honestTalks(): Promise<string[]> {
  const live = await openLiveNode(await recordNetwork());
  const { clock } = live.village;
  const handlers = createNodeHandlers(live.node);
  const server = createRpcServer({ handlers, methods: builtinMethods(), clock });
  const connection = server.connect({ transport: 'http', access: 'public' });
  const answers: Json[] = [];
  for (const [at, method] of METHODS.entries()) {
    const question = { jsonrpc: '2.0', id: at + 1, method, params: {} };
    answers.push((await clock.run(connection.handleJson(question))) ?? null);
  }
  connection.close();
  const status = answers[1];
  await live.stop();
  const event = isJsonObject(status) ? (status.result ?? null) : null;
  const told = { jsonrpc: '2.0', method: 'rpc.event', params: { subscription: 7, event } };
  const subscribed = { jsonrpc: '2.0', id: 4, result: { subscription: 7 } };
  const refused = {
    ...{ jsonrpc: '2.0', id: 2 },
    error: { code: -32000, message: 'x', data: { code: 'not-found', facts: { height: 3 } } },
  };
  const talks = [
    answers,
    [subscribed, told],
    [told, subscribed, told],
    [refused, answers[0] ?? null],
  ];
  return talks.map((talk) => JSON.stringify(talk));
}

/** A client of a relay that says all this; each question ends once, well or by name. */
async function hear(words: readonly Json[]): Promise<Verdict> {
  const session = new Session(systemClock);
  session.opened(() => undefined);
  const client = createClient({
    trustMax: 'reported',
    call: (method, params, options) => session.call(method, params, options),
    subscribe: (topic, params, push, fail) => session.subscribe(topic, params, push, fail),
    close: () => session.close(),
  });
  const ends: string[] = [];
  const asked = METHODS.map((method) =>
    client.call(method, {}).then(
      (value) => {
        JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each));
        ends.push('answered');
      },
      (error: unknown) => {
        if (!(error instanceof TabellionError)) throw error;
        JSON.stringify(errorToData(error)); // As it is logged, and told to other threads.
        ends.push(error.code.slice(0, 24));
      },
    ),
  );
  let events = 0;
  client.subscribe('status', {}, () => {
    events += 1;
  });
  for (const word of words) {
    session.receive(word);
    await Promise.resolve();
  }
  session.close();
  await Promise.all(asked);
  if (ends.length !== METHODS.length) throw new Broken('a question that never ends');
  if (events > words.length) throw new Broken('more events than were told');
  return `${ends.includes('answered') ? 'accepted' : 'refused'}@${ends.sort().join()} ${events}`;
}

const talk = textTarget(
  'relay-talk',
  'what a relay says to a client that asked it',
  async () => ({
    seeds: await honestTalks(),
    batch: 128,
    runBatch: (inputs) =>
      Promise.all(
        inputs.map(async (input) => {
          let words: Json;
          try {
            words = JSON.parse(input) as Json; // What JSON text holds.
          } catch {
            return 'parse-error';
          }
          return hear(Array.isArray(words) ? words : [words]).catch((error: unknown) =>
            error instanceof Error ? error : new Error(String(error)),
          );
        }),
      ),
  }),
  'json',
);

export const clientTargets: readonly Target[] = [talk];
