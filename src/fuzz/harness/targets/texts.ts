import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Json, JsonObject } from '../../../base/index.ts';
import { formatHex, isJsonObject, parseHex, parseJsonText } from '../../../base/index.ts';
import { encode, toJson } from '../../../codec/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import { decodeBase64Url, encodeBase64Url } from '../../../crypto/index.ts';
import type { Height } from '../../../ledger/index.ts';
import {
  createLedger,
  formatAddress,
  parseAddress,
  parseGenesis,
  protocol,
} from '../../../ledger/index.ts';
import { person } from '../../../ledger/testing/world.ts';
import { formatCheckpoint, parseCheckpoint } from '../../../light/index.ts';
import {
  hostNameOf,
  isDirectSocket,
  isRelayed,
  isWebRtc,
  parseAddress as parseMultiaddr,
  remoteHost,
  scopeOf,
  targetOf,
  transportOf,
} from '../../../network/addresses.ts';
import { parseAmount as parsePlainAmount } from '../../../relay/amounts.ts';
import {
  isForwarded,
  isHostAllowed,
  isOriginAllowed,
  remoteAddressOf,
} from '../../../relay/http-guard.ts';
import { parseKey } from '../../../relay/key-files.ts';
import { formatSettings, LOOPBACK_SETTINGS, parseSettings } from '../../../relay/settings.ts';
import { answerConformance } from '../../../sdk/index.ts';
import { parseSearch } from '../../../ui/format/text.ts';
import { createReferenceVerifier } from '../../../verifier/index.ts';
import { formatAmount, parseAmount } from '../../../wallet/amount.ts';
import { EMPTY_NOTEBOOK, formatNotebook, parseNotebook } from '../../../wallet/notebook.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { textTarget } from './codec-target.ts';

const addresses = Object.values(PEOPLE).map(({ address }) => formatAddress(address));

