import type { Json } from '../../base/index.ts';
import { TabellionError } from '../../base/index.ts';
import type { AccountProof, Finality, ProofAnchor, TransactionProof } from '../../sdk/index.ts';
import {
  proofAnchorOf,
  verifyAccountProof,
  verifyFinality,
  verifyTransactionProof,
} from '../../sdk/index.ts';
import { useLive } from './live.ts';
import { useServices } from './services.ts';

/** What checking a proof in this page came to. */
export type Checked =
  | { readonly isProven: true }
  | { readonly isProven: false; readonly code: string };

let known: { readonly genesis: Json; readonly anchor: ProofAnchor } | undefined;

/** What this page is sure of: the genesis document that names its network. */
function anchor(): ProofAnchor {
  const { genesis } = useServices.getState();
  if (genesis === undefined) throw new TabellionError('node-not-ready');
  if (known?.genesis === genesis) return known.anchor;
  const made = proofAnchorOf(genesis);
  if (!made.ok) throw new TabellionError('internal-error', {}, { message: made.error.code });
  known = { genesis, anchor: made.value };
  return made.value;
}

function verdict(result: Awaited<ReturnType<typeof verifyFinality>>): Checked {
  return result.ok ? { isProven: true } : { isProven: false, code: result.error.code };
}

/** Checks the certificate of a block: every signature, and the power behind them. */
export async function checkFinality(finality: Finality): Promise<Checked> {
  const genesisHash = useLive.getState().chain?.genesisHash;
  return verdict(await verifyFinality(anchor(), finality, genesisHash));
}

/** Checks that a final block holds a transaction. */
export async function checkTransaction(proof: TransactionProof): Promise<Checked> {
  return verdict(await verifyTransactionProof(anchor(), proof));
}

/** Checks what a final state holds of an account. */
export async function checkAccount(proof: AccountProof): Promise<Checked> {
  const genesisHash = useLive.getState().chain?.genesisHash;
  const { address } = proof;
  const result = await verifyAccountProof(anchor(), proof, { address }, genesisHash);
  return result.ok ? { isProven: true } : { isProven: false, code: result.error.code };
}
