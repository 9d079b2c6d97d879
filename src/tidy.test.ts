import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// The rules of the house as a test: each `it` collects the offences of one rule and expects none.
// When a rule is wrong, change it here and say why; do not work around it in the code.

const root = fileURLToPath(new URL('..', import.meta.url));

/** A room imports only rooms of lower floors; rooms of one floor never meet. */
const FLOORS: { readonly [room: string]: number } = {
  ui: 9,
  relay: 9,
  // Three rooms of tests that drive the whole product, as users and attackers do. The first also
  // feeds the readers of settings, keys and searches, which stand on floor 9.
  fuzz: 10,
  'crash-test': 9,
  consistency: 9,
  wallet: 8,
  sdk: 7,
  rpc: 6,
  simulator: 6,
  node: 5,
  consensus: 4,
  light: 4,
  snapshot: 4,
  sync: 4,
  mempool: 4,
  contract: 4,
  network: 4,
  state: 3,
  storage: 3,
  verifier: 3,
  ledger: 2,
  // Half a floor up: a hash has a wire form, and a codec needs no hash.
  crypto: 1.5,
  codec: 1,
  base: 0,
};

/** Rooms whose answers depend on their arguments alone. `base/clock.ts` is where time enters. */
const PURE_ROOMS = new Set([
  'base',
  'codec',
  'crypto',
  'ledger',
  'state',
  'consensus',
  'light',
  'snapshot',
  'sync',
  'mempool',
  'contract',
]);
const PURE_EXCEPT = new Set(['src/base/clock.ts']);
const IMPURE_NAMES =
  /(?<![.\w'])(Date|setTimeout|setInterval|setImmediate|queueMicrotask|performance|fetch|indexedDB|navigator|console|async|await|crypto\.getRandomValues|Intl|localStorage|globalThis)(?!\w|\s*[?]?:)|Math\.random|\.localeCompare|\.toLocale/g;

/** Packages that a pure room may import: mathematics, no IO. */
const PURE_PACKAGES = /^(@noble\/(curves|hashes)|@scure\/base|hash-wasm|@mysten\/bcs)(\/|$)/;

/** Packages that belong to one room, so that replacing one touches one room. */
const PACKAGE_HOMES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^react(-dom|-aria-components)?(\/|$)/, ['ui']],
  [/^(wouter|zustand|virtua|lucide-react|qr|workbox-window)(\/|$)/, ['ui']],
  [/^(@libp2p\/|libp2p|@multiformats\/)/, ['network']],
  [/^classic-level(\/|$)/, ['storage']],
  // The ledger's data is `storage`'s; small records of a page (epochs, contacts) are their rooms'.
  [/^idb(\/|$)/, ['storage', 'sdk', 'wallet']],
  [/^(ws|commander)(\/|$)/, ['relay']],
  [/^@noble\//, ['crypto', 'verifier']],
  [/^hash-wasm/, ['crypto', 'network']],
  [/^@mysten\/bcs/, ['codec']],
];

/**
 * Doors beside `index.ts`: they choose a platform, so only those who start a home use them:
 * the workers, the page's main file, and on a relay the one file that all its commands start with.
 */
const SIDE_DOORS: { readonly [room: string]: RegExp } = {
  network: /^(node|browser|window|rtc-shim)\.ts$/,
  storage: /^(memory|indexed-db|level-db)-store\.ts$/,
};
const CHOOSERS = new Set([
  ...['src/ui/main.tsx', 'src/relay/main.ts', 'src/relay/start-node.ts'],
  // Reads what a killed relay left, so it chooses as a relay does.
  'src/crash-test/dead-store.ts',
  // Listens to a network of relays, by the same transports.
  'src/crash-test/observer.ts',
]);

/** Where programs for Node.js live; everything else also runs in a tab. */
const NODE_ONLY =
  /^src\/(relay\/|fuzz\/|crash-test\/|consistency\/|storage\/level-db|network\/node\.ts|simulator\/main\.ts|.*\.main\.ts$)/;

/** Files beyond 500 lines, each with the answer to "does it hold one idea?". */
const LONG_FILES: { readonly [path: string]: string } = {};
const LINES_MAX = 500;
const COLUMNS_MAX = 100;
const WORKER_LINES_MAX = 40;

const TOP_LEVEL = new Set([
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'biome.json', 'index.html'],
  ...['vite.config.ts', 'playwright.config.ts', 'README.md', 'CHANGELOG.md', 'LICENSE'],
  ...['src', 'public', 'workers', 'e2e', 'docs', 'bench', 'deploy'],
]);
const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.data', 'test-results']);

