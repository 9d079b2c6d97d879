import { RTC_CONNECTIONS_MAX, type RtcAnswer, type RtcRequest } from './rtc-messages.ts';

export type RtcServiceOptions = {
  /** Copies bytes through the page even where channels can be transferred: for tests. */
  readonly mustCopy?: boolean;
  readonly connectionsMax?: number;
};

/** While so many bytes wait in a copied channel, the worker is not told that they left. */
const COPY_BUFFER_BYTES_MAX = 1024 * 1024;

/**
 * The page's half of the network: `RTCPeerConnection` exists only in a window (WebRTC 1.0 §4.4),
 * so the real connections live here, for the libp2p in a worker at the other end of `port`.
 *
 * Each data channel is transferred to the worker as soon as it exists, so that a busy page delays
 * no message; where the browser cannot transfer channels, their bytes are copied instead.
 *
 * @returns Closes all connections and the port; may be called twice.
 */
export function serveRtc(port: MessagePort, options: RtcServiceOptions = {}): () => void {
  const connections = new Map<number, PageConnection>();
  const tell = (answer: RtcAnswer, transfer: Transferable[] = []) =>
    port.postMessage(answer, transfer);
  port.onmessage = (event: MessageEvent) => {
    const request = event.data as RtcRequest; // The other end is our own worker.
    if (request.kind !== 'create') {
      connections.get(request.pc)?.perform(request);
      return;
    }
    const { pc } = request;
    const connectionsMax = options.connectionsMax ?? RTC_CONNECTIONS_MAX;
    const connection = connections.size < connectionsMax ? open(request.configuration) : undefined;
    if (connection === undefined) {
      tell({ kind: 'states', pc, states: CLOSED });
      return;
    }
    const onEnd = () => connections.delete(pc);
    const mustCopy = options.mustCopy ?? false;
    connections.set(pc, new PageConnection({ pc, connection, tell, mustCopy, onEnd }));
  };
  return () => {
    for (const connection of [...connections.values()]) connection.close();
    port.close();
  };
}

const CLOSED = {
  connectionState: 'closed',
  iceConnectionState: 'closed',
  iceGatheringState: 'complete',
  signalingState: 'closed',
} as const;

// Chromium throws when too many connections were made, or the configuration is refused.
function open(configuration: RTCConfiguration): RTCPeerConnection | undefined {
  try {
    return new RTCPeerConnection(configuration);
  } catch {
    return undefined;
  }
}

type Parts = {
  readonly pc: number;
  readonly connection: RTCPeerConnection;
  readonly tell: (answer: RtcAnswer, transfer?: Transferable[]) => void;
  readonly mustCopy: boolean;
  readonly onEnd: () => void;
};

type ConnectionRequest = Exclude<RtcRequest, { readonly kind: 'create' }>;

class PageConnection {
  readonly #with: Parts;
  readonly #copied = new Map<number, CopiedChannel>();
  #incoming = 0;

  constructor(parts: Parts) {
    this.#with = parts;
    const { pc, connection, tell } = parts;
    const tellStates = () => this.#tellStates();
    connection.addEventListener('connectionstatechange', tellStates);
    connection.addEventListener('iceconnectionstatechange', tellStates);
    connection.addEventListener('icegatheringstatechange', tellStates);
    connection.addEventListener('signalingstatechange', tellStates);
    connection.addEventListener('icecandidate', ({ candidate }) =>
      tell({ kind: 'candidate', pc, candidate: candidate?.toJSON() }),
    );
    connection.addEventListener('datachannel', ({ channel }) => {
      this.#incoming += 1;
      this.#handOver(-this.#incoming, channel);
    });
  }

  perform(request: ConnectionRequest): void {
    switch (request.kind) {
      case 'call':
        this.#call(request);
        break;
      case 'create-channel':
        this.#createChannel(request);
        break;
      case 'channel-send':
        this.#copied.get(request.channel)?.send(request.data);
        break;
      case 'channel-close':
        this.#copied.get(request.channel)?.close();
        break;
      case 'close':
        this.close();
        break;
    }
  }

  close(): void {
    this.#with.connection.close();
    this.#with.onEnd();
  }