const texts: readonly Target[] = [
  textTarget('address-text', 'an address that a person typed', async () => ({
    seeds: [
      ...addresses,
      addresses[0]?.toUpperCase() ?? '',
      addresses[1]?.replace(/(.{4})/g, '$1 ') ?? '',
    ],
    run(input) {
      const parsed = parseAddress(input);
      if (!parsed.ok) return `${parsed.error.code}@${Math.min(input.length, 80)}`;
      const plain = input.replaceAll(/\s/g, '').toLowerCase();
      if (formatAddress(parsed.value) !== plain) throw new Broken('another address');
      return 'accepted';
    },
  })),
  textTarget('checkpoint-text', 'a block that a person was told to trust', async () => ({
    seeds: [0, 1, 48_211, Number.MAX_SAFE_INTEGER].map((height) => {
      const hash = new Uint8Array(32).fill(height % 251) as Hash; // 32 bytes, as every hash.
      return formatCheckpoint({ height: height as Height, hash });
    }),
    run(input) {
      const parsed = parseCheckpoint(input);
      if (!parsed.ok) return `${parsed.error.code}@${parsed.error.at}`;
      const { height, hash } = parsed.value;
      if (!Number.isSafeInteger(height) || hash.length !== 32) throw new Broken('no block');
      const text = formatCheckpoint(parsed.value);
      if (text !== input.trim().toLowerCase()) throw new Broken('another block than it says');
      return 'accepted';
    },
  })),
  textTarget('hex-text', 'lower-case hexadecimal', async () => ({
    seeds: ['', '00', 'deadbeef', 'ff'.repeat(40)],
    run(input) {
      const parsed = parseHex(input);
      if (!parsed.ok) return parsed.error.code;
      if (formatHex(parsed.value) !== input) throw new Broken('a second form');
      return 'accepted';
    },
  })),
  textTarget('base64url-text', 'base64url, as a challenge is written', async () => ({
    seeds: [1, 2, 3, 32, 64].map((length) => encodeBase64Url(new Uint8Array(length).fill(0xa7))),
    run(input) {
      const parsed = decodeBase64Url(input);
      if (!parsed.ok) return `${parsed.error.code}@${input.length % 4}`;
      if (encodeBase64Url(parsed.value) !== input) throw new Broken('a second form');
      return `accepted@${input.length % 4}`;
    },
  })),
  textTarget('multiaddr', 'where a peer can be dialled', async () => {
    const id = '12D3KooWRbLugYBwgLyPNNjvjqBihwzkJXxU6B6tFyXJRcnbTjTA';
    const relay = `/ip4/1.2.3.4/tcp/1/ws/p2p/${id}`;
    return {
      seeds: [
        relay,
        `${relay}/p2p-circuit/webrtc/p2p/${id}`,
        `/ip6/::ffff:10.0.0.1/tcp/443/tls/ws/p2p/${id}`,
        `/ip6/2001:db8::1/udp/9/webrtc-direct/certhash/uEiAsGPzpiPGQzSlVHRXrUCT5EkTV7YFrV4VZ3hpEKTd_zg`,
        `/dns4/relay.example/tcp/443/wss/p2p/${id}`,
        '/memory/x',
      ],
      run(input) {
        const parsed = parseMultiaddr(input);
        if (parsed === undefined) return 'refused';
        const scope = scopeOf(parsed);
        const facts = [isRelayed, isWebRtc, isDirectSocket].map((ask) => ask(parsed)).join();
        const host = remoteHost(parsed);
        if (host !== undefined && host === '') throw new Broken('a host without a name');
        targetOf(parsed);
        hostNameOf(parsed);
        return `accepted@${scope} ${transportOf(parsed)} ${facts}`;
      },
    };
  }),
  textTarget('amount-text', 'an amount that a person typed', async () => ({
    seeds: ['0', '1.5', '1,234.50', '1.234,5', '١٢٣', "1'000.25", '18446744073709551615', ' 7 '],
    run(input) {
      const locale = ['en', 'de', 'fr', 'ar-EG', 'de-CH'][input.length % 5];
      const parsed = parseAmount(input, 2, locale);
      const plain = parsePlainAmount(input, 2);
      if (plain.ok && plain.value < 0n) throw new Broken('a negative amount');
      if (!parsed.ok) return `${parsed.error.code}@${plain.ok}`;
      const again = parseAmount(formatAmount(parsed.value, 2, locale), 2, locale);
      if (!again.ok || again.value !== parsed.value) throw new Broken('its own form is another');
      return `accepted@${locale}`;
    },
  })),
  textTarget('search-text', 'what a person searches for', async () => ({
    seeds: ['#1,234', `0x${'ab'.repeat(32)}`, ...addresses.slice(0, 2), 'ada'],
    run(input) {
      const target = parseSearch(input);
      if (target.kind === 'height' && !Number.isSafeInteger(target.height)) {
        throw new Broken('no height');
      }
      return `accepted@${target.kind}`;
    },
  })),
];

