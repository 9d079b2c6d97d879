// Never reached: relays do not load @libp2p/webrtc and browsers use their own RTCPeerConnection.
export const RTCPeerConnection = undefined;
export const RTCSessionDescription = undefined;
export const RTCIceCandidate = undefined;
export const mediaDevices = undefined;
export const registerGlobals = () => undefined;
