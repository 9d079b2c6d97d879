import { errorToData } from '../base/index.ts';
import { loadConsent, storeConsent } from './mode-record.ts';
import type { NodeCore } from './parts.ts';
import type { NodeMode } from './source.ts';

/** `unneeded` while there is little to fetch, `unknown` while it is being asked. */
type State = 'unneeded' | 'unknown' | 'given' | 'missing';

export type ConsentOptions = {
  readonly core: NodeCore;
  /** Whether nothing was executed yet. */
  isFresh(): boolean;
  /** Whether there is so much to fetch that it is asked about. */
  isFarBehind(): boolean;
  mode(): NodeMode;
  /** The chain may be held back now, or no longer. */
  onChanged(): void;
};

/**
 * Whether much may be fetched: on a metered line or a low battery a person is asked first, when it
 * is about to begin. What a person said lasts until the mode changes.
 */
export class Consent {
  readonly #options: ConsentOptions;
  #state: State;
  /** A person gave it. */
  #isKept: boolean;
  #isRunning = false;

  private constructor(options: ConsentOptions, isKept: boolean) {
    this.#options = options;
    this.#isKept = isKept;
    this.#state = 'unneeded';
    if (isKept || !this.#canAsk()) this.#state = 'given';
    else if (options.isFresh()) this.#state = 'unknown';
  }

  /** Whether a person agreed to a mode in a former life. */
  static wasGiven(core: NodeCore, mode: NodeMode): Promise<boolean> {
    return loadConsent(core, mode);
  }

  static create(options: ConsentOptions, wasGiven: boolean): Consent {
    return new Consent(options, wasGiven);
  }

  /** Whether there is anybody to ask. A validator has to follow, whatever it costs. */
  #canAsk(): boolean {
    const { home, options } = this.#options.core;
    return home.mayPromote !== undefined && options.signer === undefined;
  }

  /** Whether the chain stays where it is until somebody agrees. */
  isHolding(): boolean {
    return this.#state === 'unknown' || this.#state === 'missing';
  }

  isMissing(): boolean {
    return this.#state === 'missing';
  }

  start(): void {
    this.#isRunning = true;
    if (this.#state === 'unknown' && this.#options.mode() !== 'light') this.#ask();
  }

  pause(): void {
    this.#isRunning = false;
  }

  /** The newest proven block, or our own, is another one. */
  weigh(): void {
    const { isFarBehind, isFresh, mode, onChanged } = this.#options;
    if (!this.#isRunning || !this.#canAsk() || this.#isKept) return;
    const isFar = isFarBehind();
    if (this.#state === 'unneeded' && isFar && mode() !== 'light') {
      this.#state = 'unknown';
      onChanged();
      this.#ask();
    } else if (this.#state === 'given' && !isFar && !isFresh()) {
      // What was allowed is done; the next time is another one.
      this.#state = 'unneeded';
    }
  }

  /** A person agrees; resolves when that would survive a restart. */
  give(): Promise<void> {
    const { core, mode } = this.#options;
    if (this.#isKept) return Promise.resolve();
    this.#state = 'given';
    this.#isKept = true;
    return this.#store(core, mode());
  }

  /** A person chose another mode, and with it what that costs. */
  modeChanged(): Promise<void> {
    this.#isKept = false;
    return this.give();
  }

  async #store({ home, ledger, diagnostics }: NodeCore, mode: NodeMode): Promise<void> {
    try {
      await storeConsent(home.store, ledger.suite, mode);
    } catch (error) {
      // It is asked again after the next start.
      diagnostics.trace('warn', 'consent-not-stored', { code: errorToData(error).code });
    }
  }

  #ask(): void {
    const { core, onChanged } = this.#options;
    const settle = (mayPromote: boolean): void => {
      if (this.#state !== 'unknown') return;
      this.#state = mayPromote ? 'given' : 'missing';
      if (!mayPromote) core.diagnostics.trace('info', 'promotion-waits');
      onChanged();
    };
    core.home.mayPromote?.().then(settle, (error: unknown) => {
      core.diagnostics.trace('warn', 'promotion-unknown', { code: errorToData(error).code });
      settle(false);
    });
  }
}
