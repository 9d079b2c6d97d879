import { CopiedDataChannel, ShimDataChannel } from './rtc-channel.ts';
import {
  RTC_CHANNELS_MAX,
  type RtcAnswer,
  type RtcMethod,
  type RtcRequest,
  type RtcStates,
} from './rtc-messages.ts';

/**
 * Gives a worker the `RTCPeerConnection` it lacks: each is a proxy of a real one on the page that
 * called `serveRtc` with the other end of `port`. Install it before `@libp2p/webrtc` is imported.
 */
export function installRtcShim(port: MessagePort): void {
  const link = new PageLink(port);
  class RTCPeerConnection extends ShimConnection {
    constructor(configuration: RTCConfiguration = {}) {
      super(link, configuration);
    }
  }
  Object.assign(globalThis, {
    RTCPeerConnection,
    RTCSessionDescription: PlainDescription,
    RTCIceCandidate: PlainCandidate,
  });
}

class PlainDescription {
  readonly type: RTCSdpType;
  readonly sdp: string;

  constructor(init: RTCSessionDescriptionInit) {
    this.type = init.type;
    this.sdp = init.sdp ?? '';
  }
}

class PlainCandidate {
  readonly candidate: string;
  readonly #init: RTCIceCandidateInit;

  constructor(init: RTCIceCandidateInit = {}) {
    this.candidate = init.candidate ?? '';
    this.#init = init;
  }

  toJSON(): RTCIceCandidateInit {
    return this.#init;
  }
}

/** The port with those who speak through it. */
class PageLink {
  readonly #port: MessagePort;
  readonly #connections = new Map<number, ShimConnection>();
  #lastPc = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = (event: MessageEvent) => {
      const answer = event.data as RtcAnswer; // The other end is our own page.
      this.#connections.get(answer.pc)?.onAnswer(answer);
    };
  }

  add(connection: ShimConnection): number {
    this.#lastPc += 1;
    this.#connections.set(this.#lastPc, connection);
    return this.#lastPc;
  }

  remove(pc: number): void {
    this.#connections.delete(pc);
  }

  ask(request: RtcRequest, transfer: Transferable[] = []): void {
    this.#port.postMessage(request, transfer);
  }
}

type Call = {
  readonly resolve: (value: RTCSessionDescriptionInit | undefined) => void;
  readonly reject: (error: Error) => void;
};

type Handler = ((event: Event) => void) | null;

