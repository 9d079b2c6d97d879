import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../base/index.ts';
import { encodeUtf8, formatHex, isJsonObject } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import {
  decompressP256,
  generateKeyPair,
  hashSuite,
  sha256,
  signMessage,
} from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import { formatAddress, NATIVE_ASSET } from '../../ledger/index.ts';
import { amount, person, TestWorld } from '../../ledger/testing/world.ts';
import { StateTree, stateProofCodec } from '../../state/index.ts';
import { createWebCryptoVerifier } from '../../verifier/index.ts';
import { answerConformance } from './index.ts';
import { OPERATIONS } from './operations.ts';
import { vectorLines } from './vectors.fixture.ts';

const home = { verifier: createWebCryptoVerifier() };

function ask(op: string, input: object): Promise<Json> {
  return answerConformance(JSON.stringify({ op, input }), home);
}
async function codeOf(op: string, input: object): Promise<Json> {
  const answer = await ask(op, input);
  const error = isJsonObject(answer) ? answer.error : undefined;
  return isJsonObject(error) ? (error.code ?? null) : 'no error';
}
const good = (result: Json) => ({ ok: true, result });
const hex = (text: string): string => formatHex(encodeUtf8(text));

const message = encodeUtf8('hello');
const p256 = generateKeyPair('p256', sha256(encodeUtf8('p256')));
const ed25519 = generateKeyPair('ed25519', sha256(encodeUtf8('ed25519')));
const point = formatHex(decompressP256(p256.publicKey) ?? new Uint8Array());
const verifyP256 = {
  scheme: 'p256',
  publicKey: formatHex(p256.publicKey),
  message: formatHex(message),
  signature: formatHex(signMessage(p256, message)),
};
const verifyEd25519 = {
  scheme: 'ed25519',
  publicKey: formatHex(ed25519.publicKey),
  message: formatHex(message),
  signature: formatHex(signMessage(ed25519, message)),
};

describe('signature.verify', () => {
  it('takes a P-256 key in every common form, and an Ed25519 key', async () => {
    const spki = '3059301306072a8648ce3d020106082a8648ce3d030107034200';
    const spkiCompressed = '3039301306072a8648ce3d020106082a8648ce3d030107032200';
    const cose = `a5010203262001215820${point.slice(2, 66)}225820${point.slice(66)}`;
    for (const publicKey of [
      verifyP256.publicKey,
      point,
      spki + point,
      spkiCompressed + verifyP256.publicKey,
      cose,
    ]) {
      const answer = await ask('signature.verify', { ...verifyP256, publicKey });
      expect(answer, publicKey).toEqual(good({ valid: true }));
    }
    for (const before of ['', '302a300506032b6570032100', 'a4010103272006215820']) {
      const publicKey = before + verifyEd25519.publicKey;
      const answer = await ask('signature.verify', { ...verifyEd25519, publicKey });
      expect(answer, publicKey).toEqual(good({ valid: true }));
    }
  });

  it('knows a scheme by its other names, and no other scheme', async () => {
    for (const scheme of ['P-256', 'ES256', 'secp256r1']) {
      expect(await ask('signature.verify', { ...verifyP256, scheme })).toEqual(
        good({ valid: true }),
      );
    }
    const named = await ask('signature.verify', { ...verifyEd25519, scheme: 'Ed25519' });
    expect(named).toEqual(good({ valid: true }));
    for (const scheme of ['secp256k1', 'ed448', 'constructor', '__proto__', '']) {
      expect(await codeOf('signature.verify', { ...verifyP256, scheme })).toBe('scheme-unknown');
    }
  });

  it('says of other keys, messages and signatures that they do not verify', async () => {
    const hybrid = `0${6 + (Number.parseInt(point.slice(-1), 16) & 1)}${point.slice(2)}`;
    for (const change of [
      { publicKey: hybrid },
      { publicKey: `04${point.slice(66)}${point.slice(2, 66)}` },
      { publicKey: '' },
      { publicKey: '00' },
      { publicKey: point.slice(2) },
      { publicKey: `${verifyP256.publicKey}00` },
      { message: '' },
      { signature: '' },
      { signature: '00'.repeat(64) },
      { signature: verifyP256.signature.slice(2) },
      { signature: `${verifyP256.signature}00` },
      { signature: verifyP256.signature, format: 'der' },
    ]) {
      const answer = await ask('signature.verify', { ...verifyP256, ...change });
      expect(answer, JSON.stringify(change)).toEqual(good({ valid: false }));
    }
    for (const change of [
      { publicKey: verifyP256.publicKey },
      { publicKey: '00'.repeat(32) },
      { message: '' },
      { signature: '' },
    ]) {
      const answer = await ask('signature.verify', { ...verifyEd25519, ...change });
      expect(answer, JSON.stringify(change)).toEqual(good({ valid: false }));
    }
  });

  it('names what is no question', async () => {
    for (const [code, change] of [
      ['scheme-unknown', { scheme: 'rsa' }],
      ['input-malformed', { scheme: undefined }],
      ['input-malformed', { publicKey: 'zz' }],
      ['input-malformed', { publicKey: verifyP256.publicKey.toUpperCase() }],
      ['input-malformed', { message: '0' }],
      ['input-malformed', { message: 7 }],
      ['input-malformed', { signature: null }],
      ['input-malformed', { format: 'pem' }],
      ['input-malformed', { highS: true }],
    ] as const) {
      const found = await codeOf('signature.verify', { ...verifyP256, ...change });
      expect(found, JSON.stringify(change)).toBe(code);
    }
  });
});

