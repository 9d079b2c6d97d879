import type { BrowserContext, CDPSession, Page } from '@playwright/test';

type Attached = { readonly sessionId: string; readonly targetInfo: { readonly type: string } };
type Received = { readonly sessionId: string; readonly message: string };
type Answer = { readonly id?: number; readonly result?: unknown; readonly error?: unknown };

/** One worker's end of the DevTools protocol, through its page: Playwright has none of its own. */
export class WorkerSession {
  readonly #page: CDPSession;
  readonly #sessionId: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  private constructor(page: CDPSession, sessionId: string) {
    this.#page = page;
    this.#sessionId = sessionId;
    page.on('Target.receivedMessageFromTarget', (event: Received) => {
      if (event.sessionId !== sessionId) return;
      // What a target sends is JSON of the protocol: an answer, or an event without a number.
      const answer = JSON.parse(event.message) as Answer;
      if (answer.id === undefined) return;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** Attaches to the first worker of a page. */
  static async open(context: BrowserContext, page: Page): Promise<WorkerSession> {
    const session = await context.newCDPSession(page);
    const attached = new Promise<string>((resolve) => {
      session.on('Target.attachedToTarget', ({ sessionId, targetInfo }: Attached) => {
        if (targetInfo.type === 'worker') resolve(sessionId);
      });
    });
    await session.send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: false,
    });
    return new WorkerSession(session, await attached);
  }

  async send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#last;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    void this.#page.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message });
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }
}
