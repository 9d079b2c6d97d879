/**
 * Comma-separated text after RFC 4180, row by row. A cell that a spreadsheet would run as a
 * formula begins with an apostrophe, since memos are written by strangers.
 */
export function* csvPieces(rows: Iterable<readonly (string | number)[]>): Generator<string> {
  let lineEnd = '';
  for (const row of rows) {
    yield lineEnd + row.map(cellText).join(',');
    lineEnd = '\r\n';
  }
}

function cellText(cell: string | number): string {
  if (typeof cell === 'number') return String(cell);
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
