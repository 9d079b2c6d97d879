import type { Bytes, Result } from '../base/index.ts';
import { assert, fail, ok } from '../base/index.ts';

/** Why a question was not answered; places in this list are numbers on the wire. */
export const REFUSALS = ['busy', 'too-large', 'unknown-kind', 'failed'] as const;
export type Refusal = (typeof REFUSALS)[number];

/**
 * What travels on a request stream, each frame behind its length.
 *
 * length u32 · type u8 · id u32, all big-endian, then:
 * 1 `request`: kind u8, body · 2 `head`: length of the response u32 · 3 `piece`: next bytes of it
 * · 4 `refuse`: reason u8 · 5 `cancel` · 6 `ping` · 7 `pong`.
 */
export type Frame =
  | { readonly type: 'request'; readonly id: number; readonly kind: number; readonly body: Bytes }
  | { readonly type: 'head'; readonly id: number; readonly length: number }
  | { readonly type: 'piece'; readonly id: number; readonly body: Bytes }
  | { readonly type: 'refuse'; readonly id: number; readonly reason: Refusal }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'pong'; readonly id: number };

const TYPES = ['request', 'head', 'piece', 'refuse', 'cancel', 'ping', 'pong'] as const;
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;
/** Bytes of a frame beside the body of a request. */
export const FRAME_OVERHEAD_BYTES = HEADER_BYTES + 1;

/** Fresh bytes of one frame with its length in front. */
export function encodeFrame(frame: Frame | (Frame & { readonly body: Uint8Array })): Bytes {
  const extra = extraBytesOf(frame);
  const bytes = new Uint8Array(LENGTH_BYTES + HEADER_BYTES + extra);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, HEADER_BYTES + extra);
  view.setUint8(LENGTH_BYTES, TYPES.indexOf(frame.type) + 1);
  view.setUint32(LENGTH_BYTES + 1, frame.id);
  const at = LENGTH_BYTES + HEADER_BYTES;
  if (frame.type === 'request') {
    view.setUint8(at, frame.kind);
    bytes.set(frame.body, at + 1);
  } else if (frame.type === 'head') view.setUint32(at, frame.length);
  else if (frame.type === 'piece') bytes.set(frame.body, at);
  else if (frame.type === 'refuse') view.setUint8(at, REFUSALS.indexOf(frame.reason));
  return bytes;
}

function extraBytesOf(frame: Frame): number {
  if (frame.type === 'request') return 1 + frame.body.length;
  if (frame.type === 'head') return 4;
  if (frame.type === 'piece') return frame.body.length;
  return frame.type === 'refuse' ? 1 : 0;
}

export type FrameError = { readonly code: 'frame-malformed' | 'frame-too-large' };

/** Reads one frame without its length; every accepted frame re-encodes to the same bytes. */
export function decodeFrame(bytes: Bytes): Result<Frame, FrameError> {
  if (bytes.length < HEADER_BYTES) return fail({ code: 'frame-malformed' });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = TYPES[view.getUint8(0) - 1];
  const id = view.getUint32(1);
  const extra = bytes.length - HEADER_BYTES;
  switch (type) {
    case 'request': {
      if (extra < 1) break;
      const kind = view.getUint8(HEADER_BYTES);
      return ok({ type, id, kind, body: bytes.slice(HEADER_BYTES + 1) });
    }
    case 'head':
      if (extra !== 4) break;
      return ok({ type, id, length: view.getUint32(HEADER_BYTES) });
    case 'piece':
      if (extra < 1) break;
      return ok({ type, id, body: bytes.subarray(HEADER_BYTES) });
    case 'refuse': {
      const reason = extra === 1 ? REFUSALS[view.getUint8(HEADER_BYTES)] : undefined;
      if (reason === undefined) break;
      return ok({ type, id, reason });
    }
    case 'cancel':
    case 'ping':
    case 'pong':
      if (extra !== 0) break;
      return ok({ type, id });
    case undefined:
      break;
  }
  return fail({ code: 'frame-malformed' });
}

/** Finds frames in a stream whose chunks may begin and end anywhere. Holds one frame at most. */
export class FrameReader {
  readonly #lengthMax: number;
  readonly #prefix = new Uint8Array(LENGTH_BYTES);
  #prefixHave = 0;
  #wanted = 0;
  /** Grows with what arrives: a length that lies costs nothing, tiny chunks cost no more. */
  #buffer: Bytes = new Uint8Array(0);
  #have = 0;

  /** `lengthMax`: longest frame accepted, without its length field. */
  constructor(lengthMax: number) {
    assert(lengthMax >= HEADER_BYTES, 'no frame would fit');
    this.#lengthMax = lengthMax;
  }

  /** Takes a chunk, copying it; gives the frames it completes. After an error, stop reading. */
  push(chunk: Uint8Array): Result<readonly Frame[], FrameError> {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefixHave < LENGTH_BYTES) {
        this.#prefix[this.#prefixHave] = chunk[at] ?? 0; // `at` is inside the chunk.
        this.#prefixHave += 1;
        at += 1;
        if (this.#prefixHave < LENGTH_BYTES) continue;
        this.#wanted = new DataView(this.#prefix.buffer).getUint32(0);
        if (this.#wanted < HEADER_BYTES) return fail({ code: 'frame-malformed' });
        if (this.#wanted > this.#lengthMax) return fail({ code: 'frame-too-large' });
        continue;
      }
      const part = chunk.subarray(at, at + this.#wanted - this.#have);
      this.#append(part);
      at += part.length;
      if (this.#have < this.#wanted) break;
      const frame = decodeFrame(this.#finish());
      if (!frame.ok) return frame;
      frames.push(frame.value);
    }
    return ok(frames);
  }

  #append(part: Uint8Array): void {
    const needed = this.#have + part.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.min(this.#wanted, Math.max(needed, 2 * this.#have)));
      grown.set(this.#buffer.subarray(0, this.#have));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#have);
    this.#have = needed;
  }

  #finish(): Bytes {
    const bytes = this.#buffer.subarray(0, this.#have);
    this.#buffer = new Uint8Array(0);
    this.#have = 0;
    this.#prefixHave = 0;
    return bytes;
  }
}
