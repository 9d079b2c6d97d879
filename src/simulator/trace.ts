/** A running fingerprint of all that happened; two equal runs have equal fingerprints. */
export type Trace = {
  number(value: number): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  /** 16 hexadecimal digits. */
  finish(): string;
};

/** The names of events come again and again. */
const words = new Map<string, number>();

function wordOf(text: string): number {
  let word = text.length;
  for (let at = 0; at < text.length; at++)
    word = Math.imul(word ^ text.charCodeAt(at), 0x0100_0193);
  return word;
}

/**
 * Two 32-bit lanes mixed as in MurmurHash3's finalizer: fast, and the same in every engine. It
 * guards against accidents, not against adversaries.
 */
export function createTrace(): Trace {
  let left = 0x811c_9dc5 | 0;
  let right = 0x9747_b28c | 0;
  const number = (value: number) => {
    left = Math.imul(left ^ value, 0x85eb_ca6b);
    left ^= left >>> 13;
    right = Math.imul(right ^ (value + (left >>> 3)), 0xc2b2_ae35);
    right ^= right >>> 16;
  };
  const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
  return {
    number,
    text(value) {
      let word = words.get(value);
      if (word === undefined) {
        word = wordOf(value);
        words.set(value, word);
      }
      number(word);
    },
    bytes(value) {
      // Four at once, whatever the order of bytes in this machine.
      for (let at = 0; at < value.length; at += 4) {
        const low = (value[at] ?? 0) | ((value[at + 1] ?? 0) << 8);
        number(low | ((value[at + 2] ?? 0) << 16) | ((value[at + 3] ?? 0) << 24));
      }
    },
    finish: () => hex(left) + hex(right),
  };
}