describe('webauthn.verify', () => {
  const { line } = vectorLines().find(({ name }) => name.endsWith('none-es256: as published')) ?? {
    line: '{}',
  };
  const { input } = JSON.parse(line) as { readonly input: { readonly [name: string]: string } };

  it('takes clientDataJSON as text, and the ways to ask for verification', async () => {
    const text = Buffer.from(input.clientDataJSON ?? '', 'hex').toString('utf8');
    for (const userVerification of ['preferred', 'discouraged', false, null, undefined]) {
      const change = { clientDataJSON: text, userVerification };
      expect(await ask('webauthn.verify', { ...input, ...change })).toEqual(good({ valid: true }));
    }
    for (const userVerification of ['required', true]) {
      const found = await codeOf('webauthn.verify', { ...input, userVerification });
      expect(found).toBe('user-not-verified');
    }
  });

  it('says of keys and signatures that are none that nothing is verified', async () => {
    for (const change of [{ publicKey: '00' }, { signature: '' }, { signature: '3000' }]) {
      expect(await ask('webauthn.verify', { ...input, ...change })).toEqual(good({ valid: false }));
    }
  });

  it('names what is wrong with the question or the assertion', async () => {
    const other = (from: string, to: string) => ({
      clientDataJSON: (input.clientDataJSON ?? '').replace(hex(from), hex(to)),
    });
    for (const [code, change] of [
      ['input-malformed', { origins: 'https://example.org' }],
      ['input-malformed', { origins: [1] }],
      ['input-malformed', { userVerification: 'maybe' }],
      ['input-malformed', { rpId: undefined }],
      ['input-malformed', { clientDataJSON: 'xyz' }],
      ['client-data-malformed', { clientDataJSON: '' }],
      ['client-data-malformed', { clientDataJSON: '{}' }],
      ['authenticator-data-malformed', { authenticatorData: '00' }],
      ['type-wrong', other('webauthn.get', 'webauthn.set')],
      ['cross-origin', other('"crossOrigin":false', '"crossOrigin":true')],
      ['origin-not-allowed', other('https://example.org', 'https://example.com')],
      ['challenge-mismatch', { challenge: '' }],
    ] as const) {
      const found = await codeOf('webauthn.verify', { ...input, ...change });
      expect(found, JSON.stringify(change)).toBe(code);
    }
  });
});

describe('hash', () => {
  it('is the plain digest, by every name of the suite', async () => {
    const sha = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    const blake = '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85';
    for (const suite of ['sha2-256', 'sha-256', 'sha256']) {
      expect(await ask('hash', { suite, data: hex('abc') })).toEqual(good(sha));
    }
    for (const suite of ['blake3-256', 'blake3']) {
      expect(await ask('hash', { suite, data: hex('abc') })).toEqual(good(blake));
    }
  });

  it('names what is no question', async () => {
    for (const suite of ['md5', '', 'constructor', 7, null, undefined]) {
      expect(await codeOf('hash', { suite, data: '' })).toBe('suite-unknown');
    }
    expect(await codeOf('hash', { suite: 'sha256' })).toBe('input-malformed');
  });
});

