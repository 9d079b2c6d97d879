import { formatHex } from '../../base/index.ts';
import type { ChainInfo, Client } from './client.ts';
import { download } from './download.ts';

/** Saves both blocks of each alarm whole: whoever gets the file can check the signatures. */
export async function exportEvidence(client: Client, chain: ChainInfo | undefined): Promise<void> {
  const { alarms } = await client.call('node.evidence', {});
  const evidence = {
    kind: 'tabellion-conflicting-blocks',
    network: chain?.name,
    chainId: chain === undefined ? undefined : formatHex(chain.chainId),
    alarms: alarms.map(({ height, first, second }) => ({
      height,
      // Absent when this node took that block over from a snapshot.
      first: first === undefined ? undefined : formatHex(first),
      second: formatHex(second),
    })),
  };
  download('tabellion-evidence.json', JSON.stringify(evidence, undefined, 2), 'application/json');
}
