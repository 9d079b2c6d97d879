import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';

/** What the first visit may load for the page itself, compressed by gzip. */
export const PAGE_SCRIPT_BYTES_MAX = 150 * 1024;
/** What the workers of the node may weigh, compressed by brotli. */
export const WORKER_BYTES_MAX = 400 * 1024;

const WORKER = /^\/?assets\/workers\/.*\.js$/;
const PAGE_SCRIPT = /^assets\/[^/]*\.js$/;

/** Paths of the scripts that a page asked for so far, grows as it asks for more; workers apart. */
export function watchScripts(page: Page): ReadonlySet<string> {
  const paths = new Set<string>();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (request.resourceType() === 'script' && !WORKER.test(pathname)) paths.add(pathname);
  });
  return paths;
}

/** Bytes of scripts of a built app, each compressed by gzip as it is served. */
export function gzipBytesOf(appFolder: string, paths: Iterable<string>): number {
  let bytes = 0;
  for (const path of paths) {
    bytes += gzipSync(readFileSync(join(appFolder, path)), { level: 9 }).length;
  }
  return bytes;
}

/** Bytes of all workers of a built app, each compressed by brotli. */
export function workerBytesOf(appFolder: string): number {
  let bytes = 0;
  for (const name of namesOf(appFolder)) {
    if (WORKER.test(name)) bytes += brotliCompressSync(readFileSync(join(appFolder, name))).length;
  }
  return bytes;
}

/** Paths of every script that some screen of a built app may load, workers apart. */
export function pageScriptsOf(appFolder: string): readonly string[] {
  return namesOf(appFolder)
    .filter((name) => PAGE_SCRIPT.test(name))
    .map((name) => `/${name}`);
}

function namesOf(appFolder: string): readonly string[] {
  return readdirSync(appFolder, { recursive: true, encoding: 'utf8' });
}
