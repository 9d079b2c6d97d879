import { equalBytes } from '../../base/index.ts';
import { toJson } from '../../codec/index.ts';
import type { Address } from '../../ledger/index.ts';
import type { CommittedEvent } from '../../node/index.ts';
import type { TopicSources } from '../handlers.ts';
import type { HeadView } from '../node-views.ts';
import type { AccountView } from '../views.ts';
import { accountViewCodec } from '../views.ts';
import { accountOf, mempoolStatusOf } from './account-methods.ts';
import { statusOfTracked, transactionStatusOf } from './chain-methods.ts';
import type { NodeContext } from './context.ts';
import { headViewOfEvent } from './context.ts';
import { consensusOf, GENESIS_HEIGHT, statusOf } from './node-methods.ts';

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

/** An account as text, but for the height that was read: the same text is no news. */
function wordsOf(account: AccountView): string {
  return JSON.stringify(toJson(accountViewCodec, { ...account, height: GENESIS_HEIGHT }));
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
  const look = (): void => {
    const now = context.trust();
    if (now === trust) return;
    trust = now;
    listener();
  };
  return both(context.node.events.on('status', look), context.node.events.on('light', look));
}

function both(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

/**
 * Tells each new head once: of the chain while that answers, else of the proven one. What the chain
 * executes far below the proven head is no news, nor is what was told as proven before.
 */
function headsOf(context: NodeContext, push: (head: HeadView) => void): () => void {
  const { events } = context.node;
  let told: { readonly parts: object; readonly height: number } | undefined;
  const tell = (head: HeadView): void => {
    const { parts } = context; // Others after a reset, which begins at genesis again.
    if (told?.parts === parts && head.height <= told.height) return;
    told = { parts, height: head.height };
    push(head);
  };
  push(statusOf(context).head);
  if (context.node.isOpen()) {
    told = { parts: context.parts, height: context.source().head().header.height };
  }
  return both(
    events.on('head', (event) => {
      if (context.source().kind === 'chain') tell(headViewOfEvent(event));
    }),
    events.on('light', () => {
      if (context.node.isOpen()) tell(statusOf(context).head);
    }),
  );
}

/** Sources of all subscriptions; each says at once how things are. */
export function topicSources(context: NodeContext): TopicSources {
  const { events } = context.node;
  return {
    heads: (_params, push) => headsOf(context, push),
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
      let told: string | undefined;
      const tell = inOrder(async () => {
        const account = await accountOf(context, address);
        const words = wordsOf(account);
        if (words !== told) push(account);
        told = words;
      });
      tell.ask();
      const stops = [
        events.on('head', (event) => {
          if (context.source().kind === 'chain' && concerns(event, address)) tell.ask();
        }),
        // Of blocks that others executed nobody says here whom they concern.
        events.on('light', () => {
          if (context.node.isOpen() && context.source().kind === 'light') tell.ask();
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
      const tell = (): void => push(statusOf(context));
      tell();
      return both(events.on('status', tell), events.on('light', tell));
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
