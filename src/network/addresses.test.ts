import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { parseAddress, remoteHost, scopeOf, targetOf, transportOf, voiceOf } from './addresses.ts';
import { mayDial } from './gater.ts';

const ID = '12D3KooWRbLugYBwgLyPNNjvjqBihwzkJXxU6B6tFyXJRcnbTjTA';

describe('scopeOf', () => {
  it.each([
    ['/ip4/93.184.216.34/tcp/1/ws', 'public'],
    ['/ip4/127.8.0.1/tcp/1/ws', 'loopback'],
    ['/ip4/10.0.0.1/tcp/1/ws', 'private'],
    ['/ip4/172.15.0.1/tcp/1/ws', 'public'],
    ['/ip4/172.16.0.1/tcp/1/ws', 'private'],
    ['/ip4/192.168.1.1/tcp/1/ws', 'private'],
    ['/ip4/169.254.169.254/tcp/80/ws', 'private'],
    ['/ip4/100.64.0.1/tcp/1/ws', 'private'],
    ['/ip4/0.0.0.0/tcp/1/ws', 'private'],
    ['/ip4/255.255.255.255/tcp/1/ws', 'private'],
    ['/ip6/::1/tcp/1/ws', 'loopback'],
    ['/ip6/2606:4700::1111/tcp/1/ws', 'public'],
    ['/ip6/2001:db8::1/tcp/1/ws', 'private'],
    ['/ip6/fd00::1/tcp/1/ws', 'private'],
    ['/ip6/fe80::1/tcp/1/ws', 'private'],
    ['/ip6/::ffff:10.0.0.1/tcp/1/ws', 'private'],
    ['/ip6/::ffff:8.8.8.8/tcp/1/ws', 'public'],
    ['/dns4/relay.example.org/tcp/443/wss', 'public'],
    ['/dns4/localhost/tcp/1/ws', 'loopback'],
    ['/dns4/printer/tcp/1/ws', 'private'],
    ['/dns4/nas.local/tcp/1/ws', 'private'],
    ['/webrtc', 'none'],
  ])('%s is %s', (address, scope) => {
    expect(scopeOf(multiaddr(address))).toBe(scope);
  });

  it('decides what a stranger may make us dial', () => {
    const loopback = multiaddr('/ip4/127.0.0.1/tcp/1/ws');
    expect(mayDial(loopback, false)).toBe(false);
    expect(mayDial(loopback, true)).toBe(true);
    expect(mayDial(multiaddr('/ip4/10.0.0.1/tcp/1/ws'), true)).toBe(false);
  });
});

describe('addresses', () => {
  const relay = `/ip4/10.1.2.3/tcp/9/ws/p2p/${ID}`;

  it('names the transport and target', () => {
    expect(transportOf(multiaddr(relay))).toBe('websocket');
    expect(transportOf(multiaddr(`${relay}/p2p-circuit/p2p/${ID}`))).toBe('relayed');
    expect(transportOf(multiaddr(`${relay}/p2p-circuit/webrtc/p2p/${ID}`))).toBe('webrtc');
    expect(targetOf(multiaddr(relay))).toBe(ID);
    expect(parseAddress('not an address')).toBeUndefined();
  });

  it('tells hosts apart by IPv4 address or IPv6 /64, never by a relay', () => {
    expect(remoteHost(multiaddr(relay))).toBe('10.1.2.3');
    expect(remoteHost(multiaddr(`${relay}/p2p-circuit`))).toBeUndefined();
    const one = remoteHost(multiaddr('/ip6/2606:4700:1:2::1/tcp/1/ws'));
    expect(remoteHost(multiaddr('/ip6/2606:4700:1:2:ffff::9/tcp/1/ws'))).toBe(one);
    expect(remoteHost(multiaddr('/ip6/2606:4700:1:3::1/tcp/1/ws'))).not.toBe(one);
    expect(remoteHost(multiaddr('/ip6/::ffff:10.1.2.3/tcp/1/ws'))).toBe('10.1.2.3');
  });
});

describe('voiceOf', () => {
  const relay = '/ip4/93.184.216.34/tcp/443/wss';
  const tab = `${relay}/p2p/${ID}/p2p-circuit/p2p/${ID}`;
  it.each([
    ['a relay by its host', [`${relay}/p2p/${ID}`], '93.184.216.34'],
    ['another of that host by it, too', ['/ip4/93.184.216.34/tcp/8/ws'], '93.184.216.34'],
    ['IPv6 by the /64', ['/ip6/2606:4700:1:2:3::9/tcp/1/ws'], '2606:4700:1:2::/64'],
    ['a name by the name', ['/dns4/Relay.example/tcp/443/wss'], 'relay.example'],
    ['who came through a relay by that relay', [tab], '93.184.216.34'],
    ['who is reached directly by its host', [tab, '/ip4/8.8.8.8/tcp/1/ws'], '8.8.8.8'],
    ['WebRTC by who signalled it', [`${relay}/p2p-circuit/webrtc/p2p/${ID}`], '93.184.216.34'],
    ['WebRTC that came by nobody knows whom', [`/webrtc/p2p/${ID}`], 'webrtc'],
    ['this machine by the peer', ['/ip4/127.0.0.1/tcp/1/ws'], 'peer'],
    ['no connection by the peer', [], 'peer'],
    ['what is no address by the peer', ['nonsense'], 'peer'],
  ])('counts %s', (_, addresses, expected) => {
    expect(voiceOf('peer', addresses)).toBe(expected);
  });
});
