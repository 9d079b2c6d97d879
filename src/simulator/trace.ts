/** A running fingerprint of all that happened; two equal runs have equal fingerprints. */
export type Trace = {
  number(value: number): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  /** 16 hexadecimal digits. */
  finish(): string;
};

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
      for (let at = 0; at < value.length; at++) number(value.charCodeAt(at));
    },
    bytes(value) {
      for (const byte of value) number(byte);
    },
    finish: () => hex(left) + hex(right),
  };
}
