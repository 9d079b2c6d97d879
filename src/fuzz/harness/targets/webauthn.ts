import { concatBytes, encodeUtf8, equalBytes } from '../../../base/index.ts';
import { decode } from '../../../codec/index.ts';
import {
  checkAssertion,
  compressP256,
  decompressP256,
  derToRaw,
  isP256SignatureInRange,
  normalizeLowS,
  parseAuthenticatorData,
  parseClientData,
  sha256,
} from '../../../crypto/index.ts';
import { createProtocol } from '../../../ledger/index.ts';
import { ORIGIN, passkeyPerson, RP_ID, signatureOf } from '../../../ledger/testing/world.ts';
import { readAttestation } from '../../../wallet/attestation.ts';
import { decodeCborPrefix } from '../../../wallet/cbor.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget } from './codec-target.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Signatures of passkeys in the recorded transactions. */
async function assertions() {
  const { codecs } = createProtocol();
  const { transactions } = await recordNetwork();
  return transactions.flatMap((bytes) => {
    const decoded = decode(codecs.transaction, bytes);
    const signatures = decoded.ok ? decoded.value.sender.signatures : [];
    return signatures.flatMap((each) => (each.kind === 'webauthn-p256' ? [each] : []));
  });
}

/** DER of an integer, as the browser writes it. */
function derInteger(raw: Uint8Array): number[] {
  const bytes = [...raw];
  while (bytes.length > 1 && bytes[0] === 0) bytes.shift();
  if ((bytes[0] ?? 0) >= 0x80) bytes.unshift(0);
  return [2, bytes.length, ...bytes];
}

function derOf(raw: Uint8Array): Bytes {
  const body = [...derInteger(raw.subarray(0, 32)), ...derInteger(raw.subarray(32))];
  return Uint8Array.from([0x30, body.length, ...body]);
}

/** CBOR of what a registration answers, with short heads where they suffice. */
function head(kind: number, length: number): number[] {
  if (length < 24) return [(kind << 5) | length];
  return length < 256 ? [(kind << 5) | 24, length] : [(kind << 5) | 25, length >> 8, length & 255];
}
const cborText = (text: string) => [...head(3, text.length), ...encodeUtf8(text)];
const cborBytes = (bytes: Uint8Array) => [...head(2, bytes.length), ...bytes];

function attestationOf(publicKey: Uint8Array, idLength: number): Bytes {
  const point = decompressP256(publicKey);
  if (point === undefined) throw new Error('a key of a person is on the curve');
  const cose = [
    ...[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, ...cborBytes(point.subarray(1, 33))],
    ...[0x22, ...cborBytes(point.subarray(33))],
  ];
  const id = new Uint8Array(idLength).fill(7);
  const data = Uint8Array.from([
    ...sha256(encodeUtf8(RP_ID)),
    ...[0x5d, 0, 0, 0, 1, ...new Uint8Array(16), 0, idLength, ...id, ...cose],
  ]);
  return Uint8Array.from([
    0xa3,
    ...[...cborText('fmt'), ...cborText('none')],
    ...[...cborText('attStmt'), 0xa0],
    ...[...cborText('authData'), ...cborBytes(data)],
  ]);
}

const keys = Object.values(PEOPLE)
  .map(({ key }) => key.publicKey)
  .filter(({ length }) => length === 33);

const CBOR_SEEDS: readonly (readonly number[])[] = [
  [0x18, 0x64],
  [0x39, 0x01, 0x00],
  [0x1a, 0xff, 0xff, 0xff, 0xff],
  [0x83, 1, 0x82, 2, 3, 0xf5],
  [0xa2, 1, 2, 0x61, 0x61, 0xf6],
  [0x5a, 0, 0, 0, 3, 1, 2, 3],
];

