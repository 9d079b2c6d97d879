import type { TabellionNode } from '../../node/index.ts';
import type { CallContext, MethodHandlers, RpcHandlers, TopicSources } from '../handlers.ts';
import { accountMethods } from './account-methods.ts';
import { chainMethods } from './chain-methods.ts';
import { NodeContext } from './context.ts';
import { lightMethods } from './light-methods.ts';
import { nodeMethods } from './node-methods.ts';
import { topicSources } from './topics.ts';

/** Answers every question of the table from a node in this process. */
export function createNodeHandlers(node: TabellionNode): RpcHandlers {
  const own = new NodeContext(node);
  const strangers = own.forStrangers();
  return {
    methods: byAccess<MethodHandlers>(methodsOf(own), methodsOf(strangers), 1),
    topics: byAccess<TopicSources>(topicSources(own), topicSources(strangers), 2),
  };
}

function methodsOf(context: NodeContext): MethodHandlers {
  return {
    ...nodeMethods(context),
    ...chainMethods(context),
    ...accountMethods(context),
    ...lightMethods(context),
  };
}

type AnyCall = (...args: readonly unknown[]) => unknown;

/** Operators get the answers of one table, strangers those of the other. */
function byAccess<Table extends MethodHandlers | TopicSources>(
  own: Table,
  strangers: Table,
  /** Where in a call's arguments it says who asks. */
  contextAt: number,
): Table {
  // `as`: a walk over the table erases which arguments belong to which name; both tables agree.
  const owns = own as unknown as { readonly [name: string]: AnyCall };
  const theirs = strangers as unknown as { readonly [name: string]: AnyCall };
  const calls = Object.keys(owns).map((name) => {
    const call: AnyCall = (...args) => {
      const { access } = args[contextAt] as CallContext; // By the type of both tables.
      return (access === 'operator' ? owns : theirs)[name]?.(...args);
    };
    return [name, call] as const;
  });
  return Object.fromEntries(calls) as unknown as Table; // As above.
}
