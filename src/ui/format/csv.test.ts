import { describe, expect, it } from 'vitest';
import { csvPieces } from './csv.ts';

const csvText = (rows: (string | number)[][]) => [...csvPieces(rows)].join('');

describe('comma-separated text', () => {
  it('quotes separators, quotes and line ends', () => {
    expect(csvText([['a', 'b,c', 'd"e', 'f\ng', 7]])).toBe('a,"b,c","d""e","f\ng",7');
  });
  it('disarms what a spreadsheet would run, since strangers write memos', () => {
    expect(csvText([['=HYPERLINK("x")', '+1', '-1', '@x']])).toBe(
      `"'=HYPERLINK(""x"")",'+1,'-1,'@x`,
    );
  });
  it('ends rows as RFC 4180 says', () => expect(csvText([['a'], ['b']])).toBe('a\r\nb'));
});
