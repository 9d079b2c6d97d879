import type { Bytes } from '../base/index.ts';
import { concatBytes, encodeUtf8, equalBytes } from '../base/index.ts';
import type { KeyPair } from '../crypto/index.ts';
import {
  decompressP256,
  encodeBase64Url,
  generateKeyPair,
  sha256,
  signP256,
  webauthnMessage,
} from '../crypto/index.ts';
import type { CredentialsApi } from './types.ts';

/** A key inside the authenticator. */
type HeldKey = {
  readonly credentialId: Bytes;
  readonly pair: KeyPair;
  readonly rpId: string;
  readonly isResident: boolean;
};

/** Changes what the device does next, then is forgotten. */
type Prank =
  | { readonly kind: 'throw'; readonly name: string }
  | { readonly kind: 'sign-with'; readonly key: HeldKey }
  | { readonly kind: 'origin'; readonly origin: string };

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function head(major: number, value: number): Uint8Array {
  if (value < 24) return Uint8Array.of((major << 5) | value);
  if (value < 256) return Uint8Array.of((major << 5) | 24, value);
  return Uint8Array.of((major << 5) | 25, value >> 8, value & 255);
}
const cborInt = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value));
const cborBytes = (value: Uint8Array) => concatBytes(head(2, value.length), value);
const cborText = (value: string) => {
  const bytes = encodeUtf8(value);
  return concatBytes(head(3, bytes.length), bytes);
};
const cborMap = (...items: readonly Uint8Array[]) =>
  concatBytes(head(5, items.length / 2), ...items);

