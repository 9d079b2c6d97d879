import type { TimestampMs } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { PromptPlace } from './prompt.ts';
import type { NetworkFacts, WalletClient } from './types.ts';

/** What the parts of a wallet share. */
export type WalletContext = {
  readonly client: WalletClient;
  readonly place: PromptPlace;
  readonly now: () => TimestampMs;
  /** Facts of the network; asked once, again after a failure. */
  network(signal?: AbortSignal): Promise<NetworkFacts>;
  suite(signal?: AbortSignal): Promise<HashSuite>;
};

/** Makes the shared part of a wallet. */
export function createContext(dependencies: {
  readonly client: WalletClient;
  readonly place: PromptPlace;
  readonly now: () => TimestampMs;
}): WalletContext {
  const { client } = dependencies;
  let known: NetworkFacts | undefined;

  async function network(signal?: AbortSignal): Promise<NetworkFacts> {
    known ??= await client.network(signal);
    return known;
  }
  return {
    ...dependencies,
    network,
    suite: async (signal) => hashSuite((await network(signal)).hashSuite),
  };
}
