import { afterEach, expect, it } from 'vitest';
import * as figures from '../harness/figures.ts';
import { setAttached, useLive } from './live.ts';

const before = useLive.getState();
afterEach(() => useLive.setState(before));

it('without a node behind the page nothing is more than cached, and is asked for again', () => {
  const told = figures.statusAt(figures.START);
  useLive.setState({ told, status: told });
  expect(useLive.getState().status?.trust).toBe('validated');
  setAttached(false);
  const alone = useLive.getState();
  expect(alone.status).toEqual({ ...told, trust: 'cached' });
  expect(alone.headCount).toBe(before.headCount + 1);
  setAttached(true);
  expect(useLive.getState().status).toEqual(told);
});
