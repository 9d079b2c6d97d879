import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream';

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.txt': 'text/plain; charset=utf-8',
};
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;
const YEAR_SECONDS = 31_536_000;
const RESCAN_AFTER_MS = 1000;

type StaticFile = { readonly path: string; readonly size: number; readonly modifiedMs: number };

/**
 * Files of the built app. Only names found by walking the folder are ever opened, so no request
 * path reaches the file system; the folder is walked again when something unknown is asked for.
 */
export class StaticFiles {
  readonly #folder: string;
  #files: ReadonlyMap<string, StaticFile> = new Map();
  #scannedAtMs = Number.NEGATIVE_INFINITY;
  /** The walk that is under way: whoever asks meanwhile waits for it, and starts no second one. */
  #scanning: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Answers a GET or HEAD; false when there is no such file. */
  async respond(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<boolean> {
    const name = path.endsWith('/') ? `${path}index.html` : path;
    const found = (await this.#find(name)) ?? (await this.#fallback(request, path));
    if (found === undefined) return false;
    const { name: key, file } = found;
    response.setHeader('content-type', TYPES[extname(key)] ?? 'application/octet-stream');
    response.setHeader('cache-control', cacheControl(key));
    response.setHeader('vary', 'accept-encoding');
    const chosen = (await this.#encoded(request, key)) ?? { file, encoding: undefined };
    if (chosen.encoding !== undefined) response.setHeader('content-encoding', chosen.encoding);
    const tag = `"${chosen.file.size.toString(36)}-${Math.floor(chosen.file.modifiedMs)}"`;
    response.setHeader('etag', tag);
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304).end();
      return true;
    }
    response.writeHead(200, { 'content-length': chosen.file.size });
    if (request.method === 'HEAD') response.end();
    // A file that vanishes while it is read ends the connection: nothing better can be said.
    else pipeline(createReadStream(chosen.file.path), response, () => undefined);
    return true;
  }

  async #encoded(request: IncomingMessage, name: string) {
    const accepted = String(request.headers['accept-encoding'] ?? '');
    for (const [encoding, extension] of ENCODINGS) {
      const known = this.#files.get(`${name}${extension}`);
      if (known === undefined || !accepted.includes(encoding)) continue;
      const file = await factsOf(known.path);
      if (file !== undefined) return { file, encoding };
    }
    return undefined;
  }

  /** Walks the folder unless that was done a moment ago. */
  #rescan(): Promise<void> {
    if (this.#scanning !== undefined) return this.#scanning;
    if (Date.now() - this.#scannedAtMs < RESCAN_AFTER_MS) return Promise.resolve();
    this.#scanning = scan(this.#folder)
      .then((files) => {
        this.#files = files;
      })
      .finally(() => {
        this.#scannedAtMs = Date.now();
        this.#scanning = undefined;
      });
    return this.#scanning;
  }

  async #find(name: string): Promise<{ name: string; file: StaticFile } | undefined> {
    const known = this.#files.get(name);
    const present = known === undefined ? undefined : await factsOf(known.path);
    // One that was replaced since the last walk is told with its own size, not that of the former.
    if (present !== undefined) return { name, file: present };
    await this.#rescan();
    const file = this.#files.get(name);
    return file === undefined ? undefined : { name, file };
  }

  /** Pages of the app are routes of one document; files that are missing stay missing. */
  async #fallback(request: IncomingMessage, path: string) {
    const wantsPage = String(request.headers.accept ?? '').includes('text/html');
    if (!wantsPage || extname(path) !== '') return undefined;
    return this.#find('/index.html');
  }
}

/** What a file is now; absent when it is gone, or no file any more: links are not followed. */
async function factsOf(path: string): Promise<StaticFile | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isFile() !== true) return undefined;
  return { path, size: facts.size, modifiedMs: facts.mtimeMs };
}

async function scan(folder: string): Promise<ReadonlyMap<string, StaticFile>> {
  const files = new Map<string, StaticFile>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue; // Links out of the folder are not followed.
    const path = join(entry.parentPath, entry.name);
    const name = `/${relative(folder, path).split(sep).join('/')}`;
    const file = await factsOf(path);
    if (file !== undefined) files.set(name, file); // A build may have replaced it meanwhile.
  }
  return files;
}

/** Names of the build's `assets` hold a hash of their content, so they never change. */
function cacheControl(name: string): string {
  return name.startsWith('/assets/') ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache';
}
