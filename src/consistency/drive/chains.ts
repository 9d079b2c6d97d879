import { equalBytes, formatHex } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import { blockHashOf, certificateClaims, certifies } from '../../ledger/index.ts';
import type { BlockView, ProofAnchor } from '../../sdk/index.ts';
import { createWebCryptoVerifier } from '../../verifier/index.ts';
import type { FinalBlock } from '../history.ts';
import type { RecordingClient } from './client.ts';

const verifier = createWebCryptoVerifier({ concurrency: 16 });

/** Every block that a relay holds up to a height, each with its certificate checked whole. */
export async function readChain(
  client: RecordingClient,
  height: number,
  anchor: ProofAnchor,
): Promise<FinalBlock[]> {
  const blocks: FinalBlock[] = [];
  for (let at = 0; at <= height; at++) {
    const place = at as Height; // Between genesis and the head.
    const question = { height: place, hash: undefined, isHeaderOnly: undefined };
    const block = await client.ask('block.get', question);
    blocks.push({
      height: block.header.height,
      hash: formatHex(block.hash),
      parentHash: formatHex(block.header.parentHash),
      fault: await faultOf(block, anchor),
      transactions: block.transactions.map(({ id, receipt }) => ({
        id: formatHex(id),
        failure: receipt.outcome.kind === 'failed' ? receipt.outcome.code : undefined,
        feeCharged: receipt.feeCharged,
      })),
    });
  }
  return blocks;
}

/** Why a block is not shown to be decided; genesis is, by the name of the network. */
async function faultOf(block: BlockView, anchor: ProofAnchor): Promise<string | undefined> {
  const { header, hash, certificate } = block;
  const { suite, chainId, membership } = anchor;
  if (!equalBytes(header.chainId, chainId)) return 'another network';
  if (!equalBytes(blockHashOf(suite, header), hash)) return 'its hash is another';
  if (header.height === 0) return undefined;
  if (certificate === undefined) return 'no certificate';
  if (!certifies(certificate, { hash, height: header.height })) return 'certificate of another';
  const claims = certificateClaims(suite, chainId, membership, certificate);
  if (!claims.ok) return claims.error.code;
  const verdicts = await verifier.verify(claims.value);
  return verdicts.every(Boolean) ? undefined : 'a signature of its certificate is invalid';
}
