import { describe, expect, test } from 'vitest';
import type { Clock } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import type { SignatureClaim } from '../crypto/index.ts';
import { generateKeyPair, signMessage } from '../crypto/index.ts';
import type { SubtleVerify } from './engine.ts';
import type { VerifierMessage, VerifierPort } from './index.ts';
import * as verifierRoom from './index.ts';
import {
  createPooledVerifier,
  createWebCryptoVerifier,
  serveVerifier,
  verifierPortOf,
} from './index.ts';

const pairs = [1, 2, 3].map((fill) => generateKeyPair('p256', new Uint8Array(32).fill(fill)));

/** Claims of which every third is false. */
function claimsOf(count: number): { claims: SignatureClaim[]; expected: boolean[] } {
  const claims: SignatureClaim[] = [];
  const expected: boolean[] = [];
  for (let at = 0; at < count; at++) {
    const pair = pairs[at % 2];
    if (pair === undefined) throw new Error('no pair');
    const message = Uint8Array.of(at, at >> 8);
    const isTrue = at % 3 !== 2;
    const signature = signMessage(pair, isTrue ? message : Uint8Array.of(9, 9, 9));
    claims.push({ algorithm: 'p256', publicKey: pair.publicKey, message, signature });
    expected.push(isTrue);
  }
  return { claims, expected };
}

/** A clock whose time limits end when the test says so. */
function manualClock(): Clock & { readonly elapse: () => void } {
  const waiting = new Set<() => void>();
  return {
    now: () => timestampMs(0),
    after(_delayMs, callback) {
      waiting.add(callback);
      return () => waiting.delete(callback);
    },
    elapse() {
      for (const callback of [...waiting]) callback();
    },
  };
}

/** A worker's line that does with each message what the test says. */
function scriptedPort(
  onSend: (message: VerifierMessage, answer: (message: VerifierMessage) => void) => void,
): VerifierPort & { readonly crash: () => void; isClosed: boolean } {
  let onMessage: (message: VerifierMessage) => void = () => undefined;
  let onFailure: () => void = () => undefined;
  const port = {
    isClosed: false,
    send: (message: VerifierMessage) => onSend(message, (reply) => onMessage(reply)),
    listen(message: (message: VerifierMessage) => void, failure: () => void) {
      onMessage = message;
      onFailure = failure;
    },
    close() {
      port.isClosed = true;
    },
    crash: () => onFailure(),
  };
  return port;
}

