import type { Page } from '@playwright/test';

/** A task of the page's main thread. */
export type Task = {
  /** Whether the screen showed a height of the node already, or was being opened. */
  readonly isSyncing: boolean;
  readonly durationMs: number;
  /** Without the time in which other threads had the core. */
  readonly processorMs: number;
  /** What took most of it: names of nested events of the trace, longest first. */
  readonly within: readonly string[];
};

export type TaskRecording = {
  /** Ends the recording; the tasks so far, longest first. */
  end(): Promise<readonly Task[]>;
};

/** One complete event of a trace, times in microseconds. */
type TraceEvent = {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
};

const CATEGORIES = ['toplevel', 'devtools.timeline', 'v8', 'blink', 'blink.user_timing'];
/** The page sets this mark when it first shows a height of its node; it names its thread as well. */
export const SYNCING_MARK = 'tabellion-syncing';

/** Records every task that the main thread of a page's process runs. */
export async function recordTasks(page: Page): Promise<TaskRecording> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    // Events as the trace format names them.
    events.push(...(value as unknown as readonly TraceEvent[]));
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES, recordMode: 'recordContinuously' },
  });
  return {
    async end() {
      const complete = new Promise<void>((resolve) => {
        session.once('Tracing.tracingComplete', () => resolve());
      });
      await session.send('Tracing.end');
      await complete;
      await session.detach();
      return tasksOf(events);
    },
  };
}

function isTask(name: string): boolean {
  return name === 'RunTask' || name === 'ThreadControllerImpl::RunTask';
}

function tasksOf(events: readonly TraceEvent[]): readonly Task[] {
  const marked = events.find(({ name }) => name === SYNCING_MARK);
  if (marked === undefined) throw new Error('the page showed no height');
  const { pid, tid } = marked;
  const own = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X');
  return own
    .filter(({ name }) => isTask(name))
    .sort((left, right) => (right.dur ?? 0) - (left.dur ?? 0))
    .map(({ ts, dur = 0, tdur = dur }, index) => {
      const nested = index >= 5 ? [] : own.filter((each) => isWithin(each, ts, ts + dur));
      return {
        isSyncing: ts + dur >= marked.ts,
        durationMs: dur / 1000,
        processorMs: tdur / 1000,
        within: nested
          .sort((left, right) => (right.dur ?? 0) - (left.dur ?? 0))
          .slice(0, 6)
          .map((each) => `${each.name} ${Math.round((each.dur ?? 0) / 1000)}`),
      };
    });
}

function isWithin({ name, ts, dur = 0 }: TraceEvent, from: number, to: number): boolean {
  return !isTask(name) && ts >= from && ts + dur <= to && dur > 1000;
}
