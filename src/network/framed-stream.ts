import type { Stream } from '@libp2p/interface';
import type { Clock } from '../base/index.ts';
import { networkError } from './errors.ts';
import type { Frame, FrameError } from './frames.ts';
import { encodeFrame, FrameReader } from './frames.ts';

type Options = {
  readonly clock: Clock;
  readonly frameBytesMax: number;
  readonly writeTimeoutMs: number;
  readonly onFrame: (frame: Frame) => void;
  /** Called once, however the stream ended; `error` when the peer broke the format. */
  readonly onEnd: (error: FrameError | undefined) => void;
};

/** Frames over one libp2p stream, with back-pressure while writing. */
export class FramedStream {
  readonly #stream: Stream;
  readonly #options: Options;
  readonly #reader: FrameReader;
  #lastWrite: Promise<void> = Promise.resolve();
  #isEnded = false;

  constructor(stream: Stream, options: Options) {
    this.#stream = stream;
    this.#options = options;
    this.#reader = new FrameReader(options.frameBytesMax);
    stream.addEventListener('close', () => this.#end(undefined));
    stream.addEventListener('remoteCloseWrite', () => this.#end(undefined));
    stream.addEventListener('message', (event) => this.#read(event.data.subarray()));
    if (stream.status !== 'open') this.#end(undefined);
  }

  get isOpen(): boolean {
    return !this.#isEnded;
  }

  /**
   * Writes one frame after those before it, when the transport takes it. Rejects with `peer-gone`
   * when the stream ended, or took nothing for the write timeout (the stream is then aborted).
   */
  send(frame: Frame): Promise<void> {
    const written = this.#lastWrite.then(() => this.#write(frame));
    // The chain goes on after a failure: every later write then fails by itself.
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  /** Ends the stream now; frames not yet written are lost. */
  abort(reason: string): void {
    this.#end(undefined);
    this.#stream.abort(new Error(reason));
  }

  async #write(frame: Frame): Promise<void> {
    if (this.#isEnded) throw networkError('peer-gone');
    let wasTaken: boolean;
    try {
      wasTaken = this.#stream.send(encodeFrame(frame));
    } catch (error) {
      this.#end(undefined);
      throw networkError('peer-gone', {}, error);
    }
    if (!wasTaken && this.#stream.writableNeedsDrain) await this.#drained();
  }

  // `stream.onDrain()` of libp2p 3.3 keeps its first promise and never waits a second time, so
  // the event itself is awaited.
  #drained(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(this.#options.writeTimeoutMs, () => {
        settle();
        this.abort('the peer reads nothing');
        reject(networkError('peer-gone', { reason: 'write-timeout' }));
      });
      const onDrain = () => {
        settle();
        resolve();
      };
      const onClose = () => {
        settle();
        reject(networkError('peer-gone'));
      };
      const settle = () => {
        cancel();
        stream.removeEventListener('drain', onDrain);
        stream.removeEventListener('close', onClose);
      };
      stream.addEventListener('drain', onDrain);
      stream.addEventListener('close', onClose);
    });
  }

  #read(chunk: Uint8Array): void {
    if (this.#isEnded) return;
    const frames = this.#reader.push(chunk);
    if (!frames.ok) {
      this.#end(frames.error);
      this.#stream.abort(new Error(frames.error.code));
      return;
    }
    for (const frame of frames.value) this.#options.onFrame(frame);
  }

  #end(error: FrameError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onEnd(error);
    // Half-closed by the peer: nothing more will be read, so nothing is worth writing.
    if (this.#stream.status === 'open') this.#stream.abort(new Error('ended'));
  }
}