describe('createWebCryptoVerifier', () => {
  test('answers in the order of the claims, many batches at once', async () => {
    const verifier = createWebCryptoVerifier({ concurrency: 2 });
    const batches = [claimsOf(30), claimsOf(7), claimsOf(0), claimsOf(50)];
    const answers = await Promise.all(batches.map(({ claims }) => verifier.verify(claims)));
    expect(answers).toEqual(batches.map(({ expected }) => expected));
    await verifier.stop();
  });

  test('keeps no more than its limit in flight, and imports a key once', async () => {
    let inFlight = 0;
    let inFlightMax = 0;
    let importCount = 0;
    const subtle: SubtleVerify = {
      importKey: ((...parameters: Parameters<SubtleCrypto['importKey']>) => {
        importCount++;
        return globalThis.crypto.subtle.importKey(...parameters);
      }) as SubtleCrypto['importKey'], // The overloads of the platform take these parameters.
      async verify(...parameters) {
        inFlight++;
        inFlightMax = Math.max(inFlightMax, inFlight);
        try {
          return await globalThis.crypto.subtle.verify(...parameters);
        } finally {
          inFlight--;
        }
      },
    };
    const verifier = createWebCryptoVerifier({ concurrency: 4, subtle });
    const { claims, expected } = claimsOf(40);
    expect(await verifier.verify(claims)).toEqual(expected);
    expect(inFlightMax).toBeLessThanOrEqual(4);
    expect(importCount).toBe(2);
    await verifier.stop();
  });

  test('hands over as many as fit when half are left, not one for each answer', async () => {
    const waiting: ((verdict: boolean) => void)[] = [];
    let begun = 0;
    const subtle: SubtleVerify = {
      importKey: globalThis.crypto.subtle.importKey.bind(globalThis.crypto.subtle),
      verify() {
        begun++;
        return new Promise<boolean>((resolve) => waiting.push(resolve));
      },
    };
    const settled = async () => {
      // Some turns of the event loop: all that an answer sets off has happened.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    const verifier = createWebCryptoVerifier({ concurrency: 8, subtle });
    const answer = verifier.verify(claimsOf(14).claims);
    while (begun < 8) await settled();
    const counts: number[] = [];
    for (let answered = 0; answered < 14; answered++) {
      waiting.shift()?.(true);
      await settled();
      counts.push(begun);
    }
    expect(counts.slice(0, 9)).toEqual([8, 8, 8, 12, 12, 12, 12, 14, 14]);
    expect(await answer).toEqual(new Array(14).fill(true));
    // More is handed over at once while there is room.
    const first = verifier.verify(claimsOf(5).claims);
    const second = verifier.verify(claimsOf(3).claims);
    await settled();
    expect(begun).toBe(14 + 8);
    for (const resolve of waiting.splice(0)) resolve(true);
    await Promise.all([first, second, verifier.stop()]);
  });

  test('decides by the reference what the engine rejects', async () => {
    const broken: SubtleVerify = {
      importKey: () => Promise.reject(new Error('engine without keys')),
      verify: () => Promise.reject(new Error('engine without verification')),
    };
    const verifier = createWebCryptoVerifier({ subtle: broken });
    const { claims, expected } = claimsOf(9);
    expect(await verifier.verify(claims)).toEqual(expected);
    await verifier.stop();
  });

  test('an aborted batch rejects, others go on', async () => {
    const verifier = createWebCryptoVerifier({ concurrency: 1 });
    const controller = new AbortController();
    const aborted = verifier.verify(claimsOf(20).claims, controller.signal);
    const kept = claimsOf(5);
    const answer = verifier.verify(kept.claims);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    expect(await answer).toEqual(kept.expected);
    await expect(verifier.verify([], controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    await verifier.stop();
  });

  test('stops twice, waits for what was begun, and takes nothing after', async () => {
    const verifier = createWebCryptoVerifier();
    const { claims, expected } = claimsOf(12);
    const answer = verifier.verify(claims);
    await Promise.all([verifier.stop(), verifier.stop()]);
    expect(await answer).toEqual(expected);
    await expect(verifier.verify(claims)).rejects.toMatchObject({ code: 'verifier-stopped' });
  });
});

describe('keys of P-256', () => {
  /** An engine that counts imports by the length of the key, and takes some lengths only. */
  function engineFor(lengths: readonly number[]) {
    const asked: number[] = [];
    const subtle: SubtleVerify = {
      importKey: ((format: 'raw', key: Uint8Array<ArrayBuffer>, ...rest: [never, never, never]) => {
        asked.push(key.length);
        if (!lengths.includes(key.length)) return Promise.reject(new Error('form unknown'));
        return crypto.subtle.importKey(format, key, ...rest);
      }) as SubtleVerify['importKey'], // The one of its forms that verification calls.
      verify: (...words) => crypto.subtle.verify(...words),
    };
    return { asked, verifier: createWebCryptoVerifier({ subtle }) };
  }

  test('are handed over compressed, once each', async () => {
    const { claims, expected } = claimsOf(12);
    const { asked, verifier } = engineFor([33, 65]);
    expect(await verifier.verify(claims)).toEqual(expected);
    expect(asked).toEqual([33, 33]);
    await verifier.stop();
  });

  test('are decompressed here for an engine that cannot; it is not asked again', async () => {
    const { claims, expected } = claimsOf(12);
    const { asked, verifier } = engineFor([65]);
    for (const claim of claims) await verifier.verify([claim]);
    expect(await verifier.verify(claims)).toEqual(expected);
    expect(asked).toEqual([33, 65, 65]);
    await verifier.stop();
  });

  test('off the curve verify nothing, and say nothing of the engine', async () => {
    const { claims, expected } = claimsOf(3);
    const { asked, verifier } = engineFor([33, 65]);
    const [first] = claims;
    if (first === undefined) throw new Error('no claim');
    // x = 1 has no y on P-256, and x = 2^256 - 1 is no element of the field.
    const one = new Uint8Array(33);
    one.set([2], 0);
    one.set([1], 32);
    const beyond = new Uint8Array(33).fill(255);
    beyond[0] = 3;
    for (const publicKey of [one, beyond]) {
      expect(await verifier.verify([{ ...first, publicKey }])).toEqual([false]);
    }
    expect(await verifier.verify(claims)).toEqual(expected);
    expect(asked.filter((length) => length === 65)).toEqual([]);
    await verifier.stop();
  });
});

describe('createPooledVerifier', () => {
  test('spreads a batch over its workers', async () => {
    const counts = [0, 0];
    const workers = counts.map((_, place) => {
      const { port1, port2 } = new MessageChannel();
      const verifier = createWebCryptoVerifier();
      serveVerifier(verifierPortOf(port2), {
        verify: (claims) => {
          counts[place] = (counts[place] ?? 0) + claims.length;
          return verifier.verify(claims);
        },
        stop: () => verifier.stop(),
      });
      return verifierPortOf(port1);
    });
    const pool = createPooledVerifier({ workers });
    const { claims, expected } = claimsOf(100);
    expect(await pool.verify(claims)).toEqual(expected);
    expect(counts).toEqual([50, 50]);
    await pool.stop();
  });

  test('a worker that crashes with work in hand costs no verdict', async () => {
    const port = scriptedPort(() => undefined);
    const pool = createPooledVerifier({ workers: [port] });
    const { claims, expected } = claimsOf(20);
    const answer = pool.verify(claims);
    port.crash();
    expect(await answer).toEqual(expected);
    expect(port.isClosed).toBe(true);
    expect(await pool.verify(claims)).toEqual(expected);
    await pool.stop();
  });

  test('a worker that stays silent beyond the limit is given up', async () => {
    const clock = manualClock();
    const port = scriptedPort(() => clock.elapse());
    const pool = createPooledVerifier({ workers: [port], clock });
    const { claims, expected } = claimsOf(20);
    expect(await pool.verify(claims)).toEqual(expected);
    expect(port.isClosed).toBe(true);
    await pool.stop();
  });

  test('a worker that answers too few verdicts, or cannot be reached, is given up', async () => {
    const short = scriptedPort((message, answer) =>
      answer({ kind: 'verdicts', id: message.id, verdicts: Uint8Array.of(1) }),
    );
    const closed = scriptedPort(() => {
      throw new Error('closed');
    });
    const pool = createPooledVerifier({ workers: [short, closed] });
    const { claims, expected } = claimsOf(40);
    expect(await pool.verify(claims)).toEqual(expected);
    expect([short.isClosed, closed.isClosed]).toEqual([true, true]);
    await pool.stop();
  });

  test('long messages are verified where they are', async () => {
    const pair = pairs[0];
    if (pair === undefined) throw new Error('no pair');
    const message = new Uint8Array(70_000);
    const signature = signMessage(pair, message);
    const claim = { algorithm: 'p256', publicKey: pair.publicKey, message, signature } as const;
    let sentCount = 0;
    const pool = createPooledVerifier({ workers: [scriptedPort(() => sentCount++)] });
    expect(await pool.verify([claim])).toEqual([true]);
    expect(sentCount).toBe(0);
    await pool.stop();
  });

  test('without workers it verifies here; stopped, nowhere', async () => {
    const pool = createPooledVerifier({ workers: [] });
    const { claims, expected } = claimsOf(40);
    expect(await pool.verify(claims)).toEqual(expected);
    await pool.stop();
    await pool.stop();
    await expect(pool.verify(claims)).rejects.toMatchObject({ code: 'verifier-stopped' });
  });
});

describe('verifierPortOf', () => {
  test('reports what is no message of ours as a failure', async () => {
    const { port1, port2 } = new MessageChannel();
    const failed = new Promise<string>((resolve) => {
      verifierPortOf(port1).listen(
        () => resolve('message'),
        () => resolve('failure'),
      );
    });
    port2.postMessage({ kind: 'verdicts', id: 1, verdicts: 'x' });
    expect(await failed).toBe('failure');
    port1.close();
  });
});
test('the room opens these doors and no others', () => {
  expect(Object.keys(verifierRoom).sort()).toMatchInlineSnapshot(`
    [
      "createPooledVerifier",
      "createReferenceVerifier",
      "createWebCryptoVerifier",
      "serveVerifier",
      "verifierPortOf",
    ]
  `);
});
