import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { decode, encode, fixedBytes, struct, u32 } from '../codec/index.ts';
import type { SigningMark, SigningMarkKeeper } from '../node/index.ts';
import { signingMarkCodec } from '../node/index.ts';
import { storeError } from '../storage/index.ts';
import { passCrashPoint } from './crash-point.ts';
import { replaceFile, syncFolder } from './layout.ts';

/** One copy of a mark: the one with the higher number is the newer one. */
const slotCodec = struct('SigningMarkSlot', {
  number: u32,
  mark: signingMarkCodec,
  checksum: fixedBytes(32),
});
export type Slot = { readonly number: number; readonly mark: SigningMark };

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** Number, height, entries, digest, checksum. */
export const SLOT_CONTENT_BYTES = 4 + 8 + 4 + 32 + 32;
/** Bytes from one slot to the next: neighbours share no sector, so no write tears both. */
export const SLOT_BYTES = 4_096;

/**
 * Keeps signing marks in a file beside the database. Two slots are written in turn, so that a
 * write which is cut short spoils only the mark of a signature that did not leave.
 */
export class SigningMarkFile implements SigningMarkKeeper {
  readonly #path: string;
  #file: FileHandle | undefined;
  #last: Slot | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<SigningMark | 'spoilt' | undefined> {
    const content = await readFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (content === undefined) return undefined;
    this.#last = newestSlot(content);
    return this.#last?.mark ?? 'spoilt';
  }

  /** Rejects with `store-full` or `store-failed`: nothing may be signed after either. */
  async store(mark: SigningMark): Promise<void> {
    try {
      await this.#write(mark);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException; // What the file system rejects with.
      throw storeError(FULL.has(code ?? '') ? 'store-full' : 'store-failed', cause);
    }
  }

  async #write(mark: SigningMark): Promise<void> {
    passCrashPoint('signing-mark-begun');
    const next = { number: (this.#last?.number ?? 0) + 1, mark };
    this.#file ??= await this.#open(next);
    const slot = writeSlot(next);
    await this.#file.write(slot, 0, slot.length, (next.number % 2) * SLOT_BYTES);
    passCrashPoint('signing-mark-drafted');
    await this.#file.datasync();
    this.#last = next;
    passCrashPoint('signing-mark-done');
  }

  /** The first mark makes the file, whole or not at all; who made it may not have seen it kept. */
  async #open(first: Slot): Promise<FileHandle> {
    if (this.#last === undefined) {
      const content = new Uint8Array(2 * SLOT_BYTES);
      content.set(writeSlot(first), (first.number % 2) * SLOT_BYTES);
      await replaceFile(this.#path, content, { isSecret: true });
    } else {
      await syncFolder(dirname(this.#path));
    }
    return open(this.#path, 'r+');
  }

  /** May be called twice. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** The newest whole slot of a file's content; undefined when both are spoilt. */
export function newestSlot(content: Uint8Array): Slot | undefined {
  const slots = [0, 1].flatMap((at) => readSlot(content.subarray(at * SLOT_BYTES)) ?? []);
  return slots.sort((left, right) => right.number - left.number)[0];
}

function checksumOf({ number, mark }: Slot): Uint8Array<ArrayBuffer> {
  const hash = createHash('sha256').update('tabellion signing mark').update(encode(u32, number));
  return new Uint8Array(hash.update(encode(signingMarkCodec, mark)).digest());
}

/** The bytes of one slot, without what fills it up. */
export function writeSlot(slot: Slot): Uint8Array {
  return encode(slotCodec, { ...slot, checksum: checksumOf(slot) });
}

function readSlot(bytes: Uint8Array): Slot | undefined {
  const slot = decode(slotCodec, bytes.subarray(0, SLOT_CONTENT_BYTES));
  if (!slot.ok) return undefined;
  const { number, mark, checksum } = slot.value;
  return checksumOf({ number, mark }).every((byte, at) => byte === checksum[at])
    ? { number, mark }
    : undefined;
}
