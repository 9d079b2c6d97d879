import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { KeyValueInput, KeyValueOutput } from './checker/key-value.ts';
import { keyValueModel } from './checker/key-value.ts';
import { checkLinearizable } from './checker/linearizability.ts';
import type { Operation } from './checker/model.ts';
import type { RegisterInput, RegisterOutput } from './checker/register.ts';
import { registerModel } from './checker/register.ts';

/** A log whose verdict is known. */
export type PublicHistory = {
  readonly name: string;
  readonly linearizable: boolean;
  readonly log: string;
};

/** Reads histories from a file, or from every `.json` and `.json.gz` file of a folder. */
export async function loadPublicHistories(path: string): Promise<PublicHistory[]> {
  const isFolder = (await stat(path)).isDirectory();
  const names = isFolder ? (await readdir(path)).sort() : [''];
  const histories: PublicHistory[] = [];
  for (const name of names.filter((each) => !isFolder || /\.json(\.gz)?$/.test(each))) {
    const file = join(path, name);
    const bytes = await readFile(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    for (const one of JSON.parse(text) as unknown[]) histories.push(historyOf(one, file));
  }
  return histories;
}

function historyOf(json: unknown, file: string): PublicHistory {
  // `as`: looked at member by member just below.
  const { name, linearizable, log } = json as { readonly [name: string]: unknown };
  if (typeof name === 'string' && typeof linearizable === 'boolean' && typeof log === 'string') {
    return { name, linearizable, log };
  }
  throw new Error(`no history: an entry of ${file}`);
}

/** The checker's own opinion; undecided counts as wrong whatever was expected. */
export function judgePublicHistory({ log }: PublicHistory): boolean | 'undecided' {
  const isKeyValue = log.trimStart().startsWith('{');
  const { kind } = isKeyValue
    ? checkLinearizable(keyValueModel, parseKeyValueLog(log))
    : checkLinearizable(registerModel, parseRegisterLog(log));
  return kind === 'undecided' ? kind : kind === 'linearizable';
}

/** Calls on the way, by client. */
class Calls<Input, Output> {
  readonly #open = new Map<number, { readonly input: Input; readonly invokedAt: number }>();
  readonly done: Operation<Input, Output>[] = [];

  invoke(client: number, input: Input, invokedAt: number): void {
    this.#open.set(client, { input, invokedAt });
  }

  settle(client: number, output: Output, returnedAt: number): void {
    const call = this.#open.get(client);
    if (call === undefined) throw new Error(`a return without a call, line ${returnedAt + 1}`);
    this.#open.delete(client);
    this.done.push({ client, ...call, output, returnedAt });
  }

  /** Calls whose end is not in the log may have taken effect at any later time, or never. */
  leave(output: Output): Operation<Input, Output>[] {
    const open = [...this.#open].map(([client, call]) => ({
      ...{ client, ...call, output },
      returnedAt: Infinity,
    }));
    return [...this.done, ...open];
  }
}

const REGISTER_LINE =
  /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(\S.*?)\s*$/;

/** Log of Jepsen's test of etcd: one register. */
function parseRegisterLog(log: string): Operation<RegisterInput, RegisterOutput>[] {
  const calls = new Calls<RegisterInput, RegisterOutput>();
  for (const [at, line] of log.split('\n').entries()) {
    const [, client, type, name, value = ''] = REGISTER_LINE.exec(line) ?? [];
    // `info` ends nothing: the operation may take effect at any later time.
    if (client === undefined || type === 'info') continue;
    const numbers = (value.match(/\d+/g) ?? []).map(Number);
    if (type === 'invoke') calls.invoke(Number(client), registerInput(name, numbers), at);
    else calls.settle(Number(client), registerOutput({ name, type, value, numbers }), at);
  }
  return calls.leave({ kind: 'unknown' });
}

function registerInput(name: string | undefined, numbers: readonly number[]): RegisterInput {
  const [first = 0, second = 0] = numbers;
  if (name === 'write') return { kind: 'write', value: first };
  if (name === 'cas') return { kind: 'compare-and-set', from: first, to: second };
  return { kind: 'read' };
}

function registerOutput(line: {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly value: string;
  readonly numbers: readonly number[];
}): RegisterOutput {
  const { name, type, value, numbers } = line;
  if (value === ':timed-out') return { kind: 'unknown' };
  if (name === 'read') return { kind: 'read', value: numbers[0] };
  return { kind: 'done', isSet: type === 'ok' };
}

const KEY_VALUE_LINE =
  /^\{:process (\d+), :type :(\w+), :f :(\w+), :key "([^"]*)", :value (?:nil|"([^"]*)")\}$/;

/** Log of a map's clients. */
function parseKeyValueLog(log: string): Operation<KeyValueInput, KeyValueOutput>[] {
  const calls = new Calls<KeyValueInput, KeyValueOutput>();
  for (const [at, line] of log.split('\n').entries()) {
    const [, client, type, name, key = '', value] = KEY_VALUE_LINE.exec(line) ?? [];
    if (client === undefined) continue;
    if (type === 'invoke') {
      const isGet = name === 'get';
      const kind = name === 'put' ? 'put' : 'append';
      calls.invoke(
        Number(client),
        isGet ? { kind: 'get', key } : { kind, key, value: value ?? '' },
        at,
      );
    } else if (type === 'ok') {
      calls.settle(Number(client), { value: name === 'get' ? (value ?? '') : undefined }, at);
    }
  }
  return calls.leave({ value: undefined });
}
