/** Calls of `RTCPeerConnection` that answer with a promise. */
export type RtcMethod =
  | 'createOffer'
  | 'createAnswer'
  | 'setLocalDescription'
  | 'setRemoteDescription'
  | 'addIceCandidate';

/** What the worker asks of the page; `pc` and `channel` are numbers that the worker chose. */
export type RtcRequest =
  | { readonly kind: 'create'; readonly pc: number; readonly configuration: RTCConfiguration }
  | {
      readonly kind: 'call';
      readonly pc: number;
      readonly call: number;
      readonly method: RtcMethod;
      readonly argument: RTCSessionDescriptionInit | RTCIceCandidateInit | undefined;
    }
  | {
      readonly kind: 'create-channel';
      readonly pc: number;
      readonly channel: number;
      readonly label: string;
      readonly options: RTCDataChannelInit;
    }
  | { readonly kind: 'close'; readonly pc: number }
  /** Only where channels cannot be transferred: bytes are copied through the page. */
  | {
      readonly kind: 'channel-send';
      readonly pc: number;
      readonly channel: number;
      readonly data: ArrayBuffer;
    }
  | { readonly kind: 'channel-close'; readonly pc: number; readonly channel: number };

/** States of a connection, told at each change. */
export type RtcStates = {
  readonly connectionState: RTCPeerConnectionState;
  readonly iceConnectionState: RTCIceConnectionState;
  readonly iceGatheringState: RTCIceGatheringState;
  readonly signalingState: RTCSignalingState;
};

/** What the page tells. Channels that the other peer opened get negative numbers, by the page. */
export type RtcAnswer =
  | {
      readonly kind: 'result';
      readonly pc: number;
      readonly call: number;
      readonly value: RTCSessionDescriptionInit | undefined;
    }
  | { readonly kind: 'failure'; readonly pc: number; readonly call: number; readonly why: string }
  | { readonly kind: 'states'; readonly pc: number; readonly states: RtcStates }
  | {
      readonly kind: 'candidate';
      readonly pc: number;
      readonly candidate: RTCIceCandidateInit | undefined;
    }
  /** The channel itself, transferred; without it, its bytes will be copied. */
  | {
      readonly kind: 'channel';
      readonly pc: number;
      readonly channel: number;
      readonly label: string;
      readonly id: number | undefined;
      readonly transferred: RTCDataChannel | undefined;
    }
  | {
      readonly kind: 'channel-state';
      readonly pc: number;
      readonly channel: number;
      readonly state: RTCDataChannelState;
      readonly id: number | undefined;
    }
  | {
      readonly kind: 'channel-message';
      readonly pc: number;
      readonly channel: number;
      readonly data: ArrayBuffer;
    }
  /** The transport took so many bytes that were sent. */
  | {
      readonly kind: 'channel-taken';
      readonly pc: number;
      readonly channel: number;
      readonly bytes: number;
    };

/** Connections that one page holds; each costs sockets and about a megabyte. */
export const RTC_CONNECTIONS_MAX = 64;
/** Channels of one connection; libp2p keeps a handful open. */
export const RTC_CHANNELS_MAX = 256;