export const webauthnTargets: readonly Target[] = [
  bytesTarget('client-data', 'clientDataJSON of an assertion', async () => ({
    seeds: [
      ...(await assertions()).map(({ clientDataJson }) => new Uint8Array(clientDataJson)),
      encodeUtf8(
        '{"type":"webauthn.get","challenge":"AA","origin":"https://a.b","crossOrigin":true,' +
          '"topOrigin":"https:\\/\\/\\u0063.d","x":[1.5e-3,{"y":null},[]],"z":false}',
      ),
    ],
    run(input) {
      const parsed = parseClientData(input);
      if (!parsed.ok) return parsed.error.code;
      // The strict reader accepts nothing that the platform's reads otherwise.
      const json = JSON.parse(new TextDecoder().decode(input)) as { [name: string]: unknown };
      const { type, challenge, origin, crossOrigin } = parsed.value;
      const isSame =
        json.type === type &&
        json.challenge === challenge &&
        json.origin === origin &&
        (json.crossOrigin ?? false) === crossOrigin;
      if (!isSame) throw new Broken('JSON.parse reads it otherwise');
      return `accepted@${Object.keys(json).length}`;
    },
  })),
  bytesTarget('authenticator-data', 'what an authenticator says', async () => ({
    seeds: [
      ...(await assertions()).map((each) => new Uint8Array(each.authenticatorData)),
      new Uint8Array(60).fill(0x85),
    ],
    run(input) {
      const parsed = parseAuthenticatorData(input);
      if (!parsed.ok) return `${parsed.error.code}@${(input[32] ?? 0) >> 3}`;
      const { isBackedUp, isBackupEligible, counter } = parsed.value;
      if (isBackedUp && !isBackupEligible) throw new Broken('backed up, yet not eligible');
      if (!Number.isSafeInteger(counter)) throw new Broken('no counter');
      return `accepted@${(input[32] ?? 0) >> 3}`;
    },
  })),
  bytesTarget(
    'assertion',
    'an assertion whole: 1 length byte, authenticator data, client data',
    async () => {
      const challenge = sha256(Uint8Array.of(1));
      const kay = passkeyPerson('kay', true);
      const each = signatureOf(kay, challenge as never);
      if (each.kind !== 'webauthn-p256') throw new Error('a passkey signs so');
      const seed = concatBytes(
        Uint8Array.of(each.authenticatorData.length),
        each.authenticatorData,
        each.clientDataJson,
      );
      const rpIdHash = sha256(encodeUtf8(RP_ID));
      return {
        seeds: [seed],
        run(input) {
          const cut = 1 + (input[0] ?? 0);
          const authenticatorData = input.subarray(1, cut);
          const clientDataJson = input.subarray(cut);
          const origins = [ORIGIN];
          const checked = checkAssertion({
            ...{ authenticatorData, clientDataJson, challenge, rpIdHash, origins },
            mustVerifyUser: true,
          });
          if (!checked.ok) return checked.error.code;
          // Nothing but flags, counter and foreign members may differ from the genuine one.
          const text = new TextDecoder().decode(clientDataJson);
          if (!text.includes('webauthn.get')) throw new Broken('of another type');
          if (!equalBytes(authenticatorData.subarray(0, 32), rpIdHash))
            throw new Broken('elsewhere');
          if (((authenticatorData[32] ?? 0) & 5) !== 5) throw new Broken('nobody was there');
          return 'accepted';
        },
      };
    },
  ),
  bytesTarget('der-signature', 'a signature as the browser gives it', async () => ({
    seeds: [
      ...(await assertions()).map(({ signature }) => derOf(signature)),
      derOf(new Uint8Array(64).fill(1)),
      Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1),
    ],
    run(input) {
      const raw = derToRaw(input);
      if (!raw.ok) return `${raw.error.code}@${Math.min(input.length, 80)}`;
      if (!equalBytes(derOf(raw.value), input)) throw new Broken('a second form');
      const low = normalizeLowS(raw.value);
      if (!isP256SignatureInRange(low, { allowHighS: false })) throw new Broken('S stays high');
      return `accepted@${input.length}`;
    },
  })),
  bytesTarget('p256-key', 'a compressed or uncompressed public key', async () => ({
    seeds: keys.flatMap((key) => [new Uint8Array(key), decompressP256(key) ?? new Uint8Array(0)]),
    run(input) {
      const long = input.length === 65;
      const other = long ? compressP256(input) : decompressP256(input);
      if (other === undefined) return `refused@${Math.min(input.length, 70)}`;
      const again = long ? decompressP256(other) : compressP256(other);
      if (again === undefined || !equalBytes(again, input)) throw new Broken('a second form');
      return `accepted@${long}`;
    },
  })),
  bytesTarget('cbor', 'CBOR of an authenticator', async () => ({
    seeds: [
      ...CBOR_SEEDS.map((each) => Uint8Array.from(each)),
      ...keys.map((key) => attestationOf(key, 16)),
    ],
    run(input) {
      const decoded = decodeCborPrefix(input);
      if (!decoded.ok) return `${decoded.error.code}@${(input[0] ?? 0) >> 3}`;
      if (decoded.value.length > input.length) throw new Broken('longer than it is');
      return `accepted@${(input[0] ?? 0) >> 3}`;
    },
  })),
  bytesTarget('attestation', 'what a registration answers', async () => {
    const rpIdHash = sha256(encodeUtf8(RP_ID));
    return {
      seeds: keys.flatMap((key) => [attestationOf(key, 16), attestationOf(key, 64)]),
      run(input) {
        const read = readAttestation(input, rpIdHash);
        if (!read.ok) return `${read.error.code}@${Math.min(input.length >> 3, 64)}`;
        if (decompressP256(read.value.publicKey) === undefined) throw new Broken('off the curve');
        return `accepted@${read.value.credentialId.length}`;
      },
    };
  }),
];
