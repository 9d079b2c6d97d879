import type { Bytes } from '../../base/index.ts';
import { TabellionError } from '../../base/index.ts';
import type { RequestKind } from '../../network/index.ts';
import type { MemoryNetwork } from './memory-network.ts';
import type { Village } from './village.ts';

/** What a peer answers instead of the truth; absent: the truth. */
export type Answers = {
  readonly [Kind in RequestKind]?: (
    request: Bytes,
    honestly: () => Promise<Bytes>,
  ) => Bytes | undefined | Promise<Bytes | undefined>;
};

/** A peer that answers as an honest node would, but for what a test gives. */
export function impostor(
  village: Village,
  options: { readonly name: string; readonly honest: string; readonly answers?: Answers },
): MemoryNetwork {
  const { name, honest, answers = {} } = options;
  const askerName = `${name}'s mirror`;
  const asker = village.stranger(askerName);
  const ask = (kind: RequestKind, request: Bytes) => asker.request(honest, kind, request);
  return village.stranger(name, {
    onRequest: async (kind, request) => {
      const honestly = () => ask(kind, request);
      const told = await answers[kind]?.(request, honestly);
      const answer = told ?? (await honestly());
      if (answer === undefined) throw new TabellionError('request-refused');
      return answer;
    },
  });
}

/** Lets a node, started or not, see these peers alone of those that are there now. */
export function isolate(village: Village, name: string, peers: readonly string[]): void {
  for (const other of village.hub.names()) {
    if (other !== name && !peers.includes(other)) village.hub.cut(name, other);
  }
}
