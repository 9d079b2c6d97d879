import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defined, formatHex, parseHex } from '../../base/index.ts';
import type { Finding, Input, Target } from './types.ts';

const FOLDER = fileURLToPath(new URL('../seeds', import.meta.url));

/** An input that broke something once. */
export type KeptSeed = { readonly file: string; readonly was: string; readonly input: Input };

/** Keeps what was found: `HASH.hex` or, for texts, `HASH.json`; returns the path. */
export function keepSeed({ target, kind, message, input }: Finding): string {
  const folder = join(FOLDER, target);
  mkdirSync(folder, { recursive: true });
  const isText = typeof input === 'string';
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 16);
  const path = join(folder, `${hash}.${isText ? 'json' : 'hex'}`);
  const was = `${kind}: ${message}`;
  const content = isText
    ? `${JSON.stringify({ was, input }, undefined, 2)}\n`
    : `# ${was.replaceAll('\n', ' ')}\n${formatHex(input)}\n`;
  writeFileSync(path, content);
  return path;
}

/** What was kept for a target. */
export function seedsOf(target: Target): KeptSeed[] {
  const folder = join(FOLDER, target.name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const content = readFileSync(join(folder, file), 'utf8');
      if (file.endsWith('.json'))
        return { file, ...(JSON.parse(content) as Omit<KeptSeed, 'file'>) };
      const [was = '', hex = ''] = content.split('\n');
      const parsed = parseHex(hex);
      return {
        file,
        was: was.slice(2),
        input: defined(parsed.ok ? parsed.value : undefined, file),
      };
    });
}

/** Names of folders with kept inputs. */
export function seedFolders(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
