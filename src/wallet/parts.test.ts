import { describe, expect, test } from 'vitest';
import { formatHex, timestampMs } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { hashSuite, sha256 } from '../crypto/index.ts';
import type { Address, KeyRecord, Thresholds } from '../ledger/index.ts';
import { formatAddress } from '../ledger/index.ts';
import {
  createLocalWalletStorage,
  findLookalike,
  initialPolicyFor,
  keyLosses,
  signingCodeOf,
} from './index.ts';
import { advance } from './tracking.ts';
import type { TransactionProgress } from './types.ts';

describe('signingCodeOf', () => {
  test('is six characters of the first 30 bits, without those that look alike', () => {
    const hash = (first: readonly number[]) => {
      const bytes = new Uint8Array(32);
      bytes.set(first);
      return bytes as Uint8Array<ArrayBuffer> as Hash; // 32 bytes may be a digest.
    };
    expect(signingCodeOf(hash([0, 0, 0, 0]))).toBe('000-000');
    expect(signingCodeOf(hash([255, 255, 255, 255]))).toBe('ZZZ-ZZZ');
    expect(signingCodeOf(hash([0, 0, 0, 4]))).toBe('000-001');
    expect(signingCodeOf(hash([0x08, 0x42, 0x10, 0x84]))).toBe('111-111');
    expect(signingCodeOf(hash([0, 0, 0, 3]))).toBe('000-000');
  });
});

describe('findLookalike', () => {
  const known = sha256(Uint8Array.of(7)) as unknown as Address; // Any 32 bytes.

  test('finds an address with the same ends and another middle', () => {
    // Found by search: a middle that leaves the last four characters of the checksum as they are.
    const bytes = new Uint8Array(known);
    new DataView(bytes.buffer).setUint32(16, 818_686);
    const found = { address: bytes as Uint8Array<ArrayBuffer> as Address }; // Any 32 bytes.
    expect(formatAddress(found.address).slice(-4)).toBe(formatAddress(known).slice(-4));
    expect(formatHex(found.address)).not.toBe(formatHex(known));
    expect(findLookalike(found.address, [{ address: known }])).toEqual({ address: known });
    expect(findLookalike(found.address, [{ address: known }, found])).toBeUndefined();
  });

  test('an address that is known, or looks like none, is no look-alike', () => {
    expect(findLookalike(known, [{ address: known }])).toBeUndefined();
    const other = sha256(Uint8Array.of(8)) as unknown as Address; // Any 32 bytes.
    expect(findLookalike(other, [{ address: known }])).toBeUndefined();
  });
});

describe('keyLosses', () => {
  const suite = hashSuite('sha2-256');
  const record = (seed: number, change: Partial<KeyRecord> = {}): KeyRecord => {
    const publicKey = sha256(Uint8Array.of(seed));
    const key = { kind: 'ed25519', publicKey } as const;
    return { key, role: 'signer', weight: 1, expiresAt: undefined, ...change };
  };
  const lossesOf = (keys: readonly KeyRecord[], thresholds: Thresholds) =>
    keyLosses(suite, { keys, thresholds }).map(({ lost }) => lost);

  test('tells for each key what nobody could do without it', () => {
    const thresholds = { everyday: 1, guarded: 2, vault: 3 };
    expect(lossesOf([record(1), record(2), record(3)], thresholds)).toEqual([
      ['vault'],
      ['vault'],
      ['vault'],
    ]);
    expect(lossesOf([record(1, { weight: 3 }), record(2)], thresholds)).toEqual([
      ['guarded', 'vault'],
      [],
    ]);
  });

  test('recovery, session and expiring keys are not counted on', () => {
    const ones = { everyday: 1, guarded: 1, vault: 1 };
    const all = ['everyday', 'guarded', 'vault'];
    for (const change of [
      { role: 'recovery' },
      { role: 'session' },
      { expiresAt: 9 as NonNullable<KeyRecord['expiresAt']> },
    ] as const) {
      expect(lossesOf([record(1), record(2, change)], ones)).toEqual([all, []]);
    }
  });
});