type Source = {
  /** Path from the root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the contents of strings blanked out, line by line. */
  readonly code: string;
  readonly room: string | undefined;
  readonly isTest: boolean;
};

function walk(folder: string, found: string[] = []): string[] {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, found);
    else if (entry.isFile()) found.push(relative(root, path).split(sep).join('/'));
  }
  return found;
}

/** Blanks comments and, unless told otherwise, the contents of strings; keeps every line break. */
function blank(text: string, keepStrings = false): string {
  let out = '';
  let at = 0;
  const braces: number[] = []; // Depths at which a `${` of a template was opened.
  let depth = 0;
  const skipTo = (end: number, keep: boolean) => {
    const part = text.slice(at, end);
    out += keep ? part : part.replace(/[^\n]/g, ' ');
    at = end;
  };
  const endOfQuoted = (quote: string, from: number): number => {
    let end = from;
    while (end < text.length && text[end] !== quote && text[end] !== '\n') {
      end += text[end] === '\\' ? 2 : 1;
    }
    return end;
  };
  const endOfTemplate = (from: number): number => {
    let end = from;
    while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) {
      end += text[end] === '\\' ? 2 : 1;
    }
    return end;
  };
  const template = () => {
    skipTo(endOfTemplate(at), keepStrings);
    if (text.startsWith('${', at)) {
      braces.push(depth);
      skipTo(at + 2, true);
    } else skipTo(at + 1, true);
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    if (text.startsWith('//', at)) {
      const end = text.indexOf('\n', at);
      skipTo(end === -1 ? text.length : end, false);
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      skipTo(end === -1 ? text.length : end + 2, false);
    } else if (char === "'" || char === '"') {
      skipTo(at + 1, true);
      skipTo(endOfQuoted(char, at), keepStrings);
      skipTo(Math.min(at + 1, text.length), true);
    } else if (char === '`') {
      skipTo(at + 1, true);
      template();
    } else if (char === '/' && /(^|[(,=:[!&|?{};]|\breturn|=>)\s*$/.test(out.slice(-40))) {
      skipTo(at + 1, true);
      const end = /^(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*/.exec(text.slice(at));
      skipTo(at + (end?.[0].length ?? 0), false);
    } else if (char === '{') {
      depth += 1;
      skipTo(at + 1, true);
    } else if (char === '}') {
      const isTemplateEnd = braces.at(-1) === depth;
      skipTo(at + 1, true);
      if (isTemplateEnd) {
        braces.pop();
        template();
      } else depth -= 1;
    } else skipTo(at + 1, true);
  }
  return out;
}

const files = walk(root);
const sources: readonly Source[] = files
  .filter((path) => /^(src|workers|e2e|bench|deploy)\/.*\.(ts|tsx|mts|mjs)$/.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const room = /^src\/([^/]+)\//.exec(path)?.[1];
    const isTest =
      /(^|[./])(test|testing|bench|fixture|conformance|test-d)\.tsx?$/.test(path) ||
      /\/(harness|testing)\//.test(path) ||
      path.startsWith('e2e/');
    return { path, text, code: blank(text), room, isTest };
  });
const rooms = [...new Set(sources.flatMap(({ room }) => (room === undefined ? [] : [room])))];

type Import = { readonly source: Source; readonly specifier: string; readonly line: number };

function importsOf(source: Source): Import[] {
  const text = blank(source.text, true);
  const found: Import[] = [];
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]+)\1/g;
  for (const match of text.matchAll(pattern)) {
    const line = text.slice(0, match.index).split('\n').length;
    found.push({ source, specifier: match[2] ?? '', line });
  }
  return found;
}

