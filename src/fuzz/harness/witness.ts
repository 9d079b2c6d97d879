import type { Bytes } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { RequestKind } from '../../network/index.ts';
import { openLiveNode } from './live-node.ts';
import type { Recording } from './record.ts';

/** What an honest node of the recording answers: each question is put to it once. */
export async function openWitness(recording: Recording) {
  const live = await openLiveNode(recording);
  const answers = new Map<string, Promise<Bytes | undefined>>();
  let askers = 0;
  const ask = (kind: RequestKind, body: Bytes): Promise<Bytes | undefined> => {
    const name = `${kind} ${formatHex(body)}`;
    let answer = answers.get(name);
    if (answer === undefined) {
      askers += 1; // Somebody else each time: no allowance runs out.
      const from = {
        peerId: `asker ${askers}`,
        remoteAddress: `10.0.${askers >> 8}.${askers & 255}`,
      };
      answer = live.handlers.onRequest(kind, body, from).catch(() => undefined);
      answers.set(name, answer);
    }
    return answer;
  };
  return { live, ask };
}

export type Witness = Awaited<ReturnType<typeof openWitness>>;