  #tellStates(): void {
    const { pc, connection, tell, onEnd } = this.#with;
    const { connectionState, iceConnectionState, iceGatheringState, signalingState } = connection;
    const states = { connectionState, iceConnectionState, iceGatheringState, signalingState };
    tell({ kind: 'states', pc, states });
    if (connectionState === 'closed' || connectionState === 'failed') {
      connection.close();
      onEnd();
    }
  }

  #call(request: Extract<RtcRequest, { readonly kind: 'call' }>): void {
    const { pc, tell } = this.#with;
    const { call } = request;
    this.#invoke(request).then(
      (value) => tell({ kind: 'result', pc, call, value }),
      (error: unknown) => tell({ kind: 'failure', pc, call, why: String(error) }),
    );
  }

  async #invoke({
    method,
    argument,
  }: Extract<RtcRequest, { readonly kind: 'call' }>): Promise<
    RTCSessionDescriptionInit | undefined
  > {
    const { connection } = this.#with;
    // Which argument a method takes is fixed by the shim, the only caller.
    const description = argument as RTCSessionDescriptionInit;
    switch (method) {
      case 'createOffer':
        return plain(await connection.createOffer());
      case 'createAnswer':
        return plain(await connection.createAnswer());
      case 'setLocalDescription':
        await connection.setLocalDescription(description);
        return undefined;
      case 'setRemoteDescription':
        await connection.setRemoteDescription(description);
        return undefined;
      case 'addIceCandidate':
        await connection.addIceCandidate(argument as RTCIceCandidateInit);
        return undefined;
    }
  }

  #createChannel(request: Extract<RtcRequest, { readonly kind: 'create-channel' }>): void {
    const { connection, pc, tell } = this.#with;
    const { channel, label } = request;
    try {
      this.#handOver(channel, connection.createDataChannel(label, request.options));
    } catch {
      tell({ kind: 'channel-state', pc, channel, state: 'closed', id: undefined });
    }
  }

  #handOver(channel: number, real: RTCDataChannel): void {
    const { pc, tell, mustCopy } = this.#with;
    const { label } = real;
    const id = real.id ?? undefined;
    if (!mustCopy) {
      try {
        // In the same task as its creation: later it could not be transferred any more.
        const transfer = [real as unknown as Transferable]; // The DOM types do not list it yet.
        tell({ kind: 'channel', pc, channel, label, id, transferred: real }, transfer);
        return;
      } catch {
        // A browser that cannot transfer channels: copy.
      }
    }
    const copied = new CopiedChannel(real, {
      tell: (answer, transfer) => tell({ ...answer, pc, channel }, transfer),
      onEnd: () => this.#copied.delete(channel),
    });
    this.#copied.set(channel, copied);
    tell({ kind: 'channel', pc, channel, label, id, transferred: undefined });
    copied.start();
  }
}

type ChannelAnswer =
  | {
      readonly kind: 'channel-state';
      readonly state: RTCDataChannelState;
      readonly id: number | undefined;
    }
  | { readonly kind: 'channel-message'; readonly data: ArrayBuffer }
  | { readonly kind: 'channel-taken'; readonly bytes: number };

/** A channel that stays on the page; its bytes are copied to and from the worker. */
class CopiedChannel {
  readonly #real: RTCDataChannel;
  readonly #tell: (answer: ChannelAnswer, transfer?: Transferable[]) => void;
  /** Bytes sent whose leaving was not told yet. */
  #untold = 0;

  constructor(
    real: RTCDataChannel,
    parts: {
      readonly tell: (answer: ChannelAnswer, transfer?: Transferable[]) => void;
      readonly onEnd: () => void;
    },
  ) {
    this.#real = real;
    this.#tell = parts.tell;
    real.binaryType = 'arraybuffer';
    real.bufferedAmountLowThreshold = COPY_BUFFER_BYTES_MAX / 2;
    real.addEventListener('bufferedamountlow', () => this.#tellTaken());
    real.addEventListener('message', ({ data }: MessageEvent) => {
      if (data instanceof ArrayBuffer) this.#tell({ kind: 'channel-message', data }, [data]);
    });
    real.addEventListener('open', () => this.#tellState());
    real.addEventListener('closing', () => this.#tellState());
    real.addEventListener('close', () => {
      this.#tellState();
      parts.onEnd();
    });
  }

  /** Tells a state reached before the worker knew of the channel. */
  start(): void {
    if (this.#real.readyState !== 'connecting') this.#tellState();
  }

  send(data: ArrayBuffer): void {
    if (this.#real.readyState !== 'open') return;
    this.#real.send(data);
    this.#untold += data.byteLength;
    if (this.#real.bufferedAmount < COPY_BUFFER_BYTES_MAX) this.#tellTaken();
  }

  close(): void {
    this.#real.close();
  }

  #tellState(): void {
    const state = this.#real.readyState;
    this.#tell({ kind: 'channel-state', state, id: this.#real.id ?? undefined });
  }

  #tellTaken(): void {
    const bytes = this.#untold;
    this.#untold = 0;
    if (bytes > 0) this.#tell({ kind: 'channel-taken', bytes });
  }
}

// Descriptions are platform objects; only plain ones can be cloned in every browser.
function plain({ type, sdp }: RTCSessionDescriptionInit): RTCSessionDescriptionInit {
  return sdp === undefined ? { type } : { type, sdp };
}
