import type { TabellionNode } from '../../node/index.ts';
import type { RpcHandlers } from '../handlers.ts';
import { accountMethods } from './account-methods.ts';
import { chainMethods } from './chain-methods.ts';
import { NodeContext } from './context.ts';
import { lightMethods } from './light-methods.ts';
import { nodeMethods } from './node-methods.ts';
import { topicSources } from './topics.ts';

/** Answers every question of the table from a node in this process. */
export function createNodeHandlers(node: TabellionNode): RpcHandlers {
  const context = new NodeContext(node);
  return {
    methods: {
      ...nodeMethods(context),
      ...chainMethods(context),
      ...accountMethods(context),
      ...lightMethods(context),
    },
    topics: topicSources(context),
  };
}
