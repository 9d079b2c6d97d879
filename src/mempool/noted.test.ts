import { expect, test } from 'vitest';
import type { Hash } from '../crypto/index.ts';
import { NotedBlocks } from './noted.ts';

function idsOf(block: number, count: number): Hash[] {
  return Array.from({ length: count }, (_, index) => {
    const id = new Uint8Array(32);
    new DataView(id.buffer).setUint32(0, block);
    new DataView(id.buffer).setUint32(28, index);
    return id as Hash; // Any 32 bytes may be one.
  });
}

/** How many entries arrays move to close the gap before them while something is done. */
function movedBy(work: () => void): number {
  const { shift, splice } = Array.prototype;
  let moved = 0;
  Array.prototype.shift = function (this: unknown[]) {
    moved += this.length;
    return shift.call(this);
  };
  Array.prototype.splice = function (this: unknown[], start: number, count: number) {
    moved += this.length - count;
    return splice.call(this, start, count);
  };
  try {
    work();
  } finally {
    Object.assign(Array.prototype, { shift, splice });
  }
  return moved;
}

test('of empty blocks nothing is kept, however many', () => {
  const noted = new NotedBlocks<number>(100);
  for (let block = 0; block < 20_000; block++) noted.note([], block);
  expect(noted.length).toBe(0);
  expect(noted.take()).toEqual([]);
});

test('blocks of one transaction are bounded, and full ones push them out at once', () => {
  const noted = new NotedBlocks<number>(1_000);
  const blocks = 20_000;
  let most = 0;
  const moved = movedBy(() => {
    for (let block = 0; block < blocks; block++) {
      noted.note([], block);
      noted.note(idsOf(block, 1), block);
      most = Math.max(most, noted.length);
    }
  });
  expect(most).toBeLessThan(2_000);
  expect(moved).toBeGreaterThan(0);
  expect(moved).toBeLessThanOrEqual(blocks);
  const pushed = movedBy(() => {
    for (let block = 0; block < 2; block++) noted.note(idsOf(blocks + block, 1_000), block);
  });
  expect(noted.length).toBe(1);
  expect(pushed).toBeLessThan(2_000);
});

test('what is handed over is as many as are remembered, the newest', () => {
  const noted = new NotedBlocks<string>(5);
  for (const [block, count] of [3, 2, 4, 0, 2].entries()) {
    noted.note(idsOf(block, count), `block ${block}`);
  }
  // Six, for whole blocks are kept.
  expect(noted.take().map(({ facts }) => facts)).toEqual(['block 2', 'block 4']);
  expect(noted.take()).toEqual([]);
  noted.note(idsOf(7, 2), 'block 7');
  const [only] = noted.take();
  expect(only?.ids).toEqual(Uint8Array.from(idsOf(7, 2).flatMap((id) => [...id])));
});
