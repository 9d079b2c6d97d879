import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import type { Prng } from '../../simulator/prng.ts';
import { createPrng } from '../../simulator/prng.ts';
import type { Breeder } from './inputs.ts';
import { breederOf } from './inputs.ts';
import type { Finding, Input, Report, Session, Target, Verdict } from './types.ts';
import { Broken, codeOf } from './types.ts';

/** CPU time that one execution may take, unless told otherwise. */
const CPU_MS_MAX = 250;
/** Memory outside the heap that a batch may leave behind. */
const EXTERNAL_BYTES_MAX = 256 * 1024 * 1024;
const BATCH = 256;
/** Findings after which a target has shown enough. */
const FINDINGS_MAX = 10;
/** Executions spent on making one finding smaller. */
const SIMPLIFY_RUNS_MAX = 600;
const SIMPLIFY_MS_MAX = 10_000;
/** Verdicts told apart; beyond, new ones are counted by their code only. */
const VERDICTS_MAX = 20_000;
/** Batches that cost too much whose inputs were tried one by one, and none was to blame. */
const VAIN_LOOKS_MAX = 16;
/** Longest input kept as a parent. */
const PARENT_LENGTH_MAX = 8 * 1024;

export type FuzzOptions = {
  readonly runs: number;
  readonly seed: number;
  /** Ends earlier; the count of runs then depends on the machine. */
  readonly seconds?: number;
  /** CPU time that one execution may take, alone or in a batch; default 250 ms. */
  readonly cpuMsMax?: number;
  /** Told now and then. */
  readonly onProgress?: (runs: number, seconds: number) => void;
  /** Told of the input about to be executed, or of the first of a batch. */
  readonly onBegin?: (input: Input) => void;
};

/** Rejections that nobody handled, since the last look. */
class Unhandled {
  readonly #errors: unknown[] = [];
  readonly #listener = (error: unknown) => {
    this.#errors.push(error);
  };

  listen(): void {
    process.on('unhandledRejection', this.#listener);
  }

  /** Rejections are told after the microtasks of their turn. */
  async take(): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#errors.splice(0)[0];
  }

  stop(): void {
    process.off('unhandledRejection', this.#listener);
  }
}

/** CPU time of this thread; of the whole process where the platform tells no more. */
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
};

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 200);
  const place = /at .*?\/(src\/(?!fuzz\/)[^\s)]+)/.exec(error.stack ?? '')?.[1];
  const name = error instanceof Broken ? '' : `${error.name}: `;
  return `${name}${error.message}${place === undefined ? '' : ` (${place})`}`.slice(0, 300);
}

/** What went wrong with an execution. */
type Outcome = { readonly kind: Finding['kind']; readonly message: string };

function failure(error: unknown): Outcome {
  return { kind: error instanceof Broken ? 'broken' : 'threw', message: messageOf(error) };
}

/** One target being fuzzed. */
class Campaign {
  readonly #target: Target;
  readonly #options: FuzzOptions;
  readonly #prng: Prng;
  readonly #breeder: Breeder;
  readonly #unhandled = new Unhandled();
  readonly #verdicts = new Map<Verdict, number>();
  readonly #codes = new Map<string, number>();
  readonly #findings = new Map<string, Finding>();
  #session: Session<Input>;
  #seeds: Input[];
  #runs = 0;
  #kept = 0;
  #isGivenUp = false;
  /** CPU time of the batches so far, of targets that take many inputs at once. */
  readonly #batches = { count: 0, cpuMs: 0, vainLooks: 0 };

  constructor(target: Target, options: FuzzOptions, session: Session<Input>) {
    this.#target = target;
    this.#options = options;
    this.#prng = createPrng(options.seed);
    this.#session = session;
    this.#seeds = [...session.seeds];
    this.#breeder = breederOf(target.kind, session.seeds);
  }

