import type { Target } from '../types.ts';
import { backupTargets } from './backups.ts';
import { clientTargets } from './client.ts';
import { diskTargets } from './disk.ts';
import { executionTargets } from './execution.ts';
import { ledgerTargets } from './ledger.ts';
import { lightTargets } from './light.ts';
import { lightNodeTargets } from './light-node.ts';
import { messageTargets } from './messages.ts';
import { nodeTargets } from './node.ts';
import { pageMenderTargets } from './page-mender.ts';
import { pageTargets } from './pages.ts';
import { proofMessageTargets } from './proof-messages.ts';
import { proofTargets } from './proofs.ts';
import { recordTargets } from './records.ts';
import { replayRecordTargets } from './replay-records.ts';
import { rpcTargets } from './rpc.ts';
import { snapshotNodeTargets } from './snapshot-node.ts';
import { snapshotTargets } from './snapshots.ts';
import { streamTargets } from './streams.ts';
import { textTargets } from './texts.ts';
import { webauthnTargets } from './webauthn.ts';

/** Everything that takes input from strangers or from disk. */
export const TARGETS: readonly Target[] = [
  ...ledgerTargets,
  ...executionTargets,
  ...messageTargets,
  ...recordTargets,
  ...webauthnTargets,
  ...textTargets,
  ...pageTargets,
  ...backupTargets,
  ...rpcTargets,
  ...clientTargets,
  ...proofTargets,
  ...lightTargets,
  ...proofMessageTargets,
  ...replayRecordTargets,
  ...snapshotTargets,
  ...streamTargets,
  ...nodeTargets,
  ...lightNodeTargets,
  ...snapshotNodeTargets,
  ...pageMenderTargets,
  ...diskTargets,
];
