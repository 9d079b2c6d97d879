import type { ErrorData, Json, JsonObject, Result } from '../base/index.ts';
import {
  errorFromData,
  errorToData,
  fail,
  isJsonObject,
  ok,
  parseJsonText,
  TabellionError,
} from '../base/index.ts';
import {
  ANSWER_DEPTH_MAX,
  BATCH_MAX,
  ID_CHARACTERS_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_DEPTH_MAX,
} from './limits.ts';

/** JSON-RPC 2.0 §4: what ties an answer to its question. */
export type RpcId = string | number | null;

/** Runs one method. Rejects with `TabellionError`, whose code becomes `error.data.code`. */
export type Dispatch = (call: {
  readonly method: string;
  readonly params: Json | undefined;
  /** Absent for a notification. */
  readonly id: RpcId | undefined;
}) => Promise<Json>;

/** Numbers and words of JSON-RPC 2.0 §5.1; every other code is a refusal of ours, -32000. */
const STANDARD: { readonly [code: string]: readonly [number, string] } = {
  'parse-error': [-32700, 'Parse error'],
  'request-invalid': [-32600, 'Invalid Request'],
  'request-too-large': [-32600, 'Invalid Request'],
  'request-too-deep': [-32600, 'Invalid Request'],
  'batch-too-long': [-32600, 'Invalid Request'],
  'method-not-found': [-32601, 'Method not found'],
  'params-invalid': [-32602, 'Invalid params'],
  'internal-error': [-32603, 'Internal error'],
  'rate-limited': [-32005, 'Limit exceeded'],
  'too-many-calls': [-32005, 'Limit exceeded'],
  'too-many-subscriptions': [-32005, 'Limit exceeded'],
};
const REFUSED = -32000;

/** The error member of an answer (§5.1): our public code and facts stand in `data`. */
export function errorMember(data: ErrorData): JsonObject {
  const standard = Object.hasOwn(STANDARD, data.code) ? STANDARD[data.code] : undefined;
  const [code, message] = standard ?? [REFUSED, data.message];
  return { code, message, data: { code: data.code, facts: data.facts } };
}

/** An answer that reports a failure. */
export function errorResponse(id: RpcId, data: ErrorData): JsonObject {
  return { jsonrpc: '2.0', error: errorMember(data), id };
}

/** Rebuilds the failure from the error member of an answer; of too many levels it is none. */
export function errorFromMember(member: Json | undefined): TabellionError {
  if (!isJsonObject(member) || isTooDeep(member, ANSWER_DEPTH_MAX))
    return new TabellionError('answer-malformed');
  const { data, message, code } = member;
  const words = typeof message === 'string' ? message : '';
  if (isJsonObject(data) && typeof data.code === 'string') {
    const facts = isJsonObject(data.facts) ? data.facts : {};
    return errorFromData({ code: data.code, facts, message: words });
  }
  return new TabellionError('internal-error', { jsonRpcCode: code ?? null }, { message: words });
}

/**
 * Reads request text. Size and nesting are judged before the parser runs, so neither a long nor
 * a deep text costs more than one walk over its characters.
 */
export function parseRequest(source: string): Result<Json, ErrorData> {
  if (source.length > REQUEST_BYTES_MAX) {
    return fail(errorToData(new TabellionError('request-too-large', { max: REQUEST_BYTES_MAX })));
  }
  if (isDeeper(source, REQUEST_DEPTH_MAX)) {
    return fail(errorToData(new TabellionError('request-too-deep', { max: REQUEST_DEPTH_MAX })));
  }
  // Even `__proto__` becomes an own member; readers ask with `Object.hasOwn`.
  const json = parseJsonText(source);
  return json === undefined ? fail(errorToData(new TabellionError('parse-error'))) : ok(json);
}

/** Whether brackets outside strings nest deeper than `max`. */
function isDeeper(source: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < source.length; at++) {
    const character = source.charCodeAt(at);
    if (inString) {
      if (character === 0x5c)
        at++; // A backslash: what it escapes closes nothing.
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x5b || character === 0x7b) {
      depth++;
      if (depth > max) return true;
    } else if (character === 0x5d || character === 0x7d) depth--;
  }
  return false;
}

/** As {@link parseRequest}, for a value that came as a structured clone. */
export function isTooDeep(json: Json, max: number = REQUEST_DEPTH_MAX): boolean {
  if (typeof json !== 'object' || json === null) return false;
  if (max === 0) return true;
  return Object.values(json).some((each: Json) => isTooDeep(each, max - 1));
}

/** How answers are told: each is made at once, so that a batch holds no more than it must. */
export type AnswerForm<Form> = {
  one(answer: JsonObject): Form;
  many(answers: readonly Form[]): Form;
};

/** Answers as they are, for structured clones. */
export const JSON_FORM: AnswerForm<Json> = { one: (each) => each, many: (answers) => answers };

/** Answers as text: a tenth of the memory of the objects it was made from. */
export const TEXT_FORM: AnswerForm<string> = {
  one: (each) => JSON.stringify(each),
  many: (answers) => `[${answers.join(',')}]`,
};

/**
 * Answers one request or batch (JSON-RPC 2.0 §4, §6).
 *
 * @returns `undefined` when nothing is to be said: only notifications were sent.
 */
export async function answer<Form>(
  request: Json,
  dispatch: Dispatch,
  form: AnswerForm<Form>,
): Promise<Form | undefined> {
  const answerInForm = async (each: Json): Promise<Form | undefined> => {
    const said = await answerOne(each, dispatch);
    return said === undefined ? undefined : form.one(said);
  };
  if (!Array.isArray(request)) return answerInForm(request);
  const batch: readonly Json[] = request;
  if (batch.length === 0) return form.one(refuse('request-invalid'));
  if (batch.length > BATCH_MAX) return form.one(refuse('batch-too-long', { max: BATCH_MAX }));
  const answers = await Promise.all(batch.map(answerInForm));
  const said = answers.filter((each) => each !== undefined);
  return said.length === 0 ? undefined : form.many(said);
}

function refuse(code: string, facts: JsonObject = {}, id: RpcId = null): JsonObject {
  return errorResponse(id, errorToData(new TabellionError(code, facts)));
}

function isId(id: Json): id is RpcId {
  if (typeof id === 'string') return id.length <= ID_CHARACTERS_MAX;
  return id === null || typeof id === 'number';
}

async function answerOne(request: Json, dispatch: Dispatch): Promise<JsonObject | undefined> {
  if (!isJsonObject(request)) return refuse('request-invalid');
  const own = (name: string): Json | undefined =>
    Object.hasOwn(request, name) ? request[name] : undefined;
  const id = own('id');
  const method = own('method');
  const params = own('params');
  if (id !== undefined && !isId(id)) return refuse('request-invalid');
  const isWellFormed =
    own('jsonrpc') === '2.0' &&
    typeof method === 'string' &&
    (params === undefined || (typeof params === 'object' && params !== null));
  if (!isWellFormed) return refuse('request-invalid', {}, id ?? null);
  try {
    const result = await dispatch({ method, params, id });
    return id === undefined ? undefined : { jsonrpc: '2.0', result, id };
  } catch (error) {
    return id === undefined ? undefined : errorResponse(id, errorToData(error));
  }
}
