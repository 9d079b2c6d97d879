import { equalBytes } from '../../base/index.ts';
import type { Address } from '../../ledger/index.ts';
import type { CommittedEvent } from '../../node/index.ts';
import type { TopicSources } from '../handlers.ts';
import { accountOf, mempoolStatusOf } from './account-methods.ts';
import { statusOfTracked, transactionStatusOf } from './chain-methods.ts';
import type { NodeContext } from './context.ts';
import { headViewOfEvent } from './context.ts';
import { consensusOf, statusOf } from './node-methods.ts';

/** Whether a block may have changed an account: it sent, paid, or is named by a log. */
function concerns({ executed }: CommittedEvent, address: Address): boolean {
  return executed.execution.receipts.some(
    ({ payer, logs }, index) =>
      equalBytes(payer, address) ||
      isSender(executed, index, address) ||
      logs.some(({ accounts }) => accounts.some((each) => equalBytes(each, address))),
  );
}

function isSender(executed: CommittedEvent['executed'], index: number, address: Address): boolean {
  const sender = executed.transactions[index]?.transaction.body.sender;
  return sender !== undefined && equalBytes(sender, address);
}

/** Runs a job one at a time, once more if asked meanwhile: older answers never come later. */
function inOrder(job: () => Promise<void>) {
  let isAsked = false;
  let isRunning = false;
  let isEnded = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    while (isAsked && !isEnded) {
      isAsked = false;
      await job().catch(() => undefined); // The store closed: the subscription ends with it.
    }
    isRunning = false;
  };
  return {
    ask(): void {
      isAsked = true;
      if (!isRunning) void run();
    },
    end(): void {
      isEnded = true;
    },
  };
}

/** Calls back when what this node says is worth more or less than before. */
function onTrustChanged(context: NodeContext, listener: () => void): () => void {
  let trust = context.trust();
  return context.node.events.on('status', () => {
    const now = context.trust();
    if (now === trust) return;
    trust = now;
    listener();
  });
}

/** Sources of all subscriptions; each says at once how things are. */
export function topicSources(context: NodeContext): TopicSources {
  const { events } = context.node;
  return {
    heads: (_params, push) => {
      push(statusOf(context).head);
      return events.on('head', (event) => push(headViewOfEvent(event)));
    },
    transaction: ({ id }, push) => {
      let steps = 0;
      const tell = (): void => {
        const before = steps;
        transactionStatusOf(context, id).then(
          (status) => {
            // A step that came while we looked says more.
            if (steps === before) push(status);
          },
          () => undefined, // The store closed: the subscription ends with it.
        );
      };
      const stops = [
        context.parts.tracker.subscribe(id, (tracked) => {
          steps += 1;
          push(statusOfTracked(context, tracked));
        }),
        onTrustChanged(context, tell),
      ];
      tell();
      return () => {
        steps += 1;
        for (const stop of stops) stop();
      };
    },
    account: ({ address }, push) => {
      const tell = inOrder(async () => push(await accountOf(context, address)));
      tell.ask();
      const stops = [
        events.on('head', (event) => {
          if (concerns(event, address)) tell.ask();
        }),
        onTrustChanged(context, () => tell.ask()),
      ];
      return () => {
        tell.end();
        for (const stop of stops) stop();
      };
    },
    mempool: (_params, push) => {
      push(mempoolStatusOf(context));
      return events.on('mempool', () => push(mempoolStatusOf(context)));
    },
    status: (_params, push) => {
      push(statusOf(context));
      return events.on('status', () => push(statusOf(context)));
    },
    consensus: (_params, push) => {
      const tell = (): void => {
        if (context.node.consensus() !== undefined) push(consensusOf(context));
      };
      tell();
      return events.on('consensus', tell);
    },
    peers: (_params, push) => {
      push({ peers: context.node.peers().length });
      return events.on('peers', () => push({ peers: context.node.peers().length }));
    },
    events: (_params, push) => events.on('trace', (line) => push(line)),
  };
}
