/** The part of a data channel that a {@link ShimDataChannel} stands for. */
export type InnerChannel = Pick<
  RTCDataChannel,
  | 'id'
  | 'readyState'
  | 'bufferedAmount'
  | 'bufferedAmountLowThreshold'
  | 'binaryType'
  | 'addEventListener'
  | 'close'
> & { send(data: ArrayBuffer | ArrayBufferView<ArrayBuffer>): void };

type Handler<Of extends Event> = ((event: Of) => void) | null;

/** The channel with which libp2p makes two peers meet, and closes at once. */
const INIT_LABEL = 'init';

/**
 * A data channel that exists before the real one arrives from the page.
 *
 * It also mends a race in @libp2p/webrtc 6.0: the recipient closes the `init` channel when it
 * appears, while the initiator looks at `readyState` only after the handshake and then waits for
 * an `open`, or a `close`, that has long passed. An `init` channel therefore says `open` from its
 * opening (or from its closing, where that is all that was seen) until the initiator itself closes
 * it, and then says `close`.
 */
export class ShimDataChannel extends EventTarget {
  onopen: Handler<Event> = null;
  onmessage: Handler<MessageEvent> = null;
  onclose: Handler<Event> = null;
  onerror: Handler<Event> = null;
  onbufferedamountlow: Handler<Event> = null;
  /** For the connection that keeps this channel. */
  onEnded: () => void = () => undefined;
  readonly label: string;
  readonly protocol = '';
  #inner: InnerChannel | undefined;
  #lowThreshold = 0;
  #isClosed = false;
  #isInitOpen = false;

  constructor(label: string) {
    super();
    this.label = label;
  }

  get id(): number | null {
    return this.#inner?.id ?? null;
  }

  get readyState(): RTCDataChannelState {
    if (this.#isClosed) return 'closed';
    if (this.#isInitOpen) return 'open';
    return this.#inner?.readyState ?? 'connecting';
  }

  get bufferedAmount(): number {
    return this.#inner?.bufferedAmount ?? 0;
  }

  get bufferedAmountLowThreshold(): number {
    return this.#lowThreshold;
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#lowThreshold = bytes;
    if (this.#inner !== undefined) this.#inner.bufferedAmountLowThreshold = bytes;
  }

  get binaryType(): BinaryType {
    return 'arraybuffer';
  }

  // libp2p sets it to what it always is here.
  set binaryType(_type: BinaryType) {}

  send(data: ArrayBuffer | ArrayBufferView<ArrayBuffer>): void {
    if (this.#inner === undefined || this.#inner.readyState !== 'open') {
      throw new DOMException('the channel is not open', 'InvalidStateError');
    }
    this.#inner.send(data);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#inner?.close();
    // A channel not here yet is closed when it arrives; an `init` channel may be closed already.
    if (this.#inner === undefined || this.label === INIT_LABEL) queueMicrotask(() => this.#end());
  }

  /** Takes the real channel, which may have opened or closed meanwhile. */
  attach(inner: InnerChannel): void {
    this.#inner = inner;
    if (this.#isClosed) {
      inner.close();
      return;
    }
    inner.binaryType = 'arraybuffer';
    inner.bufferedAmountLowThreshold = this.#lowThreshold;
    inner.addEventListener('open', () => this.#onOpen());
    inner.addEventListener('close', () => this.#onClose());
    inner.addEventListener('error', (event) => this.#emitError(event));
    inner.addEventListener('bufferedamountlow', () => {
      const event = new Event('bufferedamountlow');
      this.onbufferedamountlow?.(event);
      this.dispatchEvent(event);
    });
    inner.addEventListener('message', ({ data }) => {
      const event = new MessageEvent('message', { data });
      this.onmessage?.(event);
      this.dispatchEvent(event);
    });
    if (inner.readyState === 'open') this.#onOpen();
    else if (inner.readyState === 'closed') this.#onClose();
  }

  /** News of a channel whose bytes are copied. */
  onState(state: RTCDataChannelState, id: number | undefined): void {
    if (this.#inner instanceof CopiedDataChannel) this.#inner.onState(state, id);
    else if (state === 'closed') this.#onClose();
  }

  onCopied(data: ArrayBuffer): void {
    if (this.#inner instanceof CopiedDataChannel) this.#inner.onMessage(data);
  }

  onTaken(bytes: number): void {
    if (this.#inner instanceof CopiedDataChannel) this.#inner.onTaken(bytes);
  }

  /** The connection under the channel is gone; transferred channels are told late or never. */
  onConnectionClosed(): void {
    this.#end();
  }

  #onOpen(): void {
    if (this.#isClosed || this.#isInitOpen) return;
    if (this.label === INIT_LABEL) this.#isInitOpen = true;
    const event = new Event('open');
    this.onopen?.(event);
    this.dispatchEvent(event);
  }

  #onClose(): void {
    if (this.label === INIT_LABEL) this.#onOpen();
    else this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onEnded();
    const event = new Event('close');
    this.onclose?.(event);
    this.dispatchEvent(event);
  }

  #emitError(cause: Event): void {
    // Chromium sends an RTCErrorEvent; a plain event from elsewhere has no `error`.
    const error = (cause as Partial<RTCErrorEvent>).error ?? new Error('data channel failed');
    const event = Object.assign(new Event('error'), { error });
    this.onerror?.(event);
    this.dispatchEvent(event);
  }
}

/** The worker's end of a channel that stayed on the page. */
export class CopiedDataChannel extends EventTarget implements InnerChannel {
  binaryType: BinaryType = 'arraybuffer';
  bufferedAmountLowThreshold = 0;
  bufferedAmount = 0;
  readyState: RTCDataChannelState = 'connecting';
  id: number | null;
  readonly #page: { send(data: ArrayBuffer): void; close(): void };

  constructor(id: number | undefined, page: { send(data: ArrayBuffer): void; close(): void }) {
    super();
    this.id = id ?? null;
    this.#page = page;
  }

  send(data: ArrayBuffer | ArrayBufferView<ArrayBuffer>): void {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const copy = bytes.slice();
    this.bufferedAmount += copy.length;
    this.#page.send(copy.buffer);
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closing';
    this.#page.close();
  }

  onState(state: RTCDataChannelState, id: number | undefined): void {
    if (this.readyState === 'closed') return;
    this.id = id ?? this.id;
    const before = this.readyState;
    this.readyState = state;
    if (state === 'open' && before === 'connecting') this.dispatchEvent(new Event('open'));
    else if (state === 'closed') this.dispatchEvent(new Event('close'));
  }

  onMessage(data: ArrayBuffer): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  onTaken(bytes: number): void {
    const before = this.bufferedAmount;
    this.bufferedAmount = Math.max(0, before - bytes);
    const threshold = this.bufferedAmountLowThreshold;
    if (before > threshold && this.bufferedAmount <= threshold) {
      this.dispatchEvent(new Event('bufferedamountlow'));
    }
  }
}
