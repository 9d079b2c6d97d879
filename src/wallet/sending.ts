import { equalBytes, formatHex, TabellionError } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Sequence } from '../ledger/index.ts';
import type { WalletContext } from './context.ts';
import { walletError } from './errors.ts';
import type { Notes } from './notes.ts';
import { prepareTransaction } from './prepare.ts';
import { signTransaction } from './sign.ts';
import type { Tracker } from './tracking.ts';
import { isSettled } from './tracking.ts';
import type { LocalAccount, PreparedTransaction, SignedTransaction, Wallet } from './types.ts';

/** Remembered facts of transactions on their way, by hexadecimal id. */
type Underway = { readonly sender: Address; readonly sequence: Sequence; isSubmitted: boolean };

/** The part of a wallet that prepares, signs, sends and follows. */
export function createSending(
  context: WalletContext,
  notes: Notes,
  tracker: Tracker,
  onAccount: (account: LocalAccount) => void,
): Pick<Wallet, 'prepare' | 'sign' | 'submit'> {
  const underway = new Map<string, Underway>();

  /**
   * The sequence after those that are submitted and not settled; but that of one which the node let
   * go, while no other has it: of two with one sequence at most one is ever executed.
   */
  function nextSequenceOf(sender: Address): Sequence | undefined {
    const taken = new Set<number>();
    const free = new Set<number>();
    for (const { transactionId, ...progress } of tracker.list()) {
      const known = underway.get(formatHex(transactionId));
      if (known === undefined || !known.isSubmitted) continue;
      if (isSettled({ transactionId, ...progress }) || !equalBytes(known.sender, sender)) continue;
      (tracker.isDropped(transactionId) ? free : taken).add(known.sequence);
    }
    const reusable = [...free].filter((sequence) => !taken.has(sequence));
    const next = reusable.length > 0 ? Math.min(...reusable) : Math.max(-1, ...taken) + 1;
    // At most one more than a sequence, far below 2^53.
    return taken.size + free.size === 0 ? undefined : (next as Sequence);
  }

  return {
    prepare(request) {
      const { sponsor } = request;
      return prepareTransaction(context, request, {
        nextSequence: nextSequenceOf(request.account.address),
        sponsorPolicy: sponsor === undefined ? undefined : notes.account(sponsor)?.initialPolicy,
      });
    },
    async sign(prepared: PreparedTransaction, options = {}): Promise<SignedTransaction> {
      const signed = await signTransaction(
        context,
        prepared,
        { localAccount: (address) => notes.account(address), onSigned: onAccount },
        options,
      );
      const { sender, sequence, validUntil } = prepared.body;
      underway.set(formatHex(signed.transactionId), { sender, sequence, isSubmitted: false });
      tracker.add({
        transactionId: signed.transactionId,
        sender,
        stage: 'signed',
        steps: [{ stage: 'signed', at: signed.signedAt }],
        height: undefined,
        validUntil,
        failure: undefined,
        summary: prepared.summary,
      });
      return signed;
    },
    async submit(signed, options = {}): Promise<Hash> {
      const { transactionId } = signed;
      let id: Hash;
      try {
        id = await context.client.submit(signed.bytes, options.signal);
      } catch (error) {
        // Once a node took it, others may have it: then only the ledger gives a verdict.
        const isUnsent = tracker.find(transactionId)?.stage === 'signed';
        const isRefusal =
          isUnsent && error instanceof TabellionError && isLedgerRefusal(error.code);
        if (isRefusal) {
          const failure = { code: error.code, actionIndex: undefined };
          tracker.report(transactionId, 'failed', failure);
        }
        throw error;
      }
      if (!equalBytes(id, transactionId)) throw walletError('node-answer-wrong');
      const known = underway.get(formatHex(transactionId));
      if (known !== undefined) known.isSubmitted = true;
      tracker.follow(transactionId);
      return transactionId;
    },
  };
}

/** Failures after which the same bytes may still be sent again, and so are no verdict. */
const PASSING: readonly string[] = [
  'aborted',
  'timed-out',
  'connection-failed',
  'leader-changed',
  'node-not-ready',
  'node-stopped',
  'answer-malformed',
  'internal-error',
  'rate-limited',
  'too-many-calls',
  'mempool-full',
  'sender-quota-exceeded',
  'peer-quota-exceeded',
  'not-yet-valid',
  'sequence-gap',
  'duplicate',
];

function isLedgerRefusal(code: string): boolean {
  return !PASSING.includes(code);
}