const imports = sources.filter(({ path }) => /^(src|workers)\//.test(path)).flatMap(importsOf);

/** Path from the root of what a relative import names. */
function targetOf({ source, specifier }: Import): string {
  const path = join(dirname(source.path), specifier.replace(/\?.*$/, ''));
  return path.split(sep).join('/');
}

const place = ({ source, line, specifier }: Import) => `${source.path}:${line} ${specifier}`;
const isRelative = ({ specifier }: Import) => specifier.startsWith('.');
const isChooser = ({ path }: Source) => CHOOSERS.has(path) || path.startsWith('workers/');

/** Why an import between rooms is against the rules, or undefined. */
function offenceOf(each: Import): string | undefined {
  const target = targetOf(each);
  const [, room, rest] = /^src\/([^/]+)\/(.+)$/.exec(target) ?? [];
  const { source } = each;
  if (room === undefined || rest === undefined || room === source.room) return undefined;
  const floor = FLOORS[room];
  if (floor === undefined) return 'unknown room';
  if (isChooser(source)) {
    const isDoor = rest === 'index.ts' || (SIDE_DOORS[room]?.test(rest) ?? false);
    return isDoor ? undefined : 'not a door';
  }
  const own = FLOORS[source.room ?? ''];
  if (own === undefined) return undefined; // Files beside the rooms: this test.
  if (floor >= own) return `floor ${floor} from floor ${own}`;
  if (source.isTest) return undefined; // A test may look inside a lower room.
  if (source.room === 'ui' && !['wallet', 'sdk', 'base'].includes(room)) {
    return 'ui sees wallet, sdk and base only';
  }
  return rest === 'index.ts' ? undefined : 'not through index.ts';
}

/** Line numbers where a pattern occurs in the code. */
function linesWith(code: string, pattern: RegExp): { line: number; word: string }[] {
  return code
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(pattern)].map((match) => ({ line: index + 1, word: match[0].trim() })),
    );
}

describe('floors', () => {
  it('every folder of src is a room with a floor', () => {
    expect(rooms.filter((room) => FLOORS[room] === undefined)).toEqual([]);
  });

  it('a room imports only lower floors, through index.ts', () => {
    const offences = imports.filter(isRelative).flatMap((each) => {
      const offence = offenceOf(each);
      return offence === undefined ? [] : [`${place(each)}: ${offence}`];
    });
    expect(offences).toEqual([]);
  });

  it('the table of floors refuses what it should', () => {
    const source = (path: string): Source => {
      const room = /^src\/([^/]+)\//.exec(path)?.[1];
      return { path, text: '', code: '', room, isTest: path.includes('.test.') };
    };
    const judge = (path: string, specifier: string) =>
      offenceOf({ source: source(path), specifier, line: 1 });
    expect(judge('src/ledger/block.ts', '../codec/index.ts')).toBeUndefined();
    expect(judge('src/ledger/modules/asset/index.ts', '../../types.ts')).toBeUndefined();
    expect(judge('src/ledger/block.ts', '../state/index.ts')).toBe('floor 3 from floor 2');
    expect(judge('src/sync/step.ts', '../mempool/index.ts')).toBe('floor 4 from floor 4');
    expect(judge('src/ledger/block.ts', '../codec/reader.ts')).toBe('not through index.ts');
    expect(judge('src/ledger/block.test.ts', '../codec/reader.ts')).toBeUndefined();
    expect(judge('src/ui/pages/HomePage.tsx', '../../ledger/index.ts')).toContain('ui sees');
    expect(judge('src/ui/main.tsx', '../network/window.ts')).toBeUndefined();
    expect(judge('src/node/node.ts', '../network/window.ts')).toBe('not through index.ts');
    expect(judge('workers/node.worker.ts', '../src/network/browser.ts')).toBeUndefined();
    expect(judge('workers/node.worker.ts', '../src/network/dial.ts')).toBe('not a door');
  });

  it('relative imports name their file with its extension', () => {
    const bare = imports.filter(
      (each) =>
        isRelative(each) && !/\.(tsx?|mjs|css|json|svg|woff2)(\?\w+)?$/.test(each.specifier),
    );
    expect(bare.map(place)).toEqual([]);
  });

  it('relative imports exist', () => {
    const missing = imports.filter(
      (each) => isRelative(each) && !existsSync(join(root, targetOf(each))),
    );
    expect(missing.map(place)).toEqual([]);
  });

  it('packages stay in their rooms, and Node.js in the programs for it', () => {
    const offences = imports.filter((each) => {
      const { source, specifier } = each;
      if (isRelative(each) || source.isTest || isChooser(source)) return false;
      if (specifier.startsWith('node:')) return !NODE_ONLY.test(source.path);
      const home = PACKAGE_HOMES.find(([pattern]) => pattern.test(specifier));
      if (home !== undefined && !home[1].includes(source.room ?? '')) return true;
      return PURE_ROOMS.has(source.room ?? '') && !PURE_PACKAGES.test(specifier);
    });
    expect(offences.map(place)).toEqual([]);
  });
});

