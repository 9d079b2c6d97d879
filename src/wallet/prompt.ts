import type { Bytes } from '../base/index.ts';
import { encodeUtf8, equalBytes } from '../base/index.ts';
import {
  checkAssertion,
  derToRaw,
  encodeBase64Url,
  normalizeLowS,
  parseClientData,
  sha256,
  webauthnMessage,
} from '../crypto/index.ts';
import type { KeySignature, Transport } from '../ledger/index.ts';
import { transportCodec } from '../ledger/index.ts';
import type { NewCredential } from './attestation.ts';
import { walletError } from './errors.ts';
import { PROMPT_TIMEOUT_MS } from './limits.ts';
import { loadCurve } from './load-curve.ts';
import type { CredentialsApi, KeyKind } from './types.ts';

/** The page that prompts are shown on. */
export type PromptPlace = {
  readonly credentials: CredentialsApi | undefined;
  readonly origin: string;
  readonly rpId: string;
};

/** A credential that may be asked for. */
export type AllowedCredential = {
  readonly credentialId: Bytes;
  readonly transports: readonly Transport[];
};

/** An assertion whose form, challenge and page were checked; its signature is raw, low S. */
export type Assertion = {
  readonly credentialId: Bytes;
  readonly authenticatorData: Bytes;
  readonly clientDataJson: Bytes;
  readonly signature: Bytes;
  readonly isBackupEligible: boolean;
  readonly isBackedUp: boolean;
  /** Whether the device itself answered, rather than a stick or a phone beside it. */
  readonly isPlatform: boolean;
};

function randomBytes(count: number): Bytes {
  return globalThis.crypto.getRandomValues(new Uint8Array(count));
}

/** Turns what a browser throws into words of our own; the device never says why it refused. */
function promptFailure(error: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted === true) return walletError('aborted', {}, error);
  const name = error instanceof Error ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'AbortError':
    case 'OperationError': // Chromium, while another prompt is open.
      return walletError('prompt-cancelled', {}, error);
    case 'InvalidStateError':
      return walletError('key-exists', {}, error);
    case 'SecurityError':
    case 'NotSupportedError':
      return walletError('webauthn-unavailable', { reason: name }, error);
    default:
      return walletError('authenticator-answer-malformed', { reason: name }, error);
  }
}

async function ask(
  signal: AbortSignal | undefined,
  prompt: () => Promise<Credential | null>,
): Promise<PublicKeyCredential> {
  if (signal?.aborted === true) throw walletError('aborted');
  // Whoever reads the answer asks for it again, and hears of a failure.
  loadCurve().catch(() => undefined);
  let credential: Credential | null;
  try {
    credential = await prompt();
  } catch (error) {
    throw promptFailure(error, signal);
  }
  if (credential === null || credential.type !== 'public-key') {
    throw walletError('authenticator-answer-malformed', { reason: 'no-credential' });
  }
  return credential as PublicKeyCredential; // What `type` just said.
}

function apiOf(place: PromptPlace): CredentialsApi {
  if (place.credentials === undefined) throw walletError('webauthn-unavailable');
  return place.credentials;
}

function descriptor(allowed: AllowedCredential): PublicKeyCredentialDescriptor {
  const { credentialId, transports } = allowed;
  return {
    type: 'public-key',
    id: credentialId,
    // The platform's list of words lacks `smart-card` in some versions; unknown ones are ignored.
    ...(transports.length === 0 ? {} : { transports: [...transports] as AuthenticatorTransport[] }),
  };
}

/** The transports that the ledger knows, each once; others are left out. */
function knownTransports(words: readonly string[]): Transport[] {
  const shape = transportCodec.shape;
  const known: readonly string[] = shape.kind === 'enumeration' ? shape.words : [];
  // Filtered by the very words of the type.
  return [...new Set(words)].filter((word) => known.includes(word)) as Transport[];
}

export type CreationRequest = {
  readonly kind: KeyKind;
  readonly label: string;
  /** Keys that the device must not make twice. */
  readonly exclude: readonly AllowedCredential[];
  readonly signal: AbortSignal | undefined;
};

/** A new key and how it may be reached. */
export type CreatedCredential = NewCredential & { readonly transports: readonly Transport[] };

/**
 * Asks a device to make a P-256 key (WebAuthn Level 3 §5.1.3). A passkey is found again without
 * its id; a security key keeps nothing, so that old ones with little memory serve too.
 */