describe('initialPolicyFor', () => {
  test('depends on public key, rpId and origin, and on nothing else', () => {
    const key = new Uint8Array(33).fill(2);
    const place = { rpId: 'a.example', origin: 'https://a.example' };
    expect(initialPolicyFor(key, place)).toEqual(initialPolicyFor(new Uint8Array(key), place));
    expect(initialPolicyFor(key, place)).toEqual({
      keys: [
        {
          key: {
            kind: 'webauthn-p256',
            publicKey: key,
            rpIdHash: sha256(new TextEncoder().encode('a.example')),
            origins: ['https://a.example'],
            mustVerifyUser: false,
          },
          role: 'signer',
          weight: 1,
          expiresAt: undefined,
        },
      ],
      thresholds: { everyday: 1, guarded: 1, vault: 1 },
    });
  });
});

describe('advance', () => {
  const start: TransactionProgress = {
    transactionId: sha256(Uint8Array.of(1)) as Uint8Array<ArrayBuffer> as Hash,
    sender: sha256(Uint8Array.of(2)) as unknown as Address,
    stage: 'signed',
    steps: [{ stage: 'signed', at: timestampMs(1) }],
    height: undefined,
    validUntil: undefined,
    failure: undefined,
    summary: [],
  };

  test('stages only rise, and a verdict is the end', () => {
    const seen = advance(start, { stage: 'seen', at: timestampMs(2) });
    expect(advance(seen, { stage: 'seen', at: timestampMs(3) })).toBe(seen);
    const final = advance(seen, { stage: 'final', at: timestampMs(4) });
    expect(final.steps.at(-1)).toEqual({ stage: 'final', at: 4 });
    for (const stage of ['signed', 'seen', 'included', 'failed', 'expired'] as const) {
      expect(advance(final, { stage, at: timestampMs(5) })).toBe(final);
    }
  });

  test('what passed before its news came has the time of the news that implies it', () => {
    const stepsOf = (stage: TransactionProgress['stage']) =>
      advance(start, { stage, at: timestampMs(7) }).steps;
    expect(stepsOf('final')).toEqual([
      { stage: 'signed', at: 1 },
      { stage: 'seen', at: 7 },
      { stage: 'included', at: 7 },
      { stage: 'final', at: 7 },
    ]);
    expect(stepsOf('included').map(({ stage }) => stage)).toEqual(['signed', 'seen', 'included']);
    // A refusal, or an end without a block, says nothing of what was before.
    expect(stepsOf('failed').map(({ stage }) => stage)).toEqual(['signed', 'failed']);
    expect(stepsOf('expired').map(({ stage }) => stage)).toEqual(['signed', 'expired']);
  });
});

describe('createLocalWalletStorage', () => {
  function createStorage(values: Map<string, string>): Storage {
    return {
      get length() {
        return values.size;
      },
      key: () => null,
      clear: () => values.clear(),
      getItem: (name) => values.get(name) ?? null,
      setItem: (name, value) => void values.set(name, value),
      removeItem: (name) => void values.delete(name),
    };
  }

  test('reads what it wrote and hears what other tabs write', () => {
    const events = new EventTarget();
    const storage = createLocalWalletStorage(createStorage(new Map()), events);
    expect(storage.read()).toBeUndefined();
    storage.write('x');
    expect(storage.read()).toBe('x');
    let heard = 0;
    const end = storage.subscribe(() => heard++);
    const tell = (key: string | null) =>
      events.dispatchEvent(Object.assign(new Event('storage'), { key }));
    tell('tabellion-wallet');
    tell('something-else');
    tell(null);
    expect(heard).toBe(2);
    end();
    tell('tabellion-wallet');
    expect(heard).toBe(2);
  });

  test('a browser that forbids storage gives an empty wallet, and says so on writing', () => {
    const forbidden = createStorage(new Map());
    const refuse = () => {
      throw new DOMException('no', 'SecurityError');
    };
    forbidden.getItem = refuse;
    forbidden.setItem = refuse;
    const storage = createLocalWalletStorage(forbidden, new EventTarget());
    expect(storage.read()).toBeUndefined();
    expect(() => storage.write('x')).toThrow(expect.objectContaining({ code: 'storage-failed' }));
  });
});
