import type { Json } from '../base/index.ts';

/** How a command speaks: lines for people, or one JSON value a line for programs. */
export interface Output {
  /** Says something to a person; silent with `--json`. */
  say(text: string): void;
  /** The outcome: `text` for a person, `value` with `--json`. */
  result(text: string, value: Json): void;
}

/** Writes to standard output. */
export function createOutput(isJson: boolean): Output {
  return {
    say(text) {
      if (!isJson) process.stdout.write(`${text}\n`);
    },
    result(text, value) {
      process.stdout.write(isJson ? `${JSON.stringify(value)}\n` : `${text}\n`);
    },
  };
}
