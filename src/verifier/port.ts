import type { Result } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { bytes, enumeration, struct, vector } from '../codec/index.ts';
import { CHUNK_CLAIMS_MAX, PORT_MESSAGE_BYTES_MAX } from './limits.ts';

/** Claims of a chunk as one byte string, so that a single buffer is transferred, nothing cloned. */
export const chunkCodec = vector(
  struct('PortClaim', {
    algorithm: enumeration('SignatureAlgorithm', ['p256', 'ed25519']),
    publicKey: bytes({ max: 33 }),
    message: bytes({ max: PORT_MESSAGE_BYTES_MAX }),
    signature: bytes({ max: 64 }),
  }),
  { max: CHUNK_CLAIMS_MAX },
);
export type Chunk = Infer<typeof chunkCodec>;

/** What travels between a pooled verifier and its workers. */
export type VerifierMessage =
  | { readonly kind: 'verify'; readonly id: number; readonly claims: Uint8Array<ArrayBuffer> }
  /** One byte a claim, in order: 1 holds, 0 does not. */
  | { readonly kind: 'verdicts'; readonly id: number; readonly verdicts: Uint8Array<ArrayBuffer> };

/** One end of a line between two threads. */
export interface VerifierPort {
  send(message: VerifierMessage): void;
  /** `onFailure`: the other end crashed, or sent what cannot be read. */
  listen(onMessage: (message: VerifierMessage) => void, onFailure: () => void): void;
  close(): void;
}

/** What `MessagePort`, `Worker` and the global scope of a worker have in common. */
export type MessageTarget = {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
  start?(): void;
  close?(): void;
  terminate?(): void;
};

function parseMessage(data: unknown): Result<VerifierMessage, 'message-malformed'> {
  const malformed = { ok: false, error: 'message-malformed' } as const;
  if (typeof data !== 'object' || data === null) return malformed;
  // Every member is checked before it is believed.
  const { kind, id, claims, verdicts } = data as { readonly [name: string]: unknown };
  if (typeof id !== 'number') return malformed;
  if (kind === 'verify' && claims instanceof Uint8Array) {
    // A transferred array always stands on a plain ArrayBuffer of its own.
    return { ok: true, value: { kind, id, claims: claims as Uint8Array<ArrayBuffer> } };
  }
  if (kind === 'verdicts' && verdicts instanceof Uint8Array) {
    return { ok: true, value: { kind, id, verdicts: verdicts as Uint8Array<ArrayBuffer> } };
  }
  return malformed;
}

/** Speaks over a `MessagePort`, a `Worker` (which `close` ends), or a worker's own scope. */
export function verifierPortOf(target: MessageTarget): VerifierPort {
  const ends: (() => void)[] = [];
  function on(type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener);
    ends.push(() => target.removeEventListener(type, listener));
  }
  return {
    send(message) {
      const payload = message.kind === 'verify' ? message.claims : message.verdicts;
      target.postMessage(message, [payload.buffer]);
    },
    listen(onMessage, onFailure) {
      on('message', (event) => {
        // A `message` event carries `data`; what it holds is checked right away.
        const parsed = parseMessage((event as MessageEvent<unknown>).data);
        if (parsed.ok) onMessage(parsed.value);
        else onFailure();
      });
      for (const type of ['error', 'messageerror', 'close']) on(type, onFailure);
      target.start?.();
    },
    close() {
      for (const end of ends.splice(0)) end();
      if (target.terminate !== undefined) target.terminate();
      else target.close?.();
    },
  };
}
