import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Json } from '../../base/index.ts';
import { encodeUtf8, formatHex, parseHex } from '../../base/index.ts';
import { sha256 } from '../../crypto/index.ts';

/** A published case as a line of the conformance command, and the only right answer to it. */
export type VectorLine = {
  readonly source: string;
  readonly name: string;
  readonly line: string;
  readonly answer: Json;
};

function read<Vectors>(name: string): Vectors {
  const file = new URL(`../../crypto/vectors/${name}.vectors.json.gz`, import.meta.url);
  // The files are frozen, so their types are what each reader says.
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Vectors;
}

const utf8Hex = (text: string): string => formatHex(encodeUtf8(text));

type Verify = {
  readonly scheme: 'p256' | 'ed25519';
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  readonly format?: 'der';
  readonly highS?: 'refused';
};

function verifyLine(source: string, name: string | number, input: Verify, valid: boolean) {
  const line = JSON.stringify({ op: 'signature.verify', input });
  return { source, name: `${source} ${name}`, line, answer: { ok: true, result: { valid } } };
}

type WycheproofCase = {
  readonly tcId: number;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid';
};
type Wycheproof = {
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed?: string; readonly pk?: string };
    /** SubjectPublicKeyInfo. */
    readonly publicKeyDer: string;
    readonly tests: readonly WycheproofCase[];
  }[];
};

/** Valid means valid: P-256 whatever its S, Ed25519 by the rule of the ledger. */
function wycheproof(source: string, base: Pick<Verify, 'scheme' | 'format'>): VectorLine[] {
  return read<Wycheproof>(source).testGroups.flatMap(({ publicKey, publicKeyDer, tests }) =>
    tests.map(({ tcId, msg, sig, result }) => {
      const plain = publicKey.uncompressed ?? publicKey.pk ?? '';
      // Every other case shows its key as X.509 does.
      const key = tcId % 2 === 0 ? plain : publicKeyDer;
      const input = { ...base, publicKey: key, message: msg, signature: sig };
      return verifyLine(source, tcId, input, result === 'valid');
    }),
  );
}

const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;

/** The same cases under the rule of transactions: valid, and S in the lower half. */
function wycheproofLowS(): VectorLine[] {
  const source = 'wycheproof-p256-p1363';
  return read<Wycheproof>(source).testGroups.flatMap(({ publicKey, tests }) =>
    tests.map(({ tcId, msg, sig, result }) => {
      const isLow = BigInt(`0x0${sig.slice(64)}`) <= HALF_ORDER;
      const key = publicKey.uncompressed ?? '';
      const input = { publicKey: key, message: msg, signature: sig, highS: 'refused' } as const;
      const isValid = result === 'valid' && isLow;
      return verifyLine(`${source}-low-s`, tcId, { scheme: 'p256', ...input }, isValid);
    }),
  );
}

type Acvp = {
  readonly q?: string;
  readonly tests: readonly {
    readonly tcId: number;
    readonly testPassed?: boolean;
    readonly message: string;
    readonly q?: string;
    readonly qx: string;
    readonly qy: string;
    readonly r: string;
    readonly s: string;
    readonly signature: string;
  }[];
};
type Cavp = {
  readonly msg: string;
  readonly qx: string;
  readonly qy: string;
  readonly r: string;
  readonly s: string;
  readonly result: 'P' | 'F';
};

/** Numbers of NIST have no leading zeros; a few have more than 32 bytes, and stay so. */
const number = (text: string): string => text.toLowerCase().padStart(64, '0');

function nistP256(): VectorLine[] {
  const source = 'nist-p256';
  const { sigVer, keyVer, cavpSigVer } = read<{
    readonly sigVer: readonly Acvp[];
    readonly keyVer: readonly Acvp[];
    readonly cavpSigVer: readonly Cavp[];
  }>(source);
  const inputOf = ({ qx, qy, r, s }: Pick<Cavp, 'qx' | 'qy' | 'r' | 's'>, message: string) => ({
    scheme: 'p256' as const,
    publicKey: `04${number(qx)}${number(qy)}`,
    message: message.toLowerCase(),
    signature: `${number(r)}${number(s)}`,
  });
  const verified = sigVer.flatMap(({ tests }) =>
    tests.map((each) =>
      verifyLine(source, each.tcId, inputOf(each, each.message), each.testPassed === true),
    ),
  );
  const cavp = cavpSigVer.map((each, at) =>
    verifyLine(source, `cavp ${at}`, inputOf(each, each.msg), each.result === 'P'),
  );
  // Keys come without signatures: those that are none must verify nothing, and not be fallen over.
  const keys = keyVer.flatMap(({ tests }) =>
    tests
      .filter(({ testPassed }) => testPassed !== true)
      .map(({ tcId, qx, qy }) =>
        verifyLine(source, `key ${tcId}`, inputOf({ qx, qy, r: '01', s: '01' }, ''), false),
      ),
  );
  return [...verified, ...cavp, ...keys];
}

