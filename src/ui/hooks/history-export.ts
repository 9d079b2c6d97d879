import { useEffect, useRef, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { announce } from './announce.ts';
import type { Address } from './client.ts';
import { exportHistory } from './export-history.ts';
import { useLive } from './live.ts';
import { useClient } from './services.ts';

export type ExportForm = 'csv' | 'json';

/** The way of a history into a file. */
export type HistoryExport = {
  /** What is being written now. */
  readonly form: ExportForm | undefined;
  /** How far it is, or what the last one came to. */
  readonly words: string;
  readonly error: ErrorData | undefined;
  /** Whether there is something to ask, and a chain to name in the file: not at once on loading. */
  readonly isReady: boolean;
  /** Begins one, unless one is under way. */
  readonly save: (form: ExportForm) => void;
  readonly cancel: () => void;
};

/** Saves the history of an account as a file: one at a time, and none that nobody waits for. */
export function useHistoryExport(address: Address | undefined): HistoryExport {
  const client = useClient();
  const chain = useLive((live) => live.chain);
  const [form, setForm] = useState<ExportForm>();
  const [words, setWords] = useState('');
  const [error, setError] = useState<ErrorData>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const run = async (wanted: ExportForm) => {
    if (client === undefined || chain === undefined || address === undefined) return;
    if (stop.current !== undefined) return;
    const own = new AbortController();
    stop.current = own;
    setForm(wanted);
    setError(undefined);
    const { signal } = own;
    const say = (text: string) => {
      if (signal.aborted) return;
      setWords(text);
      announce(text);
    };
    try {
      say(await exportHistory(client, chain, address, { form: wanted, onProgress: say, signal }));
    } catch (caught) {
      setWords('');
      if (!signal.aborted) setError(errorToData(caught));
    } finally {
      stop.current = undefined;
      setForm(undefined);
    }
  };
  const cancel = () => {
    stop.current?.abort();
    setWords('');
    announce('Nothing was saved.');
  };
  const isReady = client !== undefined && chain !== undefined && address !== undefined;
  return { form, words, error, isReady, save: (wanted) => void run(wanted), cancel };
}
