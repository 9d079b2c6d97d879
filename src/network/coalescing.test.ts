import { describe, expect, it } from 'vitest';
import { coalescing } from './coalescing.ts';

type Connection = {
  status: string;
  sendData(data: Iterable<Uint8Array> & { byteLength: number }): unknown;
  sendClose(): Promise<void>;
  abort(error: Error): void;
};

/** A transport whose connections note what they would write. */
function setUp() {
  const jobs: (() => void)[] = [];
  const writes: Uint8Array[] = [];
  const aborted: Error[] = [];
  const socket = { isClosed: false, canSendMore: true, fails: false };
  const connection: Connection = {
    status: 'open',
    sendData(data) {
      if (socket.fails) throw new Error('socket is gone');
      for (const chunk of data) writes.push(chunk);
      return { sentBytes: data.byteLength, canSendMore: socket.canSendMore };
    },
    sendClose: async () => {
      socket.isClosed = true;
    },
    abort: (error) => void aborted.push(error),
  };
  const upgrader = { upgradeOutbound: async (made: Connection) => made };
  const transport = {
    dial: (_address: unknown, options: { upgrader: typeof upgrader }) =>
      options.upgrader.upgradeOutbound(connection),
    createListener: () => undefined,
  };
  // As much of a transport as is used here.
  const wrapped = coalescing((() => transport) as never, (job) => void jobs.push(job));
  const made = wrapped({} as never) as unknown as typeof transport;
  const turn = () => {
    for (const job of jobs.splice(0)) job();
  };
  return { dialled: made.dial('', { upgrader }), turn, writes, aborted, socket };
}

const chunks = (...lengths: readonly number[]) =>
  Object.assign(
    lengths.map((length) => new Uint8Array(length).fill(length)),
    { byteLength: lengths.reduce((sum, length) => sum + length, 0) },
  );

describe('a connection that gathers', () => {
  it('writes once a turn, all bytes in their order', async () => {
    const { dialled, turn, writes } = setUp();
    const connection = await dialled;
    expect(connection.sendData(chunks(2, 3))).toEqual({ sentBytes: 5, canSendMore: true });
    connection.sendData(chunks(1));
    expect(writes).toEqual([]);
    turn();
    expect(writes).toEqual([Uint8Array.of(2, 2, 3, 3, 3, 1)]);
    turn();
    connection.sendData(chunks(4));
    turn();
    expect(writes).toHaveLength(2);
  });

  it('keeps what it was given, whatever becomes of the buffer', async () => {
    const { dialled, turn, writes } = setUp();
    const data = chunks(3);
    (await dialled).sendData(data);
    data[0]?.fill(9);
    turn();
    expect(writes).toEqual([Uint8Array.of(3, 3, 3)]);
  });

  it('lets much go at once, and asks a socket that was full each time', async () => {
    const { dialled, turn, writes, socket } = setUp();
    const connection = await dialled;
    socket.canSendMore = false;
    expect(connection.sendData(chunks(300_000))).toMatchObject({ canSendMore: false });
    expect(writes).toHaveLength(1);
    expect(connection.sendData(chunks(1))).toMatchObject({ canSendMore: false });
    expect(writes).toHaveLength(2);
    socket.canSendMore = true;
    expect(connection.sendData(chunks(1))).toMatchObject({ canSendMore: true });
    connection.sendData(chunks(1));
    expect(writes).toHaveLength(3);
    turn();
    expect(writes).toHaveLength(4);
  });

  it('tells of a socket that a later write filled', async () => {
    const { dialled, turn, socket } = setUp();
    const connection = await dialled;
    socket.canSendMore = false;
    expect(connection.sendData(chunks(1))).toMatchObject({ canSendMore: true });
    turn();
    expect(connection.sendData(chunks(1))).toMatchObject({ canSendMore: false });
  });

  it('says no only as the word of the socket, who promises a drain with it', async () => {
    const { dialled, turn, socket, writes } = setUp();
    const connection = await dialled;
    socket.canSendMore = false;
    connection.sendData(chunks(1));
    turn();
    // The drain came and went. Nothing to write asks the socket nothing: no other would follow.
    expect(connection.sendData(chunks())).toEqual({ sentBytes: 0, canSendMore: true });
    expect(connection.sendData(chunks(0))).toEqual({ sentBytes: 0, canSendMore: true });
    expect(writes).toHaveLength(1);
    expect(connection.sendData(chunks(1))).toMatchObject({ canSendMore: false });
    expect(writes).toHaveLength(2);
  });

  it('writes the rest before it closes', async () => {
    const { dialled, writes, socket } = setUp();
    const connection = await dialled;
    connection.sendData(chunks(5));
    await connection.sendClose();
    expect(writes).toHaveLength(1);
    expect(socket.isClosed).toBe(true);
  });

  it('is aborted when the socket fails later, and silent once it is not open', async () => {
    const { dialled, turn, aborted, socket, writes } = setUp();
    const connection = await dialled;
    connection.sendData(chunks(5));
    socket.fails = true;
    turn();
    expect(aborted).toHaveLength(1);
    connection.sendData(chunks(5));
    connection.status = 'aborted';
    turn();
    expect(aborted).toHaveLength(1);
    expect(writes).toEqual([]);
  });
});