describe('address.parse', () => {
  const { address } = person('ada');
  const text = formatAddress(address);

  it('gives the bytes, and the one text of an address', async () => {
    const result = { bytes: formatHex(address), text };
    expect(await ask('address.parse', { address: text })).toEqual(good(result));
  });

  it('refuses a changed, shortened, mixed or foreign text', async () => {
    const changed = text.slice(0, -1) + (text.endsWith('q') ? 'p' : 'q');
    const mixed = `T${text.slice(1)}`;
    const foreign = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';
    for (const address of [changed, mixed, text.slice(0, -1), `${text}q`, foreign, '', ' ']) {
      const code = await codeOf('address.parse', { address });
      expect(code, address).toMatch(/^address-/);
    }
    expect(await codeOf('address.parse', { address: 5 })).toBe('input-malformed');
  });
});

describe('transaction.decode', () => {
  const world = new TestWorld({ balances: [] });
  const { codecs } = world.ledger;
  const ada = person('ada');
  const transaction = world.sign(ada, {
    actions: [
      {
        kind: 'asset.transfer',
        asset: NATIVE_ASSET,
        recipient: person('bob').address,
        amount: amount(7),
      },
    ],
  });
  const bytes = formatHex(encode(codecs.transaction, transaction));

  it('gives ids and members of canonical bytes', async () => {
    const body = world.ledger.encodeBody(transaction.body);
    const answer = await ask('transaction.decode', { bytes });
    expect(answer).toMatchObject(
      good({
        id: formatHex(world.ledger.transactionId(body)),
        transaction: {
          body: { sender: formatAddress(ada.address), actions: [{ kind: 'asset.transfer' }] },
        },
      }),
    );
    const other = await ask('transaction.decode', { bytes, suite: 'sha256' });
    expect(other).toMatchObject({ ok: true });
    expect(other).not.toEqual(answer);
  });

  it('refuses truncated, longer and empty bytes with the code of the decoder', async () => {
    expect(await codeOf('transaction.decode', { bytes: bytes.slice(2, -2) })).not.toBe('no error');
    expect(await codeOf('transaction.decode', { bytes: bytes.slice(0, -2) })).toBe('truncated');
    expect(await codeOf('transaction.decode', { bytes: `${bytes}00` })).toBe('trailing-bytes');
    expect(await codeOf('transaction.decode', { bytes: '' })).toBe('truncated');
  });
});

