import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, formatHex } from '../../base/index.ts';
import { cappedBy } from '../format/standing.ts';
import type {
  Client,
  Input,
  MethodName,
  ParamsOf,
  ResultOf,
  TopicEvent,
  TopicName,
  TopicParams,
} from './client.ts';
import { useLive } from './live.ts';
import { createPace, DRAW_INTERVAL_MS } from './pace.ts';
import { useClient } from './services.ts';

/**
 * What is known of an answer: the last value stays while it is asked again, and is worth no more
 * than the node says of itself now; *Cached* where the node no longer answers the question.
 */
export type Answer<Value> = {
  readonly value: Value | undefined;
  readonly error: ErrorData | undefined;
  readonly isAsking: boolean;
  readonly askAgain: () => void;
};

type AskOptions = {
  /** Asks again at each new head, at most once a second. */
  readonly isLive?: boolean;
  /** Asks nothing while false. */
  readonly isEnabled?: boolean;
};

const FOLLOW_INTERVAL_MS = 1000;
const ANSWERS_MAX = 200;
/** Last answers of this visit, so that going back shows at once what was known. */
const answers = new Map<string, unknown>();

/** A text equal for equal questions. */
export function questionKey(name: string, params: unknown): string {
  return `${name} ${JSON.stringify(params, (_, value: unknown) => {
    if (value instanceof Uint8Array) return formatHex(value);
    return typeof value === 'bigint' ? value.toString() : value;
  })}`;
}

function remember(key: string, value: unknown): void {
  answers.delete(key);
  answers.set(key, value);
  if (answers.size > ANSWERS_MAX) {
    const oldest = answers.keys().next();
    if (oldest.done !== true) answers.delete(oldest.value);
  }
}

/** Asks the node a question and redraws with the answer. */
export function useAsk<Name extends MethodName>(
  name: Name,
  params: Input<ParamsOf<Name>>,
  { isLive = false, isEnabled = true }: AskOptions = {},
): Answer<ResultOf<Name>> {
  const client = useClient();
  const key = questionKey(name, params);
  // Only answers to this very question are stored under its key.
  const known = answers.get(key) as ResultOf<Name> | undefined;
  const [answer, setAnswer] = useState<{ key: string; value?: ResultOf<Name>; error?: ErrorData }>({
    key,
  });
  const [turn, setTurn] = useState(0);
  const question = useRef(params);
  question.current = params;
  const head = useLive((live) => (isLive ? live.headCount : 0));
  // What was asked while the node was opening its store is asked again once it answers.
  const isOpen = useLive((live) => live.status !== undefined && live.status.stage !== 'starting');
  // Asked again when the node says less, or more, of itself.
  const trust = useLive((live) => live.status?.trust);
  const lastAskedMs = useRef(0);
  const lastTrust = useRef(trust);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the parameters.
  useEffect(() => {
    if (client === undefined || !isEnabled) return;
    const stop = new AbortController();
    const sinceMs = Date.now() - lastAskedMs.current;
    // A head may wait for the next one; figures that are worth more, or less, may not.
    const isPaced = head > 0 && answers.has(key) && trust === lastTrust.current;
    const waitMs = isPaced ? Math.max(0, FOLLOW_INTERVAL_MS - sinceMs) : 0;
    const ask = async () => {
      lastAskedMs.current = Date.now();
      lastTrust.current = trust;
      try {
        const value = await callOf(client, name, question.current, stop.signal);
        remember(key, value);
        if (!stop.signal.aborted) setAnswer({ key, value });
      } catch (error) {
        if (!stop.signal.aborted)
          setAnswer((last) => ({ ...last, key, error: errorToData(error) }));
      }
    };
    const timer = setTimeout(ask, waitMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [client, key, isEnabled, turn, head, isOpen, trust]);

  const isCurrent = answer.key === key;
  const last = (isCurrent ? answer.value : undefined) ?? known;
  const error = isCurrent ? answer.error : undefined;
  const trustMax = error === undefined ? trust : 'cached';
  const value = useMemo(() => cappedBy(last, trustMax), [last, trustMax]);
  return {
    value,
    error,
    isAsking: isEnabled && value === undefined && error === undefined,
    askAgain: useCallback(() => setTurn((count) => count + 1), []),
  };
}

function callOf<Name extends MethodName>(
  client: Client,
  name: Name,
  params: Input<ParamsOf<Name>>,
  signal: AbortSignal,
): Promise<ResultOf<Name>> {
  return client.call(name, params, { signal });
}

/** Listens to a topic while drawn; the newest event, ten times a second at most. */
export function useTopic<Name extends TopicName>(
  name: Name,
  params: Input<TopicParams<Name>>,
  isEnabled = true,
): TopicEvent<Name> | undefined {
  const client = useClient();
  const key = questionKey(name, params);
  const [event, setEvent] = useState<{ key: string; value: TopicEvent<Name> }>();
  const question = useRef(params);
  question.current = params;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the parameters.
  useEffect(() => {
    if (client === undefined || !isEnabled) return;
    let newest: TopicEvent<Name> | undefined;
    const draw = () => setEvent(newest === undefined ? undefined : { key, value: newest });
    const pace = createPace(draw, DRAW_INTERVAL_MS);
    const end = client.subscribe(name, question.current, (value) => {
      newest = value;
      pace.ask();
    });
    return () => {
      end();
      pace.stop();
    };
  }, [client, key, isEnabled]);
  const trust = useLive((live) => live.status?.trust);
  const value = event?.key === key ? event.value : undefined;
  return useMemo(() => cappedBy(value, trust), [value, trust]);
}
