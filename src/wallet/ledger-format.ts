import type { Action, ActionClass } from '../ledger/index.ts';
import {
  builtinModules,
  createActionCodec,
  createModuleRegistry,
  transactionCodecs,
} from '../ledger/index.ts';

/** The modules of this version of the program: what it can put into words and sign. */
export const registry = createModuleRegistry(builtinModules);
export const actionCodec = createActionCodec(registry);
export const codecs = transactionCodecs(actionCodec);

/** Classes of action, mildest first. */
export const ACTION_CLASSES: readonly ActionClass[] = ['everyday', 'guarded', 'vault'];

/** The strictest class among some actions. */
export function actionClassOf(actions: readonly Action[]): ActionClass {
  const classes = actions.map((action) => {
    const definition = registry.actionOfKind(action.kind)?.definition;
    // The codec of this very action made its fields.
    return definition?.classOf(action as never) ?? 'everyday';
  });
  return ACTION_CLASSES.findLast((each) => classes.includes(each)) ?? 'everyday';
}
