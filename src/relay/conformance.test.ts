import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../base/index.ts';
import type { Line } from './conformance-lines.ts';
import { linesOf } from './conformance-lines.ts';

async function split(chunks: readonly (string | Uint8Array)[], bytesMax = 1_000): Promise<Line[]> {
  async function* stream() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? encodeUtf8(chunk) : chunk;
  }
  const lines: Line[] = [];
  for await (const line of linesOf(stream(), bytesMax)) lines.push(line);
  return lines;
}

const text = (line: string): Line => ({ kind: 'text', text: line });
const tooLong: Line = { kind: 'refused', code: 'line-too-long' };

describe('lines of a stream', () => {
  it('end at line feeds alone, wherever the chunks end', async () => {
    const whole = 'first\n\nse\u2028co\rnd\u2029 é😀\nlast';
    const expected = ['first', '', 'se\u2028co\rnd\u2029 é😀', 'last'].map(text);
    expect(await split([whole])).toEqual(expected);
    const bytes = encodeUtf8(whole);
    expect(await split(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
    expect(await split([])).toEqual([]);
    expect(await split(['one\n'])).toEqual([text('one')]);
  });

  it('beyond the bound are refused, and those around them are not', async () => {
    const long = 'x'.repeat(11);
    const full = 'y'.repeat(10);
    expect(await split([`a\n${long}\nb\n${full}\n`, long], 10)).toEqual([
      text('a'),
      tooLong,
      text('b'),
      text(full),
      tooLong,
    ]);
    expect(await split([long, long, '\nb'], 10)).toEqual([tooLong, text('b')]);
  });

  it('that are not UTF-8 are refused', async () => {
    const lines = await split([Uint8Array.of(0x61, 0xff, 0x0a, 0x62, 0x0a, 0xc3)]);
    const malformed: Line = { kind: 'refused', code: 'line-malformed' };
    expect(lines).toEqual([malformed, text('b'), malformed]);
  });
});

describe('the conformance command', () => {
  it('answers every line in order, whatever stands in them, and ends well', async () => {
    const program = fileURLToPath(new URL('./conformance.ts', import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    const hash = (data: string) => `{"op":"hash","input":{"suite":"sha2-256","data":"${data}"}}`;
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const lines: (string | Uint8Array)[] = [
      hash(''),
      'nonsense',
      '   ',
      Uint8Array.of(0xff, 0xfe),
      'x'.repeat(17 * 1024 * 1024),
      deep,
      `{"op":"state.root","input":{"entries":${deep}}}`,
      '{"op":"__proto__","input":{}}',
      '{"op":"nothing"}',
      '{"op":"hash"}',
      hash('616263'),
    ];
    for (const line of lines) {
      child.stdin.write(line);
      child.stdin.write('\n');
    }
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
    const answers = output.trimEnd().split('\n');
    const failed = (error: object) => ({ ok: false, error });
    expect(answers.map((line) => JSON.parse(line))).toEqual([
      { ok: true, result: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
      failed({ code: 'line-malformed' }),
      failed({ code: 'line-malformed' }),
      failed({ code: 'line-too-long' }),
      failed({ code: 'line-malformed' }),
      failed({ code: 'input-malformed' }),
      failed({ code: 'operation-unknown' }),
      failed({ code: 'operation-unknown' }),
      failed({ code: 'input-malformed' }),
      { ok: true, result: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
    ]);
  });
});