describe('state.root and state.verifyProof', () => {
  const suite = hashSuite('blake3-256');
  const tree = StateTree.empty(suite);
  const at = (height: number) => height as Height;
  tree.apply(at(0), [
    { key: encodeUtf8('a'), value: encodeUtf8('1') },
    { key: encodeUtf8('b'), value: encodeUtf8('x'.repeat(100)) },
  ]);
  tree.apply(at(3), [{ key: encodeUtf8('a'), value: encodeUtf8('2') }]);
  const root = formatHex(tree.root());
  const entries = [
    { key: hex('a'), value: hex('2'), changedAt: 3 },
    { key: hex('b'), value: hex('x'.repeat(100)) },
  ];
  const keys = [hex('a'), hex('nobody')];
  const proof = formatHex(
    encode(
      stateProofCodec,
      tree.prove(3, [encodeUtf8('a'), encodeUtf8('nobody')]) ?? { nodes: [] },
    ),
  );

  it('give the root of the tree, in any order of the entries', async () => {
    expect(await ask('state.root', { entries })).toEqual(good({ root }));
    expect(await ask('state.root', { entries: [...entries].reverse() })).toEqual(good({ root }));
    const answer = await ask('state.root', { entries, suite: 'sha2-256' });
    expect(answer).toMatchObject({ ok: true });
    expect(answer).not.toEqual(good({ root }));
  });

  it('refuse entries that no state can hold', async () => {
    const [first] = entries;
    for (const [code, list] of [
      ['key-twice', [first, first]],
      ['key-length', [{ key: '', value: '' }]],
      ['key-length', [{ key: '00'.repeat(257), value: '' }]],
      ['value-too-long', [{ key: '00', value: '00'.repeat(512 * 1024 + 1) }]],
      ['too-many-entries', new Array(10_001).fill(0)],
      ['input-malformed', [{ ...first, changedAt: -1 }]],
      ['input-malformed', [{ ...first, changedAt: 1.5 }]],
      ['input-malformed', [{ key: '00' }]],
      ['input-malformed', [[]]],
      ['input-malformed', 'none'],
    ] as const) {
      expect(await codeOf('state.root', { entries: list }), code).toBe(code);
    }
  });

  it('prove what is there and what is not, and nothing else', async () => {
    const proven = [
      { key: hex('a'), value: hex('2'), changedAt: 3 },
      { key: hex('nobody'), value: null, changedAt: null },
    ];
    const question = { root, keys, proof };
    expect(await ask('state.verifyProof', question)).toEqual(
      good({ valid: true, entries: proven }),
    );
    for (const [code, change] of [
      ['proof-root-mismatch', { root: '00'.repeat(32) }],
      ['proof-malformed', { keys: [hex('b')] }],
      ['truncated', { proof: proof.slice(0, -2) }],
      ['trailing-bytes', { proof: `${proof}00` }],
      ['input-malformed', { root: '00' }],
      ['input-malformed', { keys: [] }],
      ['input-malformed', { keys: [hex('a'), hex('a')] }],
      ['input-malformed', { keys: Array.from({ length: 513 }, (_, at) => hex(`${at}`)) }],
    ] as const) {
      const found = await codeOf('state.verifyProof', { ...question, ...change });
      expect(found, JSON.stringify(change).slice(0, 80)).toBe(code);
    }
  });
});

describe('any line', () => {
  const ops = Object.keys(OPERATIONS);
  const members = [
    ...new Set(Object.values(OPERATIONS).flatMap(({ input }) => Object.keys(input))),
  ];

  it('help lists every operation with its members', async () => {
    const answer = await answerConformance('{"op":"help"}', home);
    const listed = (answer as { result: { operations: { op: string }[] } }).result.operations;
    expect(listed.map(({ op }) => op)).toEqual(ops);
  });

  it('that is no question is answered with a code', async () => {
    for (const [line, code] of [
      ['', 'line-malformed'],
      ['[]', 'line-malformed'],
      ['null', 'line-malformed'],
      ['{}', 'line-malformed'],
      ['{"op":7}', 'line-malformed'],
      ['{"op":"hash"', 'line-malformed'],
      ['{"op":"toString"}', 'operation-unknown'],
      ['{"op":"__proto__"}', 'operation-unknown'],
      ['{"op":"hash"}', 'input-malformed'],
      ['{"op":"hash","input":[]}', 'input-malformed'],
      ['{"op":"hash","input":null}', 'input-malformed'],
      ['{"op":"hash","input":{"__proto__":{"suite":"sha256","data":""}}}', 'suite-unknown'],
      [`"${'x'.repeat(16 * 1024 * 1024)}"`, 'line-too-long'],
      ['['.repeat(100_000), 'line-malformed'],
    ] as const) {
      const answer = await answerConformance(line, home);
      expect(answer, line.slice(0, 60)).toMatchObject({ ok: false, error: { code } });
    }
  });

  it('ends in an answer that is no failure of ours, whatever stands in it', async () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.uint8Array({ maxLength: 100 }).map(formatHex),
      fc.constantFrom('p256', 'ed25519', 'sha256', point, proofLike, verifyP256.signature),
    );
    const input = fc.dictionary(fc.constantFrom(...members), value);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ops), input, async (op, given) => {
        const answer = await ask(op, given);
        expect(JSON.stringify(answer)).toMatch(/^\{"ok":(true,"result":|false,"error":\{"code":)/);
        expect(JSON.stringify(answer)).not.toContain('internal-error');
      }),
      { numRuns: 1_000 },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (line) => {
        expect(await answerConformance(line, home)).toMatchObject({ ok: false });
      }),
    );
  });
});

/** Starts like a proof. */
const proofLike = '0102030405';
