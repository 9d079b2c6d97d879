import type { Clock } from '../base/index.ts';
import { systemClock } from '../base/index.ts';
import type { Trust } from '../rpc/index.ts';
import { connectPort } from '../rpc/index.ts';
import { Session } from './session.ts';
import type { Transport } from './transport.ts';

/** Lets a session talk over the page's end of a port. Returns the end of it. */
export function bindPort(session: Session, port: MessagePort): () => void {
  const client = connectPort(port);
  let isOpen = true;
  const receive = (message: Parameters<Session['receive']>[0]): void => {
    if (isOpen) session.receive(message);
  };
  const fail = (): void => {
    if (isOpen) session.lost('connection-failed');
    isOpen = false;
  };
  client.listen(receive).catch(fail);
  session.opened((message) => {
    client.request(message).then(receive, fail);
  });
  let isEnded = false;
  return () => {
    isOpen = false;
    if (!isEnded) client.close();
    isEnded = true;
  };
}

/** Asks a node over a port of `servePort`. The port is used up. */
export function portTransport(
  port: MessagePort,
  options: { readonly trustMax?: Trust; readonly clock?: Clock } = {},
): Transport {
  const session = new Session(options.clock ?? systemClock);
  const end = bindPort(session, port);
  return {
    trustMax: options.trustMax ?? 'validated',
    call: (method, params, callOptions) => session.call(method, params, callOptions),
    subscribe: (topic, params, push, fail) => session.subscribe(topic, params, push, fail),
    close() {
      session.close();
      end();
    },
  };
}