  async run(): Promise<Report> {
    const { runs, seconds = Number.POSITIVE_INFINITY, onProgress, seed } = this.#options;
    const startedMs = performance.now();
    const elapsed = () => (performance.now() - startedMs) / 1000;
    this.#unhandled.listen();
    let batches = 0;
    const isDone = () => this.#isGivenUp || this.#findings.size >= FINDINGS_MAX;
    while (this.#runs < runs && elapsed() < seconds && !isDone()) {
      const inputs = this.#next(Math.min(this.#session.batch ?? BATCH, runs - this.#runs));
      await this.#execute(inputs);
      this.#runs += inputs.length;
      batches += 1;
      // A turn of the event loop: rejections come to light, and signals are heard.
      if (this.#session.run === undefined || batches % 64 === 0)
        await this.#lookForUnhandled(inputs);
      onProgress?.(this.#runs, elapsed());
    }
    await this.#session.close?.();
    this.#unhandled.stop();
    for (const [verdict, count] of this.#verdicts) this.#count(codeOf(verdict), count);
    return {
      target: this.#target.name,
      seed,
      runs: this.#runs,
      seconds: elapsed(),
      codes: new Map([...this.#codes].sort(([, left], [, right]) => right - left)),
      kept: this.#kept,
      findings: [...this.#findings.values()],
    };
  }

  #count(code: string, count: number): void {
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + count);
  }

  /** The seeds as they are first, then what is bred from them. */
  #next(count: number): Input[] {
    const inputs = this.#seeds.splice(0, count);
    while (inputs.length < count) inputs.push(this.#breeder.breed(this.#prng));
    return inputs;
  }

  async #execute(inputs: readonly Input[]): Promise<void> {
    const external = getHeapStatistics().external_memory;
    const { run } = this.#session;
    if (run === undefined) await this.#executeTogether(inputs);
    else await this.#executeEach(inputs, run);
    const grown = getHeapStatistics().external_memory - external;
    if (grown > EXTERNAL_BYTES_MAX) {
      await this.#found(inputs[0] ?? '', { kind: 'memory', message: 'a batch keeps much memory' });
    }
  }

  async #executeEach(inputs: readonly Input[], run: (input: Input) => Verdict): Promise<void> {
    const cpuMsMax = this.#options.cpuMsMax ?? CPU_MS_MAX;
    let atMs = performance.now();
    for (const input of inputs) {
      const outcome = this.#try(run, input);
      if (typeof outcome === 'string') this.#note(input, outcome);
      else await this.#found(input, outcome);
      const nowMs = performance.now();
      if (nowMs - atMs > cpuMsMax && this.#isSlow(() => this.#try(run, input), cpuMsMax)) {
        await this.#found(input, { kind: 'slow', message: 'one execution takes too long' });
        this.#isGivenUp = true; // More of the same would take the rest of the time.
        return;
      }
      atMs = performance.now();
    }
  }

  #try(run: (input: Input) => Verdict, input: Input): Outcome | Verdict {
    this.#options.onBegin?.(input);
    try {
      return run(input);
    } catch (error) {
      return failure(error);
    }
  }

  async #executeTogether(inputs: readonly Input[]): Promise<void> {
    const { runBatch } = this.#session;
    if (runBatch === undefined) throw new Error(`${this.#target.name} cannot be run`);
    this.#options.onBegin?.(inputs[0] ?? '');
    try {
      const before = cpuMs();
      const verdicts = await runBatch(inputs);
      const spentMs = cpuMs() - before;
      for (const [at, input] of inputs.entries()) {
        const verdict = verdicts[at];
        if (typeof verdict === 'string') this.#note(input, verdict);
        else await this.#found(input, failure(verdict));
      }
      await this.#lookForSlow(inputs, spentMs);
    } catch (error) {
      await this.#foundInBatch(inputs, failure(error));
    }
  }

  /** A batch that cost more than others do, and that by more than one input may: which one is it? */
  async #lookForSlow(inputs: readonly Input[], spentMs: number): Promise<void> {
    const { count, cpuMs: allMs, vainLooks } = this.#batches;
    const cpuMsMax = this.#options.cpuMsMax ?? CPU_MS_MAX;
    this.#batches.count += 1;
    this.#batches.cpuMs += spentMs;
    const usualMs = allMs / Math.max(1, count);
    if (spentMs <= usualMs + cpuMsMax || vainLooks >= VAIN_LOOKS_MAX) return;
    for (const input of inputs) {
      let leastMs = Number.POSITIVE_INFINITY;
      for (let times = 0; times < 3 && leastMs > cpuMsMax; times++) {
        leastMs = Math.min(leastMs, await this.#cpuMsAlone(input));
      }
      if (leastMs <= cpuMsMax) continue;
      this.#add(input, { kind: 'slow', message: 'one execution takes too long' }, true);
      this.#isGivenUp = true; // More of the same would take the rest of the time.
      return;
    }
    this.#batches.vainLooks += 1; // All together: that is what this target costs.
  }

