import { expect, test } from 'vitest';
import { thriftOf } from './device.ts';

test('a metered line asks for thrift, by setting or by kind', () => {
  expect(thriftOf({ saveData: true }, undefined)).toBe('metered');
  expect(thriftOf({ saveData: false, type: 'cellular' }, undefined)).toBe('metered');
  expect(thriftOf({ saveData: false, type: 'wifi' }, undefined)).toBeUndefined();
});

test('a low battery asks for thrift, unless it is charging', () => {
  expect(thriftOf(undefined, { charging: false, level: 0.29 })).toBe('low-battery');
  expect(thriftOf(undefined, { charging: true, level: 0.05 })).toBeUndefined();
  expect(thriftOf(undefined, { charging: false, level: 0.3 })).toBeUndefined();
});

test('a browser that tells nothing is not asked', () => {
  expect(thriftOf(undefined, undefined)).toBeUndefined();
  expect(thriftOf({}, undefined)).toBeUndefined();
});