describe('pure rooms', () => {
  const pure = sources.filter(
    ({ path, room, isTest }) =>
      PURE_ROOMS.has(room ?? '') && !isTest && !PURE_EXCEPT.has(path) && path.endsWith('.ts'),
  );

  it('name no clock, chance, timer, network, storage or console, and never wait', () => {
    const offences = pure.flatMap(({ path, code }) =>
      linesWith(code, IMPURE_NAMES).map(({ line, word }) => `${path}:${line} ${word}`),
    );
    expect(offences).toEqual([]);
  });

  it('the search finds what it should, and leaves comments and strings alone', () => {
    const words = (text: string) => linesWith(blank(text), IMPURE_NAMES).map(({ word }) => word);
    expect(words('const now = Date.now();')).toEqual(['Date']);
    expect(words('// Date\n/* fetch */ const a = "console";')).toEqual([]);
    expect(words(['const a = `$', '{Date.now()} Date`;'].join(''))).toEqual(['Date']);
    expect(words("const a = /'/; setTimeout(b, 1); // '")).toEqual(['setTimeout']);
    expect(words('return Math.random();')).toEqual(['Math.random']);
    expect(words('const x = { fetch: 1 }; y.console;')).toEqual([]);
    expect(words('async () => 1')).toEqual(['async']);
  });
});

describe('shape', () => {
  it('lines are at most 100 columns', () => {
    const offences = sources.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        // What has no place to break: addresses of pages, vectors, patterns, titles of tests.
        const isExempt =
          /https?:\/\/|biome-ignore|^\s*(test|it|describe)\(|^\s*['"`/][^ ]*[,;'"`]*$|^\s*\/.*\/[gimsuvy]*[,;]?$/;
        return line.length > COLUMNS_MAX && !isExempt.test(line) ? [`${path}:${index + 1}`] : [];
      }),
    );
    expect(offences).toEqual([]);
  });

  it('a file beyond 500 lines has answered whether it holds one idea', () => {
    const long = sources
      .filter(({ path, text }) => path !== 'src/tidy.test.ts' && lineCount(text) > LINES_MAX)
      .filter(({ path }) => LONG_FILES[path] === undefined)
      .map(({ path, text }) => `${path} (${lineCount(text)})`);
    expect(long).toEqual([]);
  });

  it('the list of long files holds no file that is short or gone', () => {
    const idle = Object.keys(LONG_FILES).filter((path) => {
      const source = sources.find((each) => each.path === path);
      return source === undefined || lineCount(source.text) <= LINES_MAX;
    });
    expect(idle).toEqual([]);
  });

  it('a worker is an entry of at most 40 lines', () => {
    const long = sources
      .filter(({ path, text }) => path.startsWith('workers/') && lineCount(text) > WORKER_LINES_MAX)
      .map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it('every room has a README and one barrel', () => {
    const missing = rooms.flatMap((room) =>
      // The two homes are started by their main file and imported by nobody.
      ['README.md', ...((FLOORS[room] ?? 0) >= 9 ? [] : ['index.ts'])]
        .map((name) => `src/${room}/${name}`)
        .filter((path) => !existsSync(join(root, path))),
    );
    expect(missing).toEqual([]);
  });

  it('barrels name what they export', () => {
    const open = sources
      .filter(({ path, code }) => /\/index\.ts$/.test(path) && /^export \*/m.test(code))
      .map(({ path }) => path);
    expect(open).toEqual([]);
  });

  it('files are kebab-case, components PascalCase, and nothing is called utils', () => {
    const offences = sources
      .filter(({ path }) => path.startsWith('src/') || path.startsWith('workers/'))
      .filter(({ path }) => {
        const name = basename(path);
        if (/(^|\/)(utils?|helpers?|common|misc)(\/|\.)/.test(path)) return true;
        if (name === 'main.tsx' || /\.test\.tsx$/.test(name)) return false;
        if (name.endsWith('.tsx')) return !/^[A-Z][A-Za-z0-9]*\.tsx$/.test(name);
        return !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mjs)$/.test(name);
      })
      .map(({ path }) => path);
    expect(offences).toEqual([]);
  });

  it('the top level holds what the map says', () => {
    const stray = readdirSync(root).filter(
      (name) => !TOP_LEVEL.has(name) && !NOT_OURS.has(name) && !name.startsWith('.'),
    );
    expect(stray).toEqual([]);
  });
});