  /** CPU time of one input in a session of its own, whose opening does not count. */
  async #cpuMsAlone(input: Input): Promise<number> {
    await this.#renew();
    const before = cpuMs();
    await this.#session.runBatch?.([input]);
    return cpuMs() - before;
  }

  #note(input: Input, verdict: Verdict): void {
    const count = this.#verdicts.get(verdict);
    if (count !== undefined) this.#verdicts.set(verdict, count + 1);
    else if (this.#verdicts.size >= VERDICTS_MAX) this.#count(codeOf(verdict), 1);
    else {
      this.#verdicts.set(verdict, 1);
      if (input.length > PARENT_LENGTH_MAX) return;
      this.#breeder.keep(input, this.#prng);
      this.#kept += 1;
    }
  }

  async #lookForUnhandled(inputs: readonly Input[]): Promise<void> {
    const error = await this.#unhandled.take();
    if (error === undefined) return;
    await this.#foundInBatch(inputs, { kind: 'unhandled', message: messageOf(error) });
  }

  /** Whether it is the input, not another program on this machine, nor a collection of memory. */
  #isSlow(execute: () => void, cpuMsMax: number): boolean {
    for (let times = 0; times < 3; times++) {
      const before = cpuMs();
      execute();
      if (cpuMs() - before <= cpuMsMax) return false;
    }
    return true;
  }

  /** A whole batch broke something: finds the input that does so alone, if one does. */
  async #foundInBatch(inputs: readonly Input[], outcome: Outcome): Promise<void> {
    for (const input of inputs) {
      const again = await this.#alone(input);
      if (again?.kind === outcome.kind) return await this.#found(input, again, true);
    }
    this.#add(inputs.at(-1) ?? '', outcome, false);
    await this.#renew();
  }

  /** What one input does in a session of its own. */
  async #alone(input: Input): Promise<Outcome | undefined> {
    await this.#renew();
    const { run, runBatch } = this.#session;
    try {
      if (run !== undefined) {
        const outcome = this.#try(run, input);
        if (typeof outcome !== 'string') return outcome;
      } else {
        const [verdict] = (await runBatch?.([input])) ?? [];
        if (verdict instanceof Error) return failure(verdict);
      }
    } catch (error) {
      return failure(error);
    }
    const error = await this.#unhandled.take();
    return error === undefined ? undefined : { kind: 'unhandled', message: messageOf(error) };
  }

  async #renew(): Promise<void> {
    if (this.#session.run !== undefined) return; // It holds nothing that an input could change.
    await this.#session.close?.();
    // The target's own session, whose inputs are of its kind.
    this.#session = (await this.#target.open(this.#options.seed)) as unknown as Session<Input>;
  }

  async #found(input: Input, outcome: Outcome, isKnownAlone = false): Promise<void> {
    if (this.#findings.has(keyOf(outcome))) return;
    const isQuick = outcome.kind === 'threw' || outcome.kind === 'broken';
    const again = isQuick && !isKnownAlone ? await this.#alone(input) : undefined;
    const isAlone = isKnownAlone || again?.kind === outcome.kind;
    this.#add(isAlone ? await this.#simplify(input, outcome) : input, outcome, isAlone);
  }

  #add(input: Input, outcome: Outcome, isAlone: boolean): void {
    const { kind, message } = outcome;
    const finding = { target: this.#target.name, kind, message, input, isAlone };
    this.#findings.set(keyOf(outcome), finding);
  }

  /** A smaller input that breaks the same. */
  async #simplify(input: Input, outcome: Outcome): Promise<Input> {
    let smallest = input;
    let left = SIMPLIFY_RUNS_MAX;
    const endMs = performance.now() + SIMPLIFY_MS_MAX;
    for (let isBetter = true; isBetter; ) {
      isBetter = false;
      for (const simpler of this.#breeder.simpler(smallest)) {
        left -= 1;
        if (left < 0 || performance.now() > endMs) return smallest;
        const again = await this.#alone(simpler);
        if (again === undefined || keyOf(again) !== keyOf(outcome)) continue;
        smallest = simpler;
        isBetter = true;
        break;
      }
    }
    return smallest;
  }
}

function keyOf(outcome: Outcome): string {
  return `${outcome.kind} ${outcome.message.replaceAll(/\d+/g, 'n')}`;
}

/** Fuzzes one target: the same seed and count of runs give the same inputs. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Report> {
  // The target's own session, whose inputs are of its kind.
  const session = (await target.open(options.seed)) as unknown as Session<Input>;
  return await new Campaign(target, options, session).run();
}

/** Executes inputs that once broke a law; the messages of those that still do. */
export async function replay(target: Target, inputs: readonly Input[]): Promise<string[]> {
  const broken: string[] = [];
  for (const input of inputs) {
    const session = (await target.open(1)) as unknown as Session<Input>; // As above.
    const before = cpuMs();
    try {
      const verdict = session.run?.(input) ?? (await session.runBatch?.([input]))?.[0];
      if (verdict instanceof Error) throw verdict;
      if (cpuMs() - before > 4 * CPU_MS_MAX) throw new Broken('takes too long');
    } catch (error) {
      broken.push(messageOf(error));
    }
    await session.close?.();
  }
  return broken;
}
