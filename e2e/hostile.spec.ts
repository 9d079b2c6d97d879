import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';
import { CONTENT_SECURITY_POLICY } from '../src/relay/http-server.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';

let network: Network;
let person: Person;
let elsewhere: Elsewhere;

/** A server of somebody else, which serves whatever harms and counts who came. */
type Elsewhere = { readonly url: string; readonly asked: string[]; stop(): void };

const HARM = 'globalThis.injected = 1; export const harm = 1;';
/** Of no kind that the browser would refuse by itself: only the policy stands in the way. */
const TYPES: readonly (readonly [end: string, type: string, body: string])[] = [
  ['.js', 'text/javascript', HARM],
  ['.css', 'text/css', 'body { display: none }'],
  ['.html', 'text/html', '<!doctype html>'],
  ['', 'text/plain', ''],
];

function startElsewhere(): Promise<Elsewhere> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const [, type = '', body = ''] = TYPES.find(([end]) => request.url?.endsWith(end)) ?? [];
    const headers = { 'access-control-allow-origin': '*', 'content-type': type };
    const policy = { 'cross-origin-resource-policy': 'cross-origin' };
    response.writeHead(200, { ...headers, ...policy }).end(body);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      // Listening on TCP, its address is of this type. Another name is another origin and site.
      const { port } = server.address() as AddressInfo;
      resolve({ url: `http://elsewhere.localhost:${port}`, asked, stop: () => server.close() });
    });
  });
}

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  elsewhere = await startElsewhere();
  network = await startNetwork();
  person = await openPerson(network.url);
  await expect(person.page.getByRole('button', { name: 'Create account' })).toBeVisible();
  expect(person.errors).toEqual([]);
});

test.afterAll(async () => {
  await person?.close();
  await network?.stop();
  elsewhere?.stop();
});

test('every answer of a relay carries the policy, word for word', async () => {
  const paths = ['/', '/explorer', '/missing.js', '/rpc', '/network.json', '/healthz', '/sw.js'];
  const policies = await Promise.all(
    paths.map(async (path) => {
      const answer = await fetch(`${network.url}${path}`);
      return answer.headers.get('content-security-policy');
    }),
  );
  expect(new Set(policies)).toEqual(new Set([CONTENT_SECURITY_POLICY]));
  expect(CONTENT_SECURITY_POLICY).toBe(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
      "img-src 'self' data: blob:; font-src 'self'; " +
      "connect-src 'self' ws: wss: http://localhost:* http://127.0.0.1:*; worker-src 'self'; " +
      "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
      "require-trusted-types-for 'script'; trusted-types default",
  );
});

/**
 * What refuses what the page tries: the directive that the browser's event names, or an exception
 * of the page's own policy of trusted types.
 */
const REFUSALS = {
  'a script of another origin': 'exception',
  'an inline script': 'require-trusted-types-for',
  'a script written into the document': 'require-trusted-types-for',
  eval: 'require-trusted-types-for',
  'new Function': 'require-trusted-types-for',
  'a timer of text': 'require-trusted-types-for',
  'a handler in markup': 'require-trusted-types-for',
  'a handler as attribute': 'require-trusted-types-for',
  'a link of javascript:': 'script-src-elem',
  'a module of another origin': 'script-src-elem',
  'a module of data:': 'script-src-elem',
  'a module of blob:': 'script-src-elem',
  'a worker of blob:': 'worker-src',
  'a worker of data:': 'exception',
  'a worker of another origin': 'exception',
  'a service worker of blob:': 'exception',
  'markup as text': 'require-trusted-types-for',
  'markup beside an element': 'require-trusted-types-for',
  'a frame of markup': 'require-trusted-types-for',
  'a frame of another origin': 'frame-src',
  'a plug-in': 'exception',
  'another base of all addresses': 'base-uri',
  'a form to another origin': 'form-action',
  'a style of another origin': 'style-src-elem',
  'an inline style': 'style-src-elem',
  'an image of another origin': 'img-src',
  'a request to another origin': 'connect-src',
  'a second policy of trusted types': 'trusted-types',
};