function nistEd25519(): VectorLine[] {
  const source = 'nist-ed25519';
  const groups = read<{ readonly sigVer: readonly Acvp[]; readonly sigGen: readonly Acvp[] }>(
    source,
  );
  const linesOf = (isExpected: (passed: boolean | undefined) => boolean) => (group: Acvp) =>
    group.tests.map(({ tcId, q, message, signature, testPassed }) => {
      const publicKey = (q ?? group.q ?? '').toLowerCase();
      const input = {
        scheme: 'ed25519' as const,
        publicKey,
        message: message.toLowerCase(),
        signature: signature.toLowerCase(),
      };
      return verifyLine(source, `${publicKey.slice(0, 8)} ${tcId}`, input, isExpected(testPassed));
    });
  return [
    ...groups.sigVer.flatMap(linesOf((passed) => passed === true)),
    ...groups.sigGen.flatMap(linesOf(() => true)),
  ];
}

function rfc8032(): VectorLine[] {
  type Vector = {
    readonly name: string;
    readonly publicKey: string;
    readonly message: string;
    readonly signature: string;
  };
  const source = 'rfc8032-ed25519';
  return read<Vector[]>(source).map(({ name, publicKey, message, signature }) =>
    verifyLine(source, name, { scheme: 'ed25519', publicKey, message, signature }, true),
  );
}

/** What the rule of the ledger refuses; each is a flag of the CCTV vectors. */
const CCTV_REFUSED = [
  'low_order_A',
  'low_order_R',
  'non_canonical_A',
  'non_canonical_R',
  'low_order_residue',
];

function cctv(): VectorLine[] {
  type Vector = {
    readonly number: number;
    readonly key: string;
    readonly sig: string;
    readonly msg: string;
    readonly flags: readonly string[] | null;
  };
  const source = 'cctv-ed25519';
  return read<Vector[]>(source).map(({ number, key, sig, msg, flags }) => {
    const isExpected = !(flags ?? []).some((flag) => CCTV_REFUSED.includes(flag));
    const message = utf8Hex(msg);
    const input = { scheme: 'ed25519' as const, publicKey: key, message, signature: sig };
    return verifyLine(source, number, input, isExpected);
  });
}

/** Points of small order everywhere; of "Taming the many EdDSAs" (table 5) only case 3 stands. */
function edgesOfEd25519(): VectorLine[] {
  type Zip215 = { readonly vk_bytes: string; readonly sig_bytes: string };
  type Edge = { readonly message: string; readonly pub_key: string; readonly signature: string };
  const scheme = 'ed25519';
  return [
    ...read<Zip215[]>('zip215-ed25519').map(({ vk_bytes, sig_bytes }, at) => {
      const input = { publicKey: vk_bytes, message: utf8Hex('Zcash'), signature: sig_bytes };
      return verifyLine('zip215-ed25519', at, { scheme, ...input }, false);
    }),
    ...read<Edge[]>('edge-cases-ed25519').map(({ message, pub_key, signature }, at) => {
      const input = { scheme, publicKey: pub_key, message, signature } as const;
      return verifyLine('edge-cases-ed25519', at, input, at === 3);
    }),
  ];
}

type Section = { readonly values_hex: { readonly [name: string]: string } };
type W3c = {
  readonly rpId: string;
  readonly origin: string;
  readonly vectors: readonly { readonly id: string; readonly sections: readonly Section[] }[];
};

