import type { JsonObject } from '../base/index.ts';
import { assert, defined, isJsonObject } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { Refusal } from '../codec/index.ts';
import type { AnyActionDefinition, AnyModule } from './module.ts';
import type { Action } from './types.ts';

/** An action together with the module it belongs to. */
export type RegisteredAction = {
  readonly module: AnyModule;
  readonly definition: AnyActionDefinition;
  /** `module.action`. */
  readonly kind: string;
  /** Kinds of the module's logs, `module.log`, by their second half. */
  readonly logKinds: ReadonlyMap<string, string>;
};

/** All modules of a ledger, found by name and by number. */
export type ModuleRegistry = {
  readonly modules: readonly AnyModule[];
  readonly actions: readonly RegisteredAction[];
  actionOfKind(kind: string): RegisteredAction | undefined;
  actionOfNumbers(module: number, action: number): RegisteredAction | undefined;
};

/** Collects modules; their order does not matter, their numbers and names must differ. */
export function createModuleRegistry(modules: readonly AnyModule[]): ModuleRegistry {
  const sorted = [...modules].sort((left, right) => left.number - right.number);
  const byKind = new Map<string, RegisteredAction>();
  const byNumbers = new Map<number, RegisteredAction>();
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const module of sorted) {
    assert(module.number >= 1 && module.number <= 255, `module number ${module.number}`);
    assert(!names.has(module.name) && !numbers.has(module.number), `module ${module.name} twice`);
    names.add(module.name);
    numbers.add(module.number);
    const logKinds = new Map(
      Object.keys(module.logs).map((name) => [name, `${module.name}.${name}`]),
    );
    for (const definition of module.actions) {
      const kind = `${module.name}.${definition.name}`;
      const { shape } = definition.fields;
      assert(shape.kind === 'struct', `fields of ${kind} must be a struct`);
      assert(!shape.fields.some(({ name }) => name === 'kind'), `${kind} has a field named kind`);
      const place = module.number * 256 + definition.number;
      assert(!byKind.has(kind) && !byNumbers.has(place), `action ${kind} twice`);
      const action = { module, definition, kind, logKinds };
      byKind.set(kind, action);
      byNumbers.set(place, action);
    }
  }
  return {
    modules: sorted,
    actions: [...byKind.values()],
    actionOfKind: (kind) => byKind.get(kind),
    actionOfNumbers: (module, action) => byNumbers.get(module * 256 + action),
  };
}

/**
 * The codec of every action of some modules: module number u8 ‖ action number u8 ‖ fields;
 * `{kind: 'module.action', ...fields}` in memory and in JSON. Its shape is a union, so forms,
 * sheets and explorers can be drawn from it.
 */
export function createActionCodec(registry: ModuleRegistry): Codec<Action> {
  const ofValue = (value: Action): RegisteredAction =>
    defined(registry.actionOfKind(value.kind), `unknown action ${value.kind}`);
  return {
    shape: {
      kind: 'union',
      name: 'Action',
      variants: registry.actions.map((action) => ({
        name: action.kind,
        shape: action.definition.fields.shape,
      })),
    },
    write(writer, value) {
      const action = ofValue(value);
      writer.u8(action.module.number);
      writer.u8(action.definition.number);
      fieldsCodec(action).write(writer, value);
    },
    read(reader) {
      const at = reader.at;
      const module = reader.u8();
      const action = registry.actionOfNumbers(module, reader.u8());
      if (action === undefined) throw new Refusal('unknown-variant', at);
      // Fields are structs: an object of their own, to which the kind is added.
      const value = fieldsCodec(action).read(reader) as { kind?: string };
      value.kind = action.kind;
      return value as Action; // It has a kind now.
    },
    toJson(value) {
      const fields = fieldsCodec(ofValue(value)).toJson(value) as JsonObject; // A struct's form.
      return { kind: value.kind, ...fields };
    },
    fromJson(json, path) {
      if (!isJsonObject(json)) throw new Refusal('json-malformed', path);
      const { kind, ...rest } = json;
      const action = typeof kind === 'string' ? registry.actionOfKind(kind) : undefined;
      if (action === undefined) throw new Refusal('unknown-variant', path);
      const fields = fieldsCodec(action).fromJson(rest, path) as object; // A struct's value.
      return { ...fields, kind: action.kind };
    },
  };
}

/** The codec of an action's fields, by someone who does not know their type. */
function fieldsCodec(action: RegisteredAction): Codec<unknown> {
  // Whatever it reads, it also writes; no other value is ever handed to it.
  return action.definition.fields as unknown as Codec<unknown>;
}
