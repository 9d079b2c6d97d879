import type { Json } from '../base/index.ts';
import { errorToData } from '../base/index.ts';

/** What to do about a failure, by its code. */
const ADVICE: { readonly [code: string]: string } = {
  'store-in-use': 'Another process uses this data folder. Stop it, or choose another with --data.',
  'database-missing': 'There is no database in this data folder, so nothing to clear. See --data.',
  'store-too-new': 'The data folder was written by a later version of Tabellion.',
  'address-in-use': 'The port is taken. Choose another with --port or --listen.',
  'validators-differ':
    'The data folder holds a network of another size. Use --reset for a new one.',
  'folder-not-ours':
    'The data folder holds other files, so nothing in it is deleted. Choose another with --data.',
  'listen-failed': 'The port for peers cannot be used. Choose another with --listen or --port.',
  'genesis-missing': 'Give the network’s genesis document with --genesis.',
  'not-permitted':
    'A validator has to execute the chain, and check who signed in it: choose mode full or ' +
    'archive, without --replay-trusting-checkpoint.',
  'wal-corrupt': 'The log of votes cannot be trusted, so this validator does not sign.',
  'journal-corrupt': 'The store is damaged. `tabellion reset` clears it, and the node syncs again.',
  'page-corrupt':
    'A part of the stored state is damaged, and no peer that could be asked has it as it was. ' +
    'Nothing was deleted: start again where more peers can be reached. If the chain has changed ' +
    'that part since, nobody keeps it: after `tabellion reset` the node takes a newer state, or ' +
    'all blocks, from peers.',
  'index-corrupt':
    'Stored histories are damaged. `tabellion reset` clears the store, and the node syncs again.',
  'store-vanished':
    'A part of the stored data is gone: `tabellion reset` was broken off, or files went away. If ' +
    'you did not reset, look at the disk first. `tabellion reset` clears the rest, and the node ' +
    'syncs again.',
  'state-root-mismatch':
    'The stored state is not what the chain says. `tabellion reset` clears the store, and the ' +
    'node syncs again. If it comes again, the disk or the memory of this machine may be failing.',
  'keep-blocks-needs-full': 'Only a full node lets go of blocks: add --mode full to --keep-blocks.',
  'mode-needs-reset':
    'Old blocks were let go of, so this is no archive. After `tabellion reset` it reads all of ' +
    'them again.',
  'checkpoint-malformed':
    'A checkpoint is a height, a colon and a hash of 64 digits. Another node shows its own.',
  'checkpoint-conflicts':
    'The store holds another block of that height than the checkpoint names. One of both is ' +
    'wrong: ask somebody else too. Nothing was changed.',
  'checkpoint-wrong-network': 'The checkpoint is of another network than the genesis document.',
  'store-of-another-network': 'The data folder belongs to another network.',
  'genesis-differs': 'The data folder has the genesis document of another network.',
  'connection-failed': 'No node answers there. Is it running? See --rpc.',
};

/** Tells a failure on standard error, and what can be done. */
export function reportFailure(error: unknown, isJson: boolean): void {
  const { code, facts, message } = errorToData(error);
  if (isJson) {
    const value: Json = { kind: 'failed', code, facts, message };
    process.stderr.write(`${JSON.stringify(value)}\n`);
    return;
  }
  const details = Object.entries(facts).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const lines = [
    `Failed: ${code}${details.length === 0 ? '' : ` (${details.join(', ')})`}`,
    ...(message === code ? [] : [message]),
    ...(ADVICE[code] === undefined ? [] : [ADVICE[code]]),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}