function derInteger(value: bigint): number[] {
  let hex = value.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const digits = [...Buffer.from(hex, 'hex')];
  const padded = (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits;
  return [2, padded.length, ...padded];
}

/** DER of a raw signature, with high or low S as asked. */
function toDer(raw: Uint8Array, isHigh: boolean): Bytes {
  const r = BigInt(`0x${Buffer.from(raw.subarray(0, 32)).toString('hex')}`);
  const s = BigInt(`0x${Buffer.from(raw.subarray(32)).toString('hex')}`);
  const body = [...derInteger(r), ...derInteger(isHigh ? ORDER - s : s)];
  return Uint8Array.from([0x30, body.length, ...body]);
}

/** A software authenticator that speaks the two functions of `navigator.credentials`. */
export type SoftwareAuthenticator = CredentialsApi & {
  readonly keys: readonly HeldKey[];
  /** What was asked so far, newest last. */
  readonly prompts: readonly (
    | { readonly kind: 'create'; readonly options: PublicKeyCredentialCreationOptions }
    | { readonly kind: 'get'; readonly options: PublicKeyCredentialRequestOptions }
  )[];
  prank(prank: Prank): void;
  /** Uses another page's origin from now on. */
  setOrigin(origin: string): void;
};

/** Makes one on a page; every second signature has high S, as real ones do. */
export function createSoftwareAuthenticator(initialOrigin: string): SoftwareAuthenticator {
  const keys: HeldKey[] = [];
  const prompts: SoftwareAuthenticator['prompts'][number][] = [];
  let origin = initialOrigin;
  let pranks: Prank[] = [];
  let signatureCount = 0;

  const bytesOf = (source: BufferSource) =>
    source instanceof ArrayBuffer
      ? new Uint8Array(source)
      : new Uint8Array(source.buffer, source.byteOffset, source.byteLength);

  function clientData(type: string, challenge: BufferSource, from: string): Bytes {
    const text = encodeBase64Url(bytesOf(challenge));
    return encodeUtf8(
      `{"type":"${type}","challenge":"${text}","origin":"${from}","crossOrigin":false,` +
        '"other_keys_can_be_added_here":"do not compare clientDataJSON against a template"}',
    );
  }
  function takePrank(): Prank | undefined {
    const [prank] = pranks;
    pranks = pranks.slice(1);
    if (prank?.kind === 'throw') throw new DOMException('as told', prank.name);
    return prank;
  }
  function credential(id: Bytes, response: object): Credential {
    // Only the members that a page reads are here.
    return {
      type: 'public-key',
      rawId: id.buffer,
      id: encodeBase64Url(id),
      authenticatorAttachment: 'platform',
      response,
    } as unknown as Credential;
  }
  function create(options: PublicKeyCredentialCreationOptions): Credential {
    const prank = takePrank();
    const rpId = options.rp.id ?? '';
    const isResident = options.authenticatorSelection?.residentKey === 'required';
    // Two devices in one: passkeys live in the computer, the others on a stick.
    const isExcluded = (options.excludeCredentials ?? []).some(({ id }) =>
      keys.some(
        (key) => key.isResident === isResident && equalBytes(key.credentialId, bytesOf(id)),
      ),
    );
    if (isExcluded) throw new DOMException('already here', 'InvalidStateError');
    const pair = generateKeyPair('p256', sha256(Uint8Array.of(keys.length, 77)));
    const credentialId = sha256(pair.publicKey);
    keys.push({ credentialId, pair, rpId, isResident });
    const point = decompressP256(pair.publicKey) ?? new Uint8Array(65);
    const cose = cborMap(
      ...[cborInt(1), cborInt(2), cborInt(3), cborInt(-7), cborInt(-1), cborInt(1)],
      ...[cborInt(-2), cborBytes(point.subarray(1, 33))],
      ...[cborInt(-3), cborBytes(point.subarray(33))],
    );
    const authData = concatBytes(
      sha256(encodeUtf8(rpId)),
      Uint8Array.of(0x4d, 0, 0, 0, 0), // UP, UV, BE, AT.
      new Uint8Array(16),
      Uint8Array.of(0, credentialId.length),
      credentialId,
      cose,
    );
    const attestation = cborMap(
      ...[cborText('fmt'), cborText('none'), cborText('attStmt'), cborMap()],
      ...[cborText('authData'), cborBytes(authData)],
    );
    const from = prank?.kind === 'origin' ? prank.origin : origin;
    return credential(credentialId, {
      clientDataJSON: clientData('webauthn.create', options.challenge, from).buffer,
      attestationObject: attestation.buffer,
      getTransports: () => (isResident ? ['internal', 'telepathy'] : ['usb', 'nfc']),
    });
  }
  function pick(options: PublicKeyCredentialRequestOptions): HeldKey {
    const allowed = options.allowCredentials ?? [];
    const key = keys.findLast(
      ({ credentialId, isResident, rpId }) =>
        rpId === options.rpId &&
        (allowed.length === 0
          ? isResident
          : allowed.some(({ id }) => equalBytes(bytesOf(id), credentialId))),
    );
    if (key === undefined) throw new DOMException('no such key', 'NotAllowedError');
    return key;
  }
  function get(options: PublicKeyCredentialRequestOptions): Credential {
    const prank = takePrank();
    const key = pick(options);
    const signer = prank?.kind === 'sign-with' ? prank.key : key;
    const from = prank?.kind === 'origin' ? prank.origin : origin;
    const authenticatorData = concatBytes(
      sha256(encodeUtf8(key.rpId)),
      Uint8Array.of(0x1d, 0, 0, 0, 9), // UP, UV, BE, BS.
    );
    const clientDataJson = clientData('webauthn.get', options.challenge, from);
    const message = webauthnMessage(authenticatorData, clientDataJson);
    signatureCount++;
    const signature = toDer(signP256(signer.pair.secretKey, message), signatureCount % 2 === 1);
    return credential(key.credentialId, {
      clientDataJSON: clientDataJson.buffer,
      authenticatorData: authenticatorData.buffer,
      signature: signature.buffer,
    });
  }
  return {
    keys,
    prompts,
    prank: (prank) => pranks.push(prank),
    setOrigin(next) {
      origin = next;
    },
    async create({ publicKey, signal }) {
      signal?.throwIfAborted();
      if (publicKey === undefined) return null;
      prompts.push({ kind: 'create', options: publicKey });
      return create(publicKey);
    },
    async get({ publicKey, signal }) {
      signal?.throwIfAborted();
      if (publicKey === undefined) return null;
      prompts.push({ kind: 'get', options: publicKey });
      return get(publicKey);
    },
  };
}