test('whatever a page injects is refused, and said so', async () => {
  const { page } = person;
  elsewhere.asked.length = 0;
  const outcomes = await page.evaluate(async (foreign) => {
    const blob = (): string =>
      URL.createObjectURL(new Blob(['globalThis.injected = 1'], { type: 'text/javascript' }));
    const data = 'data:text/javascript,globalThis.injected = 1';
    const code = 'globalThis.injected = 1';
    const add = (name: string, members: object, text?: string): HTMLElement => {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(members)) element.setAttribute(key, value);
      if (text !== undefined) element.textContent = text;
      document.body.append(element);
      return element;
    };
    const holder = add('div', {});
    const script = (change: (element: HTMLScriptElement) => void): void => {
      const element = document.createElement('script');
      change(element);
      document.head.append(element);
    };
    const attempts: Record<string, () => unknown> = {
      'a script of another origin': () =>
        script((element) => {
          element.src = `${foreign}/script.js`;
        }),
      'an inline script': () =>
        script((element) => {
          element.textContent = code;
        }),
      'a script written into the document': () => document.write(`<script>${code}</script>`),
      // biome-ignore lint/security/noGlobalEval: that it is refused is what is tested.
      eval: () => globalThis.eval(code),
      'new Function': () => new Function(code)(),
      // As a program without types could call it.
      'a timer of text': () => setTimeout(code as unknown as () => void, 0),
      'a handler in markup': () => {
        holder.innerHTML = `<img src="/icon.svg" onload="${code}">`;
      },
      'a handler as attribute': () => {
        holder.setAttribute('onclick', code);
        holder.click();
      },
      'a link of javascript:': () => add('a', { href: `javascript:${code}` }).click(),
      'a module of another origin': () => import(`${foreign}/module.js`),
      'a module of data:': () => import(data),
      'a module of blob:': () => import(blob()),
      'a worker of blob:': () => new Worker(blob()),
      'a worker of data:': () => new Worker(data),
      'a worker of another origin': () => new Worker(`${foreign}/worker.js`),
      'a service worker of blob:': () => navigator.serviceWorker.register(blob()),
      'markup as text': () => {
        holder.outerHTML = '<b>markup</b>';
      },
      'markup beside an element': () => holder.insertAdjacentHTML('beforeend', '<b>markup</b>'),
      'a frame of markup': () => {
        const frame = document.createElement('iframe');
        frame.srcdoc = `<script>${code}</script>`;
        document.body.append(frame);
      },
      'a frame of another origin': () => add('iframe', { src: `${foreign}/frame.html` }),
      'a plug-in': () => add('object', { data: `${foreign}/plugin.html` }),
      'another base of all addresses': () => {
        const base = document.createElement('base');
        base.href = foreign;
        document.head.append(base);
      },
      'a form to another origin': () => {
        const form = document.createElement('form');
        form.action = `${foreign}/form.html`;
        form.method = 'post';
        document.body.append(form);
        form.submit();
      },
      'a style of another origin': () =>
        add('link', { rel: 'stylesheet', href: `${foreign}/style.css` }),
      'an inline style': () => add('style', {}, 'body { display: none }'),
      'an image of another origin': () => add('img', { src: `${foreign}/image` }),
      'a request to another origin': () => fetch(`${foreign}/request`),
      'a second policy of trusted types': () => {
        const types = (globalThis as { trustedTypes?: { createPolicy(name: string): unknown } })
          .trustedTypes; // Not in the types of every library yet.
        return types?.createPolicy('mine');
      },
    };
    const said: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      const told: string[] = [];
      const onViolation = (event: SecurityPolicyViolationEvent): void => {
        told.push(event.disposition === 'enforce' ? event.effectiveDirective : event.disposition);
      };
      document.addEventListener('securitypolicyviolation', onViolation);
      let outcome = 'allowed';
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      try {
        const attempted = Promise.resolve(attempt());
        // Long enough for a machine that is busy: what is refused is told within a few frames.
        const frames = async (): Promise<void> => {
          for (let at = 0; at < 180 && told.length === 0; at++) await frame();
        };
        await Promise.race([attempted.then(frames), frames()]);
      } catch {
        outcome = 'exception'; // By the page's own policy of trusted types, or told as well.
        for (let at = 0; at < 5 && told.length === 0; at++) await frame();
      }
      document.removeEventListener('securitypolicyviolation', onViolation);
      said[name] = told[0] ?? outcome;
    }
    return { said, isInjected: 'injected' in globalThis, base: document.baseURI };
  }, elsewhere.url);
  expect(outcomes.said).toEqual(REFUSALS);
  expect(outcomes.isInjected).toBe(false);
  expect(outcomes.base.startsWith(network.url)).toBe(true);
  expect(elsewhere.asked).toEqual([]);
});

