import type { Bytes } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { Height } from '../../ledger/index.ts';
import { person } from '../../ledger/testing/world.ts';
import { lightAnswerCodec, lightRequestCodec } from '../../light/index.ts';
import type { RequestKind } from '../../network/index.ts';
import { blocksRequestCodec, blocksResponseCodec } from '../messages.ts';
import { statusMessage } from './liar.ts';
import { FUNDED, transferTo, VALIDATORS, Village } from './village.ts';

const ada = person('ada');
const bob = person('bob');
const thief = person('thief');
const [FIRST] = VALIDATORS;

/** All members of another village broke their word: they certified a payment that nobody signed. */
export async function startLiars(blocks: number): Promise<Village> {
  const blind = { verify: async (claims: readonly unknown[]) => claims.map(() => true) };
  const liars = new Village(FUNDED);
  // They begin a moment later: from the first block on it is another chain.
  await liars.clock.pass(5);
  await Promise.all(
    VALIDATORS.map((name) =>
      liars
        .create(name, { change: { verifier: { ...blind, stop: async () => undefined } } })
        .node.start(),
    ),
  );
  for (let value = 1; value <= blocks; value++) {
    const stolen = { actions: [transferTo(thief.address, 100_000)] };
    const genuine = liars.world.sign(ada, stolen);
    // The signature of something else that she signed once.
    const { sender } = liars.world.sign(ada, { actions: [transferTo(bob.address, value)] });
    const bytes = liars.encode({ ...genuine, sender });
    const id = await liars.submit(liars.node(FIRST), bytes);
    await liars.settled(id, VALIDATORS);
  }
  return liars;
}

/** Shows the liars' chain to the honest village. */
export function showLies(village: Village, liars: Village, name: string): void {
  const node = liars.node(FIRST);
  const { store } = node.parts;
  const answer = async (kind: RequestKind, request: Bytes): Promise<Bytes> => {
    switch (kind) {
      case 'status': {
        const { header, hash } = store.head();
        return statusMessage(village, { headHeight: header.height, headHash: hash });
      }
      case 'blocks': {
        const asked = decode(blocksRequestCodec, request);
        if (!asked.ok) throw new Error('honest questions decode');
        const { from, count } = asked.value;
        const served = [];
        for (let at = from as number; at < from + count; at++) {
          const each = await store.servedBlock(at as Height);
          if (each !== undefined) served.push(each);
        }
        return encode(blocksResponseCodec, { blocks: served });
      }
      case 'light': {
        const asked = decode(lightRequestCodec, request);
        if (!asked.ok) throw new Error('honest questions decode');
        return encode(lightAnswerCodec, await node.lightAnswer(asked.value));
      }
      default:
        throw new Error('nothing else is answered');
    }
  };
  village.stranger(name, { onRequest: answer });
}
