import type { Json } from '../../base/index.ts';
import { isJsonObject, parseJsonText } from '../../base/index.ts';
import { Input, Unusable } from './input.ts';
import type { ConformanceHome } from './operation.ts';
import { OPERATIONS } from './operations.ts';

export type { ConformanceHome } from './operation.ts';

/** Longest line that is looked at. */
const LINE_CHARACTERS_MAX = 16 * 1024 * 1024;

function failed(code: string, member?: string): Json {
  return { ok: false, error: member === undefined ? { code } : { code, member } };
}

function help(): Json {
  const operations = Object.entries(OPERATIONS).map(([op, { summary, input, result }]) => ({
    op,
    summary,
    input,
    result,
  }));
  return { ok: true, result: { operations } };
}

/** Answers one line `{"op", "input"}` with `{"ok": true, "result"}` or a code. Never rejects. */
export async function answerConformance(line: string, home: ConformanceHome): Promise<Json> {
  if (line.length > LINE_CHARACTERS_MAX) return failed('line-too-long');
  const request = parseJsonText(line);
  const op = isJsonObject(request) ? request.op : undefined;
  if (!isJsonObject(request) || typeof op !== 'string') return failed('line-malformed');
  if (op === 'help') return help();
  const operation = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : undefined;
  if (operation === undefined) return failed('operation-unknown');
  try {
    return { ok: true, result: await operation.run(new Input(request.input), home) };
  } catch (error) {
    if (error instanceof Unusable) return failed(error.code, error.member);
    // A bug of ours; the lines after this one are answered all the same.
    return failed('internal-error');
  }
}