/** What libp2p uses of `RTCPeerConnection`, and no more. */
class ShimConnection extends EventTarget {
  onicecandidate: Handler = null;
  onicecandidateerror: Handler = null;
  onconnectionstatechange: Handler = null;
  ondatachannel: Handler = null;
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  readonly #link: PageLink;
  readonly #pc: number;
  readonly #calls = new Map<number, Call>();
  readonly #channels = new Map<number, ShimDataChannel>();
  #lastCall = 0;
  #lastChannel = 0;
  #states: RtcStates = {
    connectionState: 'new',
    iceConnectionState: 'new',
    iceGatheringState: 'new',
    signalingState: 'stable',
  };

  constructor(link: PageLink, configuration: RTCConfiguration) {
    super();
    this.#link = link;
    this.#pc = link.add(this);
    link.ask({ kind: 'create', pc: this.#pc, configuration });
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#states.connectionState;
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#states.iceConnectionState;
  }

  get iceGatheringState(): RTCIceGatheringState {
    return this.#states.iceGatheringState;
  }

  get signalingState(): RTCSignalingState {
    return this.#states.signalingState;
  }

  createOffer(): Promise<RTCSessionDescriptionInit | undefined> {
    return this.#call('createOffer', undefined);
  }

  createAnswer(): Promise<RTCSessionDescriptionInit | undefined> {
    return this.#call('createAnswer', undefined);
  }

  async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    const { type, sdp } = description;
    await this.#call('setLocalDescription', sdp === undefined ? { type } : { type, sdp });
    this.localDescription = description;
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    const { type, sdp } = description;
    await this.#call('setRemoteDescription', sdp === undefined ? { type } : { type, sdp });
    this.remoteDescription = description;
  }

  async addIceCandidate(candidate: PlainCandidate): Promise<void> {
    await this.#call('addIceCandidate', candidate.toJSON());
  }

  createDataChannel(label: string, options: RTCDataChannelInit = {}): ShimDataChannel {
    this.#lastChannel += 1;
    const channel = new ShimDataChannel(label);
    if (this.#channels.size >= RTC_CHANNELS_MAX || this.connectionState === 'closed') {
      throw new DOMException('no channel can be made', 'InvalidStateError');
    }
    this.#keep(this.#lastChannel, channel);
    const { protocol, ordered, negotiated, id } = options;
    this.#link.ask({
      kind: 'create-channel',
      pc: this.#pc,
      channel: this.#lastChannel,
      label,
      options: {
        ...(protocol === undefined ? {} : { protocol }),
        ...(ordered === undefined ? {} : { ordered }),
        ...(negotiated === undefined ? {} : { negotiated }),
        ...(id === undefined ? {} : { id }),
      },
    });
    return channel;
  }

  close(): void {
    if (this.connectionState === 'closed') return;
    this.#states = { ...this.#states, connectionState: 'closed', signalingState: 'closed' };
    this.#link.ask({ kind: 'close', pc: this.#pc });
    this.#end();
  }

  onAnswer(answer: RtcAnswer): void {
    switch (answer.kind) {
      case 'result':
        this.#settle(answer.call)?.resolve(answer.value);
        break;
      case 'failure':
        this.#settle(answer.call)?.reject(new Error(answer.why));
        break;
      case 'states':
        this.#onStates(answer.states);
        break;
      case 'candidate': {
        const { candidate } = answer;
        const found = candidate === undefined ? null : new PlainCandidate(candidate);
        this.#emit(Object.assign(new Event('icecandidate'), { candidate: found }));
        break;
      }
      case 'channel':
        this.#onChannel(answer);
        break;
      case 'channel-state':
        this.#channels.get(answer.channel)?.onState(answer.state, answer.id);
        break;
      case 'channel-message':
        this.#channels.get(answer.channel)?.onCopied(answer.data);
        break;
      case 'channel-taken':
        this.#channels.get(answer.channel)?.onTaken(answer.bytes);
        break;
    }
  }

  #onChannel(answer: Extract<RtcAnswer, { readonly kind: 'channel' }>): void {
    const isIncoming = answer.channel < 0;
    const channel = this.#channels.get(answer.channel) ?? new ShimDataChannel(answer.label);
    if (answer.transferred !== undefined) channel.attach(answer.transferred);
    else channel.attach(this.#copied(answer.channel, answer.id));
    if (!isIncoming) return;
    this.#keep(answer.channel, channel);
    this.#emit(Object.assign(new Event('datachannel'), { channel }));
  }

  #copied(channel: number, id: number | undefined): CopiedDataChannel {
    const pc = this.#pc;
    return new CopiedDataChannel(id, {
      send: (data) => this.#link.ask({ kind: 'channel-send', pc, channel, data }, [data]),
      close: () => this.#link.ask({ kind: 'channel-close', pc, channel }),
    });
  }

  #keep(number: number, channel: ShimDataChannel): void {
    this.#channels.set(number, channel);
    channel.onEnded = () => this.#channels.delete(number);
  }

  #onStates(states: RtcStates): void {
    const before = this.#states;
    if (before.connectionState === 'closed') return;
    this.#states = states;
    if (states.connectionState !== before.connectionState) {
      this.#emit(new Event('connectionstatechange'));
    }
    if (states.connectionState === 'closed') this.#end();
  }

  #end(): void {
    this.#link.remove(this.#pc);
    for (const call of this.#calls.values()) call.reject(new Error('the connection is closed'));
    this.#calls.clear();
    for (const channel of [...this.#channels.values()]) channel.onConnectionClosed();
    this.#channels.clear();
  }

  #call(
    method: RtcMethod,
    argument: RTCSessionDescriptionInit | RTCIceCandidateInit | undefined,
  ): Promise<RTCSessionDescriptionInit | undefined> {
    if (this.connectionState === 'closed') {
      return Promise.reject(new DOMException('the connection is closed', 'InvalidStateError'));
    }
    this.#lastCall += 1;
    const call = this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#link.ask({ kind: 'call', pc: this.#pc, call, method, argument });
    });
  }

  #settle(number: number): Call | undefined {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    return call;
  }

  #emit(event: Event): void {
    if (event.type === 'icecandidate') this.onicecandidate?.(event);
    else if (event.type === 'connectionstatechange') this.onconnectionstatechange?.(event);
    else if (event.type === 'datachannel') this.ondatachannel?.(event);
    this.dispatchEvent(event);
  }
}