/** The COSE key that ends attested credential data, among those that this product knows. */
function coseKeyOf(registration: Section): string | undefined {
  const text = registration.values_hex.attestationObject ?? '';
  const pattern =
    /a5010203262001215820[0-9a-f]{64}225820[0-9a-f]{64}|a4010103272006215820[0-9a-f]{64}/;
  return pattern.exec(text)?.[0];
}

/** The published assertions, and the same ones bent in each way that must be noticed. */
function w3c(): VectorLine[] {
  const source = 'w3c-webauthn';
  const { rpId, origin, vectors } = read<W3c>(source);
  return vectors.flatMap(({ id, sections }) => {
    const [registration, authentication] = sections;
    const publicKey = registration === undefined ? undefined : coseKeyOf(registration);
    const values = authentication?.values_hex;
    if (publicKey === undefined || values === undefined) return [];
    const { authenticatorData = '', clientDataJSON = '', signature = '' } = values;
    if (publicKey.startsWith('a4')) {
      const parsed = parseHex(clientDataJSON);
      const hash = formatHex(sha256(parsed.ok ? parsed.value : new Uint8Array()));
      const input = { publicKey, message: authenticatorData + hash, signature };
      return [verifyLine(source, id, { scheme: 'ed25519', ...input }, true)];
    }
    const isCrossOrigin = id.endsWith('crossOrigin') || id.endsWith('topOrigin');
    const isVerified = (Number.parseInt(authenticatorData.slice(64, 66), 16) & 4) !== 0;
    const flip = (text: string) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');
    const valid = (value: boolean): Json => ({ ok: true, result: { valid: value } });
    const refused = (code: string): Json => ({ ok: false, error: { code } });
    const bent: readonly (readonly [string, object, Json])[] = [
      ['as published', {}, valid(true)],
      ['another signature', { signature: flip(signature) }, valid(false)],
      ['another counter', { authenticatorData: flip(authenticatorData) }, valid(false)],
      ['another challenge', { challenge: '00'.repeat(32) }, refused('challenge-mismatch')],
      ['another site', { rpId: `login.${rpId}` }, refused('rp-id-mismatch')],
      ['another origin', { origins: [`${origin}.evil`] }, refused('origin-not-allowed')],
      ['no origin', { origins: [] }, refused('origin-not-allowed')],
      [
        'verification demanded',
        { userVerification: 'required' },
        isVerified ? valid(true) : refused('user-not-verified'),
      ],
    ];
    const base = { publicKey, rpId, origins: [origin], userVerification: 'preferred' };
    const published = { challenge: values.challenge, authenticatorData, clientDataJSON, signature };
    return bent.map(([name, change, answer]) => ({
      source,
      name: `${id}: ${name}`,
      line: JSON.stringify({ op: 'webauthn.verify', input: { ...base, ...published, ...change } }),
      // What is checked before the frame keeps its own code.
      answer: isCrossOrigin && name !== 'another challenge' ? refused('cross-origin') : answer,
    }));
  });
}

/** How many cases each source has: an emptied file is noticed. */
export const VECTOR_COUNTS: { readonly [source: string]: number } = {
  'wycheproof-p256-p1363': 262,
  'wycheproof-p256-p1363-low-s': 262,
  'wycheproof-p256-der': 484,
  'wycheproof-ed25519': 151,
  'nist-p256': 31,
  'nist-ed25519': 47,
  'rfc8032-ed25519': 5,
  'cctv-ed25519': 914,
  'zip215-ed25519': 196,
  'edge-cases-ed25519': 12,
  'w3c-webauthn': 81,
};

/** All published cases, in a fixed order. */
export function vectorLines(): VectorLine[] {
  return [
    ...wycheproof('wycheproof-p256-p1363', { scheme: 'p256' }),
    ...wycheproofLowS(),
    ...wycheproof('wycheproof-p256-der', { scheme: 'p256', format: 'der' }),
    ...wycheproof('wycheproof-ed25519', { scheme: 'ed25519' }),
    ...nistP256(),
    ...nistEd25519(),
    ...rfc8032(),
    ...cctv(),
    ...edgesOfEd25519(),
    ...w3c(),
  ];
}

/** Cases of each source. */
export function countsOf(lines: readonly VectorLine[]): { [source: string]: number } {
  const counts: { [source: string]: number } = {};
  for (const { source } of lines) counts[source] = (counts[source] ?? 0) + 1;
  return counts;
}
