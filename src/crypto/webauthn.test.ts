import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../base/index.ts';
import type { AssertionCheck } from './index.ts';
import {
  checkAssertion,
  encodeBase64Url,
  parseAuthenticatorData,
  parseClientData,
  sha256,
} from './index.ts';

const challenge = sha256(encodeUtf8('challenge'));
const rpIdHash = sha256(encodeUtf8('wallet.example'));
const origin = 'https://wallet.example';

function authenticatorData(flags: number, extra: readonly number[] = []): Uint8Array {
  return Uint8Array.from([...rpIdHash, flags, 0, 0, 0, 7, ...extra]);
}

function clientData(members: { readonly [name: string]: unknown } = {}): Uint8Array {
  return encodeUtf8(
    JSON.stringify({
      type: 'webauthn.get',
      challenge: encodeBase64Url(challenge),
      origin,
      crossOrigin: false,
      ...members,
    }),
  );
}

describe('what browsers write', () => {
  test.each([
    { origin: 'https://wallet.example' },
    { origin: 'http://localhost:4700', crossOrigin: true },
    { type: '', challenge: '', origin: '' },
    { type: 'webauthn.create', origin: 'a b[]^~!#' },
  ])('reads what browsers write as it reads the same with a space: %j', (members) => {
    const plain = clientData(members);
    const spaced = encodeUtf8(new TextDecoder().decode(plain).replace('{', '{ '));
    const read = parseClientData(plain);
    expect(read).toMatchObject({ ok: true, value: members });
    expect(read).toEqual(parseClientData(spaced));
  });

  test.each([
    '{"type":"webauthn.get","challenge":"AA","origin":"o","crossOrigin":false,"type":"x"}',
    '{"type":"webauthn.get","challenge":"AA","origin":"o","crossOrigin":false}}',
    '{"type":"webauthn.get","challenge":"AA","origin":"o","crossOrigin":false}\u0000',
    '{"type":"webauthn.get","challenge":"AA","origin":"o\\","crossOrigin":false}',
    '{"type":"webauthn.get","challenge":"AA","origin":"o\n","crossOrigin":false}',
  ])('refuses %j', (json) => {
    expect(parseClientData(encodeUtf8(json)).ok).toBe(false);
  });

  test('takes a newline after the object for the space that it is', () => {
    const json = '{"type":"webauthn.get","challenge":"AA","origin":"o","crossOrigin":false}\n';
    expect(parseClientData(encodeUtf8(json)).ok).toBe(true);
  });
});

function codeOf(change: Partial<AssertionCheck>): string {
  const result = checkAssertion({
    authenticatorData: authenticatorData(0x05),
    clientDataJson: clientData(),
    challenge,
    rpIdHash,
    origins: ['https://other.example', origin],
    mustVerifyUser: true,
    ...change,
  });
  return result.ok ? 'ok' : result.error.code;
}

describe('checkAssertion', () => {
  test('accepts an assertion that stands for the challenge', () => {
    expect(codeOf({})).toBe('ok');
  });

  test('reads backup flags', () => {
    const check = {
      authenticatorData: authenticatorData(0x1d),
      clientDataJson: clientData(),
      challenge,
      rpIdHash,
      origins: [origin],
      mustVerifyUser: false,
    };
    expect(checkAssertion(check)).toEqual({
      ok: true,
      value: { isBackupEligible: true, isBackedUp: true },
    });
  });

  test('ignores members that browsers add', () => {
    const added = { other_keys_can_be_added_here: 'do not compare', list: [1, { a: null }] };
    expect(codeOf({ clientDataJson: clientData(added) })).toBe('ok');
  });

  test('names what is wrong', () => {
    const json = (members: { readonly [name: string]: unknown }) => ({
      clientDataJson: clientData(members),
    });
    expect(codeOf(json({ type: 'webauthn.create' }))).toBe('type-wrong');
    expect(codeOf(json({ challenge: 'AAAA' }))).toBe('challenge-mismatch');
    expect(codeOf(json({ challenge: `${encodeBase64Url(challenge)}=` }))).toBe(
      'challenge-mismatch',
    );
    expect(codeOf(json({ crossOrigin: true }))).toBe('cross-origin');
    expect(codeOf(json({ origin: 'https://sub.wallet.example' }))).toBe('origin-not-allowed');
    expect(codeOf(json({ origin: 'https://WALLET.example' }))).toBe('origin-not-allowed');
    expect(codeOf({ rpIdHash: sha256(encodeUtf8('example')) })).toBe('rp-id-mismatch');
    expect(codeOf({ authenticatorData: authenticatorData(0x04) })).toBe('user-not-present');
    expect(codeOf({ authenticatorData: authenticatorData(0x01) })).toBe('user-not-verified');
    expect(codeOf({ authenticatorData: authenticatorData(0x01), mustVerifyUser: false })).toBe(
      'ok',
    );
    expect(codeOf({ clientDataJson: encodeUtf8('{}') })).toBe('client-data-malformed');
  });
});

