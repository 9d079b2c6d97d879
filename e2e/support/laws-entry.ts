import type { Json } from '../../src/base/index.ts';
import { formatHex } from '../../src/base/index.ts';
import type { SignatureClaim } from '../../src/crypto/index.ts';
import {
  generateKeyPair,
  hashSuite,
  loadFastHashing,
  sha256,
  signMessage,
  verifySignature,
} from '../../src/crypto/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import { answerConformance } from '../../src/sdk/index.ts';
import { rootOfEntries } from '../../src/state/index.ts';
import { IndexedDbStore } from '../../src/storage/indexed-db-store.ts';
import { runStoreConformance } from '../../src/storage/store.conformance.ts';
import { createReferenceVerifier, createWebCryptoVerifier } from '../../src/verifier/index.ts';

// Laws that must hold in a browser as they do in Node.js; run inside a dedicated worker.

/** Every law of the key-value store on IndexedDB. */
export function store() {
  let count = 0;
  const names = new WeakMap<object, string>();
  const open = async (name: string) => {
    const opened = await IndexedDbStore.open(name);
    names.set(opened, name);
    return opened;
  };
  return runStoreConformance({
    create: () => open(`laws-${count++}`),
    reopen: (closed) => open(names.get(closed) ?? ''),
  });
}

/** How many of some mutated signatures the browser's cryptography judges otherwise. */
export async function verdicts(): Promise<{ claims: number; differences: string[] }> {
  const claims = [...makeClaims('p256'), ...makeClaims('ed25519')];
  const judged = await createWebCryptoVerifier().verify(claims);
  const differences = claims.flatMap((claim, at) =>
    verifySignature(claim) === judged[at] ? [] : [formatHex(claim.signature)],
  );
  return { claims: claims.length, differences };
}

/** Answers to the lines of a file, by the reference in JavaScript or by the engine's own means. */
export async function answers(file: string, verifier: 'reference' | 'engine'): Promise<Json[]> {
  await loadFastHashing();
  const home = {
    verifier: verifier === 'reference' ? createReferenceVerifier() : createWebCryptoVerifier(),
  };
  const text = await (await fetch(`/files/${file}`)).text();
  const given: Json[] = [];
  for (const line of text.split('\n')) given.push(await answerConformance(line, home));
  return given;
}

/** Digests and a state root, to be compared with those of Node.js. */
export async function fastDigests(): Promise<string[]> {
  await loadFastHashing();
  return digests();
}

/** The same in both homes, whatever engine computes it. */
export function digests(): string[] {
  const inputs = Array.from({ length: 40 }, (_, length) => new Uint8Array(length * 7).fill(length));
  return (['blake3-256', 'sha2-256'] as const).flatMap((name) => {
    const suite = hashSuite(name);
    const entries = inputs.slice(1).map((value, at) => ({
      key: Uint8Array.of(1, at),
      value,
      changedAt: at as Height, // Places are small whole numbers.
    }));
    return [
      ...inputs.map((input) => formatHex(suite.hash('block', input))),
      formatHex(rootOfEntries(suite, entries)),
    ];
  });
}

function makeClaims(algorithm: SignatureClaim['algorithm']): SignatureClaim[] {
  const pair = generateKeyPair(algorithm, sha256(Uint8Array.of(7)));
  return Array.from({ length: 120 }, (_, at) => {
    const message = sha256(Uint8Array.of(at));
    const claim = {
      algorithm,
      publicKey: pair.publicKey,
      message,
      signature: signMessage(pair, message),
    };
    if (at % 3 === 0) return claim;
    const field =
      (['signature', 'message', 'publicKey'] as const)[at % 7 === 0 ? 2 : at % 2] ?? 'message';
    const mutated = new Uint8Array(claim[field]);
    const place = (at * 31) % mutated.length;
    mutated[place] = (mutated[place] ?? 0) ^ (1 << (at % 8));
    return { ...claim, [field]: mutated };
  });
}