const documents: readonly Target[] = [
  textTarget(
    'genesis-json',
    'the document that starts a network',
    async () => ({
      seeds: [(await recordNetwork()).genesisText],
      run(input) {
        const json = parseJsonText(input);
        if (json === undefined) return 'parse-error';
        const document = parseGenesis(json);
        if (!document.ok) {
          const { error } = document;
          return refusedAt(error.code, 'at' in error ? error.at : '');
        }
        const ledger = createLedger(document.value);
        if (!ledger.ok) return ledger.error.code;
        const again = parseGenesis(toJson(protocol.genesisCodec, document.value));
        if (!again.ok) throw new Broken('its own form is refused');
        const [first, second] = [document.value, again.value].map((each) =>
          formatHex(encode(protocol.genesisCodec, each)),
        );
        if (first !== second) throw new Broken('its own form is another');
        return 'accepted';
      },
    }),
    'json',
  ),
  textTarget(
    'settings-json',
    'settings of a node',
    async () => ({
      seeds: [
        JSON.stringify(formatSettings(LOOPBACK_SETTINGS)),
        JSON.stringify(
          formatSettings({ ...LOOPBACK_SETTINGS, relays: ['/x'], isLoopbackOperator: true }),
        ),
      ],
      run(input) {
        const json = parseJsonText(input);
        if (json === undefined) return 'parse-error';
        const parsed = parseSettings(json);
        if (!parsed.ok) return refusedAt(parsed.error.code, parsed.error.at);
        const again = parseSettings(formatSettings(parsed.value));
        if (!again.ok) throw new Broken('its own form is refused');
        return 'accepted';
      },
    }),
    'json',
  ),
  textTarget(
    'key-file',
    'the file of a key',
    async () => ({
      seeds: [PEOPLE.ada, PEOPLE.pia, person('x')].map(({ pair, address }) =>
        JSON.stringify({
          algorithm: pair.algorithm,
          publicKey: formatHex(pair.publicKey),
          address: formatAddress(address),
          secretKey: formatHex(pair.secretKey),
        }),
      ),
      run(input) {
        const json = parseJsonText(input);
        if (json === undefined) return 'parse-error';
        const pair = parseKey(json);
        if (!pair.ok) return pair.error;
        if (pair.value.secretKey.length !== 32) throw new Broken('no secret');
        return `accepted@${pair.value.algorithm}`;
      },
    }),
    'json',
  ),
  textTarget(
    'notebook-json',
    'the export of a wallet',
    async () => {
      const { kay } = PEOPLE;
      const key = {
        ...{ keyId: new Uint8Array(32).fill(3), scheme: 'webauthn-p256', kind: 'passkey' },
        ...{ credentialId: Uint8Array.of(1, 2), transports: ['internal'], rpId: 'localhost' },
        ...{ origins: ['https://a.b'], label: 'Phone', createdAt: 5, lastUsedAt: undefined },
        ...{ publicKey: kay.key.publicKey, isBackupEligible: true, isBackedUp: undefined },
      };
      const account = {
        ...{ address: kay.address, name: 'Kay', keys: [key], initialPolicy: kay.policy },
        ...{ isOnLedger: false, createdAt: 7 },
      };
      const notebook = {
        ...EMPTY_NOTEBOOK,
        ...{ activeAddress: kay.address, accounts: [account] },
        contacts: [{ name: 'Ada', address: PEOPLE.ada.address }],
      };
      return {
        // Plain numbers and words stand for their brands.
        seeds: [formatNotebook(EMPTY_NOTEBOOK), formatNotebook(notebook as never)],
        run(input) {
          const parsed = parseNotebook(input);
          if (!parsed.ok) return parsed.error.code;
          const text = formatNotebook(parsed.value);
          const again = parseNotebook(text);
          if (!again.ok || formatNotebook(again.value) !== text) throw new Broken('it changes');
          return 'accepted';
        },
      };
    },
    'json',
  ),
];

const GUARD = {
  hosts: ['node.example'],
  origins: ['https://wallet.example'],
  proxies: ['10.0.0.1'],
} as const;

/** Whom a browser may be talking to, by its own reading of the header. */
function isOurs(host: string): boolean {
  if (!URL.canParse(`http://${host}/`)) return false;
  const { hostname } = new URL(`http://${host}/`);
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  return isLocal || ['127.0.0.1', '[::1]', ...GUARD.hosts].includes(hostname);
}

