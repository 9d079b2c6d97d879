import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/**
 * How one direction between two relays behaves. `stalled`: bytes wait, as they do while packets
 * are lost, and arrive when the link is open again. `cut`: connections break, new ones are refused.
 */
export type LinkState = 'open' | 'stalled' | 'cut';

type Pipe = {
  readonly from: number;
  readonly to: number;
  readonly source: Socket;
  readonly sink: Socket;
};

/** TCP between relays, through this process: each relay dials each other by a port of its own. */
export class Links {
  readonly #servers: Server[] = [];
  readonly #pipes = new Set<Pipe>();
  readonly #states = new Map<string, LinkState>();

  /** Opens the port by which relay `from` reaches relay `to`, which listens on `port`. */
  async open(from: number, to: number, port: number): Promise<number> {
    const server = createServer((near) => this.#accept(near, { from, to, port }));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Sets how bytes go from one relay to another, whoever dialled. */
  set(from: number, to: number, state: LinkState): void {
    this.#states.set(`${from}>${to}`, state);
    for (const pipe of this.#pipes) {
      if (pipe.from !== from || pipe.to !== to) continue;
      if (state === 'cut') end(pipe);
      else this.#pump(pipe);
    }
  }

  /** Opens every link. */
  heal(): void {
    for (const name of [...this.#states.keys()]) {
      const [from = 0, to = 0] = name.split('>').map(Number);
      this.set(from, to, 'open');
    }
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const pipe of this.#pipes) end(pipe);
  }

  #stateOf(from: number, to: number): LinkState {
    return this.#states.get(`${from}>${to}`) ?? 'open';
  }

  #accept(near: Socket, link: { readonly from: number; readonly to: number; port: number }): void {
    const { from, to, port } = link;
    // Either direction is needed to open a connection.
    if (this.#stateOf(from, to) === 'cut' || this.#stateOf(to, from) === 'cut') {
      near.destroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port });
    const pipes: readonly Pipe[] = [
      { from, to, source: near, sink: far },
      { from: to, to: from, source: far, sink: near },
    ];
    for (const pipe of pipes) {
      const { source, sink } = pipe;
      source.setNoDelay(true);
      this.#pipes.add(pipe);
      // Whatever breaks one side breaks the other, as one connection would.
      source.on('error', () => sink.destroy());
      source.once('close', () => {
        this.#pipes.delete(pipe);
        sink.destroy();
      });
      source.on('data', (bytes: Buffer) => {
        if (!sink.write(bytes)) source.pause();
      });
      source.once('end', () => sink.end());
      sink.on('drain', () => this.#pump(pipe));
      this.#pump(pipe);
    }
  }

  /** Lets bytes flow, or leaves them where they are. */
  #pump({ from, to, source, sink }: Pipe): void {
    const mayFlow = this.#stateOf(from, to) === 'open' && !sink.writableNeedDrain;
    if (mayFlow) source.resume();
    else source.pause();
  }
}

function end({ source, sink }: Pipe): void {
  source.destroy();
  sink.destroy();
}
