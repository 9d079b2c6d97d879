import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isAlive, killProcess } from '../../deploy/processes.ts';
import type { RelayOptions } from '../../deploy/relay-process.ts';
import { freePorts, startRelay } from '../../deploy/relay-process.ts';
import { createDevnetPlan, portsOf } from './devnet-plan.ts';

const STUBBORN: RelayOptions = {
  program: fileURLToPath(new URL('./testing/stubborn.ts', import.meta.url)),
  keepsComplaints: true,
};

describe('a process that tests start', () => {
  it('is ended hard when it does not end in order, even paused', async () => {
    const relay = startRelay(['here'], { ...STUBBORN, stopTimeoutMs: 200 });
    expect(await relay.ready()).toEqual({ kind: 'ready', word: 'here' });
    relay.pause();
    expect(await relay.stop()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(isAlive(relay.pid)).toBe(false);
    expect(await relay.stop()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('is ended when it is not ready in time', async () => {
    const relay = startRelay(['quiet'], { ...STUBBORN, startTimeoutMs: 700, stopTimeoutMs: 1 });
    await expect(relay.ready()).rejects.toThrow(/quiet was not ready in time/);
    expect(isAlive(relay.pid)).toBe(false);
  });

  it('says how it ended before it was ready, and why', async () => {
    const relay = startRelay(['no-such-command'], { keepsComplaints: true });
    await expect(relay.ready()).rejects.toThrow(/ended: code 1\n.*no-such-command/s);
    expect(await relay.outcome).toEqual({ kind: 'ended', code: 1, signal: null });
  });

  it('is gone once it is killed by its number alone', async () => {
    const relay = startRelay(['there'], STUBBORN);
    await relay.ready();
    await killProcess(relay.pid);
    expect(await relay.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });
});

describe('a process that starts others', () => {
  const starter = fileURLToPath(new URL('./testing/starter.ts', import.meta.url));

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves none behind at %s', async (signal) => {
    const relay = startRelay([], { program: starter });
    const { pid } = await relay.ready<{ readonly pid: number }>();
    try {
      expect(isAlive(pid)).toBe(true);
      process.kill(relay.pid, signal);
      expect(await relay.ended).toEqual({ code: null, signal });
      expect(isAlive(pid)).toBe(false);
    } finally {
      await killProcess(pid);
    }
  });
});

describe('free ports', () => {
  it('are those that a local network takes', async () => {
    const data = await mkdtemp(join(tmpdir(), 'tabellion-ports-'));
    try {
      const { port, rpcPorts, peerPorts } = await freePorts(2);
      const plan = await createDevnetPlan({ data, port, validators: 2 });
      expect(portsOf(plan).toSorted()).toEqual([...rpcPorts, ...peerPorts].toSorted());
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });

  it('are never named twice', async () => {
    const found = await Promise.all(Array.from({ length: 8 }, () => freePorts(4)));
    const ports = found.flatMap(({ rpcPorts, peerPorts }) => [...rpcPorts, ...peerPorts]);
    expect(new Set(ports).size).toBe(64);
  });
});
