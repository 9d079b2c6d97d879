import { concatBytes, decodeUtf8 } from '../base/index.ts';

const LINE_FEED = 0x0a;

/** A line, or why it is none that anybody should read. */
export type Line =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly code: 'line-too-long' | 'line-malformed' };

/**
 * Lines of a stream, without their ends. Only line feeds end a line: JSON texts may hold U+2028.
 * Of a line beyond the bound nothing is kept.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): void => {
    length += part.length;
    if (length > bytesMax) parts = [];
    else parts.push(part);
  };
  const take = (): Line => {
    const isTooLong = length > bytesMax;
    const decoded = decodeUtf8(concatBytes(...parts));
    parts = [];
    length = 0;
    if (isTooLong) return { kind: 'refused', code: 'line-too-long' };
    if (!decoded.ok) return { kind: 'refused', code: 'line-malformed' };
    return { kind: 'text', text: decoded.value };
  };
  for await (const chunk of chunks) {
    let at = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, at)) {
      keep(chunk.subarray(at, end));
      yield take();
      at = end + 1;
    }
    keep(chunk.subarray(at));
  }
  if (length > 0) yield take();
}