describe('parseAuthenticatorData', () => {
  test('reads flags and counter', () => {
    const parsed = parseAuthenticatorData(authenticatorData(0x05));
    expect(parsed.ok && parsed.value).toMatchObject({
      isUserPresent: true,
      isUserVerified: true,
      isBackupEligible: false,
      isBackedUp: false,
      hasExtensions: false,
      counter: 7,
    });
  });

  test('refuses attested data, backup state without eligibility, and odd lengths', () => {
    const malformed = [
      authenticatorData(0x41),
      authenticatorData(0x11),
      authenticatorData(0x01, [0xa0]),
      authenticatorData(0x81),
      authenticatorData(0x01).subarray(0, 36),
      authenticatorData(0x81, new Array<number>(476).fill(0)),
    ];
    for (const bytes of malformed) expect(parseAuthenticatorData(bytes).ok).toBe(false);
    expect(parseAuthenticatorData(authenticatorData(0x81, [0xa0])).ok).toBe(true);
  });
});

describe('parseClientData', () => {
  const base = '"type":"webauthn.get","challenge":"AA","origin":"https://a"';
  const isRead = (text: string) => parseClientData(encodeUtf8(text)).ok;

  test('accepts JSON of any layout', () => {
    for (const text of [
      `{${base}}`,
      ` {\n\t${base} , "crossOrigin" : false }\r\n`,
      `{${base},"n":[-0,1.5e+3,{"a":{}},[]],"x":null,"y":true}`,
      `{${base},"s":"\\u00e9\\ud83d\\ude00\\n\\/"}`,
      '{"\\u0074ype":"webauthn.get","challenge":"","origin":""}',
    ]) {
      expect(isRead(text), text).toBe(true);
    }
  });

  test('unescapes what it hands out', () => {
    const text = '{"type":"\\u0061\\"","challenge":"\\\\","origin":"h\\/"}';
    expect(parseClientData(encodeUtf8(text))).toEqual({
      ok: true,
      value: { type: 'a"', challenge: '\\', origin: 'h/', crossOrigin: false },
    });
  });

  test('refuses what is no such object', () => {
    for (const text of [
      '',
      '[]',
      `{${base}`,
      `{${base}}x`,
      `{${base},}`,
      `{${base},"type":"webauthn.get"}`,
      `{${base},"\\u0074ype":"webauthn.get"}`,
      `{${base},"a":{"b":1,"b":2}}`,
      `{${base},"crossOrigin":"false"}`,
      `{${base},"crossOrigin":null}`,
      `{${base},"a":01}`,
      `{${base},"a":.5}`,
      `{${base},"a":+1}`,
      `{${base},"a":NaN}`,
      `{${base},"a":'x'}`,
      `{${base},"a":"\\x41"}`,
      `{${base},"a":"\\u12g4"}`,
      `{${base},"a":"\\ud800"}`,
      `{${base},"a":"\u0001"}`,
      `{${base},"a":[[[[]]]]}`,
      `{${base},"a":tru}`,
      '{"type":1,"challenge":"AA","origin":"https://a"}',
      '{"type":"webauthn.get","challenge":"AA"}',
      `\ufeff{${base}}`,
      `{${base},"a":"${'x'.repeat(1024)}"}`,
    ]) {
      expect(isRead(text), text).toBe(false);
    }
    expect(parseClientData(Uint8Array.of(0x7b, 0xff, 0x7d)).ok).toBe(false);
  });

  test('a member called __proto__ is a member like others', () => {
    expect(isRead(`{${base},"__proto__":{"type":"x"}}`)).toBe(true);
  });
});