describe('reasons', () => {
  it('a cast has a comment saying why', () => {
    const offences = sources
      .filter(({ path, isTest }) => path.startsWith('src/') && !isTest)
      .flatMap((source) =>
        castLines(source.code)
          .filter((line) => !hasCommentNear(source, line))
          .map((line) => `${source.path}:${line}`),
      );
    expect(offences).toEqual([]);
  });

  it('a silenced checker is told why', () => {
    const offences = sources
      .filter(({ path }) => path !== 'src/tidy.test.ts')
      .flatMap(({ path, text }) =>
        text.split('\n').flatMap((line, index) => {
          const isBare =
            /@ts-(ignore|nocheck)/.test(line) ||
            /@ts-expect-error\s*$/.test(line) ||
            /biome-ignore[^:]*:?\s*(\*\/\}?)?\s*$/.test(line);
          return isBare ? [`${path}:${index + 1}`] : [];
        }),
      );
    expect(offences).toEqual([]);
  });

  it('every dependency is listed with a reason', () => {
    const page = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `([^`]+)` \|[^|]*\|[^|]*\| *([^|\n]+?) *\|$/gm)]
      .filter((match) => (match[2] ?? '').length >= 12)
      .map((match) => match[1] ?? '');
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as { dependencies: object; devDependencies: object };
    const wanted = Object.keys({ ...dependencies, ...devDependencies });
    expect([...listed].sort()).toEqual([...wanted].sort());
  });
});

describe('the repository speaks of the project alone', () => {
  it('holds no path of a machine', () => {
    const texts = files.filter((path) => !/\.(png|ico|woff2|gz|br|wasm)$/.test(path));
    const offences = texts.filter((path) =>
      /(^|[\s"'`(=])(\/(work|root|home\/\w+|Users\/\w+)\/|\.\.\/shared\/)/m.test(
        readFileSync(join(root, path), 'utf8'),
      ),
    );
    expect(offences).toEqual([]);
  });

  it('the lockfile names no host, so that any registry serves it', () => {
    const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
    expect(lockfile.match(/"resolved": "(?:https?|git)[^"]*"/g)).toBeNull();
  });
});

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length;
}

/** Lines with a type assertion; `as const` and renamed imports are none. */
function castLines(code: string): number[] {
  const withoutRenames = code.replace(/\b(import|export)\b[^;'"]*?\{[^}]*\}/g, (part) =>
    part.replace(/[^\n]/g, ' '),
  );
  // What follows looks like a type: the text of a page holds the word, too.
  const types =
    'readonly|typeof|keyof|unknown|never|any|string|number|boolean|bigint|object|undefined';
  const cast = new RegExp(`[\\w)\\]}'"\`>] as (?!const\\b)(?:[A-Z{[('"\`]|(?:${types})\\b)`, 'g');
  return linesWith(withoutRenames, cast).map(({ line }) => line);
}

/**
 * Whether a comment stands on the line or within the three above, or a `//` comment further up in
 * the same declaration, where one reason may serve several casts.
 */
function hasCommentNear({ text, code }: Source, line: number): boolean {
  const raw = text.split('\n');
  const bare = code.split('\n');
  for (let at = line - 1; at >= 0; at--) {
    const [before, after] = [raw[at] ?? '', bare[at] ?? ''];
    const isNear = at >= line - 4;
    // A comment is what blanking removed outside quotation marks.
    const pattern = isNear ? /\/\/|\/\*|^\s*\*/ : /\/\//;
    if (pattern.test(before) && !pattern.test(after) && before.trim() !== after.trim()) return true;
    const isOutside = !isNear && /^(?!export|const|function|class|type|async)\S|^$/.test(before);
    if (isOutside) return false;
  }
  return false;
}