export async function promptCreate(
  place: PromptPlace,
  request: CreationRequest,
): Promise<CreatedCredential> {
  const api = apiOf(place);
  const challenge = randomBytes(32);
  const isPasskey = request.kind === 'passkey';
  const publicKey: PublicKeyCredentialCreationOptions = {
    challenge,
    rp: { id: place.rpId, name: 'Tabellion' },
    user: { id: randomBytes(32), name: request.label, displayName: request.label },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    excludeCredentials: request.exclude.map(descriptor),
    authenticatorSelection: isPasskey
      ? { residentKey: 'required', requireResidentKey: true, userVerification: 'preferred' }
      : {
          residentKey: 'discouraged',
          authenticatorAttachment: 'cross-platform',
          userVerification: 'preferred',
        },
    attestation: 'none',
    timeout: PROMPT_TIMEOUT_MS,
  };
  const { signal } = request;
  const credential = await ask(signal, () =>
    api.create({ publicKey, ...(signal === undefined ? {} : { signal }) }),
  );
  // `create` answers with an attestation response (§5.1).
  const response = credential.response as AuthenticatorAttestationResponse;
  const client = parseClientData(new Uint8Array(response.clientDataJSON));
  if (
    !client.ok ||
    client.value.type !== 'webauthn.create' ||
    client.value.challenge !== encodeBase64Url(challenge) ||
    client.value.origin !== place.origin
  ) {
    throw walletError('authenticator-answer-malformed', { reason: 'client-data' });
  }
  const rpIdHash = sha256(encodeUtf8(place.rpId));
  const { readAttestation } = await loadCurve();
  const read = readAttestation(new Uint8Array(response.attestationObject), rpIdHash);
  if (!read.ok) throw walletError(read.error.code, { reason: 'attestation' });
  if (!equalBytes(read.value.credentialId, new Uint8Array(credential.rawId))) {
    throw walletError('authenticator-answer-malformed', { reason: 'credential-id' });
  }
  // Older browsers lack `getTransports`.
  const transports = typeof response.getTransports === 'function' ? response.getTransports() : [];
  return { ...read.value, transports: knownTransports(transports) };
}

/**
 * Asks for a signature over a challenge (§5.1.4): by one of `allow`, or, when that is empty, by
 * whichever passkey of this page the person picks.
 */
export async function promptGet(
  place: PromptPlace,
  request: {
    readonly challenge: Bytes;
    readonly allow: readonly AllowedCredential[];
    readonly signal: AbortSignal | undefined;
  },
): Promise<Assertion> {
  const api = apiOf(place);
  const { challenge, allow, signal } = request;
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge,
    rpId: place.rpId,
    allowCredentials: allow.map(descriptor),
    userVerification: 'preferred',
    timeout: PROMPT_TIMEOUT_MS,
  };
  const credential = await ask(signal, () =>
    api.get({ publicKey, ...(signal === undefined ? {} : { signal }) }),
  );
  // `get` answers with an assertion response (§5.1).
  const response = credential.response as AuthenticatorAssertionResponse;
  const authenticatorData = new Uint8Array(response.authenticatorData);
  const clientDataJson = new Uint8Array(response.clientDataJSON);
  const checked = checkAssertion({
    authenticatorData,
    clientDataJson,
    challenge,
    rpIdHash: sha256(encodeUtf8(place.rpId)),
    origins: [place.origin],
    mustVerifyUser: false,
  });
  if (!checked.ok) throw walletError('signature-invalid', { reason: checked.error.code });
  const raw = derToRaw(new Uint8Array(response.signature));
  if (!raw.ok) throw walletError('signature-invalid', { reason: raw.error.code });
  const credentialId = new Uint8Array(credential.rawId);
  const isAsked = allow.some((each) => equalBytes(each.credentialId, credentialId));
  if (allow.length > 0 && !isAsked) throw walletError('key-unknown');
  return {
    credentialId,
    authenticatorData,
    clientDataJson,
    signature: normalizeLowS(raw.value),
    ...checked.value,
    isPlatform: credential.authenticatorAttachment === 'platform',
  };
}

/** A challenge for signatures that stand for nothing but "this key is here". */
export function freshChallenge(): Bytes {
  return randomBytes(32);
}

/** The bytes that an assertion signed. */
export function messageOf(assertion: Assertion): Bytes {
  return webauthnMessage(assertion.authenticatorData, assertion.clientDataJson);
}

/** Whether an assertion was signed by a key. */
export async function isSignedBy(assertion: Assertion, publicKey: Bytes): Promise<boolean> {
  const { verifySignature } = await loadCurve();
  return verifySignature({
    algorithm: 'p256',
    publicKey,
    message: messageOf(assertion),
    signature: assertion.signature,
  });
}

/** The assertion as the ledger takes it. */
export function keySignatureOf(assertion: Assertion, publicKey: Bytes): KeySignature {
  return {
    kind: 'webauthn-p256',
    publicKey,
    authenticatorData: assertion.authenticatorData,
    clientDataJson: assertion.clientDataJson,
    signature: assertion.signature,
  };
}