const headers = textTarget(
  'http-headers',
  'headers of a request, as the guard of the RPC reads them',
  async () => ({
    seeds: [
      { host: 'localhost:4700' },
      { host: '[::1]:4700', origin: 'http://[::1]:4700' },
      { host: 'node.example', origin: 'https://wallet.example', 'x-forwarded-for': '1.2.3.4, ::1' },
      { host: 'evil.example:80', origin: 'null', forwarded: 'for=1.2.3.4' },
      { host: 'a.localhost', origin: 'http://a.localhost', 'x-real-ip': '9.9.9.9' },
    ].map((each) => JSON.stringify(each)),
    run(input) {
      const json = parseJsonText(input);
      if (!isJsonObject(json ?? null)) return 'parse-error';
      const texts = Object.entries(json as JsonObject).flatMap(([name, text]) =>
        typeof text === 'string' ? [[name, text] as const] : [],
      );
      const request = {
        // Node.js lets the first of two that mean the same win, and lists all of them.
        headers: Object.fromEntries(
          texts.toReversed().map(([name, text]) => [name.toLowerCase(), text]),
        ),
        rawHeaders: texts.flat(),
        socket: { remoteAddress: texts.length % 2 === 0 ? '10.0.0.1' : '9.8.7.6' },
        // Nothing else of a request is looked at.
      } as unknown as IncomingMessage;
      const isHost = isHostAllowed(request, GUARD);
      const isOrigin = isOriginAllowed(request, GUARD);
      const { host = '', origin } = request.headers;
      if (isHost && !isOurs(host)) throw new Broken('a foreign host');
      if (isHost && isOrigin && origin !== undefined && !GUARD.origins.includes(origin as never)) {
        if (!isOurs(origin.replace(/^https?:\/\//, ''))) throw new Broken('a foreign page');
      }
      if (isIP(remoteAddressOf(request, GUARD)) === 0) throw new Broken('no address');
      return `${isHost && isOrigin ? 'accepted' : 'refused'}@${isHost} ${isForwarded(request)}`;
    },
  }),
  'json',
);

const conformance = textTarget(
  'conformance-line',
  'one line of the conformance command',
  async () => {
    const home = { verifier: createReferenceVerifier() };
    const help = (await answerConformance('{"op":"help"}', home)) as {
      readonly result: { readonly operations: readonly { op: string; input: Json }[] };
    };
    const { transactions } = await recordNetwork();
    const values: { [member: string]: Json } = {
      ...{ scheme: 'ed25519', publicKey: formatHex(PEOPLE.ada.key.publicKey), message: '00' },
      ...{
        signature: '11'.repeat(64),
        suite: 'blake3-256',
        data: 'abcd',
        text: addresses[0] ?? '',
      },
      ...{
        bytes: formatHex(transactions[0] ?? new Uint8Array(0)),
        entries: [{ key: '01', value: '02' }],
      },
      ...{
        rpId: 'localhost',
        origins: ['https://a.b'],
        challenge: 'aa',
        userVerification: 'required',
      },
      ...{ authenticatorData: '00'.repeat(37), clientDataJSON: '7b7d', root: '00'.repeat(32) },
      ...{ keys: ['01'], proof: '00', changes: [] },
    };
    const seeds = help.result.operations.map(({ op, input }) => {
      const members = typeof input === 'object' && input !== null ? Object.keys(input) : [];
      const given = Object.fromEntries(members.map((name) => [name, values[name] ?? '00']));
      return JSON.stringify({ op, input: given });
    });
    return {
      seeds: ['{"op":"help"}', ...seeds],
      async runBatch(inputs) {
        return await Promise.all(
          inputs.map(async (input) => {
            try {
              const answer = (await answerConformance(input, home)) as {
                readonly ok?: unknown;
                readonly error?: { readonly code?: unknown; readonly member?: unknown };
              };
              if (answer.ok === true) return 'accepted';
              const { code, member } = answer.error ?? {};
              if (typeof code !== 'string') throw new Broken('neither a result nor a code');
              return refusedAt(code, String(member ?? ''));
            } catch (error) {
              return error instanceof Error ? error : new Error(String(error));
            }
          }),
        );
      },
    };
  },
  'json',
);

export const textTargets: readonly Target[] = [...texts, ...documents, headers, conformance];
