/** What a round found wrong; anything else that is thrown is a fault of the test itself. */
export class Broken extends Error {
  override readonly name = 'Broken';
  /** By which code a process refused to start. */
  readonly code: string | undefined;

  constructor(words: string, code?: string) {
    super(words);
    this.code = code;
  }
}

/** What a round tells when all held. */
export type Told = {
  readonly words: string;
  /** Whether the kill was to be at a point that was not passed in time: it came elsewhere. */
  readonly isMissed: boolean;
};

/** States what must hold after a crash. */
export function expectThat(condition: boolean, words: string): asserts condition {
  if (!condition) throw new Broken(words);
}

/** Waits until something holds; `words` say what did not, when it never does. */
export async function until(
  words: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Broken(`never came: ${words}`);
    await pause(20);
  }
}

/** Between two looks at another process; nothing is concluded from the time that passed. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