test('what stands in the page itself is refused like what it does: nothing foreign is asked for', async () => {
  const page = await person.context.newPage();
  elsewhere.asked.length = 0;
  await page.addInitScript(() => {
    const told: string[] = [];
    Object.assign(globalThis, { told });
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
      told.push(effectiveDirective);
    });
  });
  // As a server would send it that was made to: with its own policy, and with foreign markup.
  const markup = [
    `<base href="${elsewhere.url}">`,
    `<script src="${elsewhere.url}/script.js"></script>`,
    `<script type="module" src="${elsewhere.url}/module.js"></script>`,
    `<link rel="modulepreload" href="${elsewhere.url}/preload.js">`,
    `<link rel="stylesheet" href="${elsewhere.url}/style.css">`,
    '<script>globalThis.injected = 1</script>',
    '<script type="importmap">{"imports":{"react":"/elsewhere.js"}}</script>',
    '<style>body { display: none }</style>',
    '<img src="/icon.svg" onload="globalThis.injected = 1">',
    `<embed src="${elsewhere.url}/plugin.html">`,
  ];
  await page.route(`${network.url}/hostile`, async (route) => {
    const response = await route.fetch({ url: `${network.url}/` });
    const html = (await response.text()).replace('<head>', `<head>${markup.join('')}`);
    await route.fulfill({ response, body: html });
  });
  await page.goto(`${network.url}/hostile`);
  await expect(page.locator('#root > *').first()).toBeVisible();
  const seen = await page.evaluate(() => ({
    told: [...new Set((globalThis as unknown as { told: string[] }).told)].sort(), // Put above.
    isInjected: 'injected' in globalThis,
    base: document.baseURI,
  }));
  expect(seen).toEqual({
    told: ['base-uri', 'object-src', 'script-src-attr', 'script-src-elem', 'style-src-elem'],
    isInjected: false,
    base: `${network.url}/hostile`,
  });
  expect(elsewhere.asked).toEqual([]);
  await page.close();
});

test('a hostile page can neither frame the app, nor hold its window, nor read its answers', async () => {
  const page = await person.context.newPage();
  await page.goto(`${elsewhere.url}/page.html`);
  const tried = await page.evaluate(async (app) => {
    const frame = document.createElement('iframe');
    frame.src = app;
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
    document.body.append(frame);
    await loaded;
    let isReachable = true;
    try {
      // An error page of the browser is an origin of its own, and so is the app.
      isReachable = frame.contentWindow?.document.body.textContent !== null;
    } catch {
      isReachable = false;
    }
    const outcome = (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => 'allowed',
        () => 'refused',
      );
    const body = '{"jsonrpc":"2.0","id":1,"method":"node.status","params":{}}';
    const headers = { 'content-type': 'application/json' };
    const script = document.createElement('script');
    script.src = `${app}/network.json`;
    const asScript = new Promise((resolve, reject) => {
      script.addEventListener('load', resolve);
      script.addEventListener('error', reject);
      document.head.append(script);
    });
    const socket = new WebSocket(`${app.replace('http', 'ws')}/ws`);
    const asSocket = new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return {
      isReachable,
      call: await outcome(fetch(`${app}/rpc`, { method: 'POST', headers, body })),
      form: await fetch(`${app}/rpc`, { method: 'POST', body, mode: 'no-cors' }).then(
        ({ type }) => type,
        () => 'refused',
      ),
      genesis: await outcome(fetch(`${app}/network.json`)),
      script: await outcome(asScript),
      socket: await outcome(asSocket),
    };
  }, network.url);
  expect(tried).toEqual({
    isReachable: false,
    call: 'refused',
    form: 'refused', // Not even an opaque answer: Cross-Origin-Resource-Policy.
    genesis: 'refused',
    script: 'refused',
    socket: 'refused',
  });
  const framed = page.frames().filter((frame) => frame !== page.mainFrame());
  const texts = await Promise.all(framed.map((frame) => frame.locator('#root').count()));
  expect(texts).toEqual([0]);
  const [opened] = await Promise.all([
    person.context.waitForEvent('page'),
    page.evaluate((app) => {
      Object.assign(globalThis, { held: open(app) });
    }, network.url),
  ]);
  await expect(opened.getByRole('button', { name: 'Create account' })).toBeVisible();
  // Cross-Origin-Opener-Policy: the opener holds a window that looks closed, and is not held.
  expect(await page.evaluate(() => (globalThis as unknown as { held: Window }).held.closed)).toBe(
    true, // The line above put it there.
  );
  expect(await opened.evaluate(() => opener === null)).toBe(true);
  await opened.close();
  await page.close();
});
