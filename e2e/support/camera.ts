import { writeFile } from 'node:fs/promises';
import encodeQr from 'qr';

const WIDTH = 640;
const HEIGHT = 480;
const MARGIN = 40;
const INK = 16;
const PAPER = 235;
const COLOURLESS = 128;

/** Writes a film in which somebody holds a QR code of `text` before the camera (YUV4MPEG2). */
export async function writeCameraFilm(path: string, text: string): Promise<void> {
  const modules = encodeQr(text, 'raw', { border: 2 });
  const size = Math.floor((HEIGHT - 2 * MARGIN) / modules.length);
  const left = Math.floor((WIDTH - size * modules.length) / 2);
  const luma = Buffer.alloc(WIDTH * HEIGHT, PAPER);
  for (const [row, line] of modules.entries()) {
    for (const [column, isDark] of line.entries()) {
      if (!isDark) continue;
      for (let y = 0; y < size; y++) {
        const start = (MARGIN + row * size + y) * WIDTH + left + column * size;
        luma.fill(INK, start, start + size);
      }
    }
  }
  const frame = [Buffer.from('FRAME\n'), luma, Buffer.alloc((WIDTH * HEIGHT) / 2, COLOURLESS)];
  const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`);
  await writeFile(path, Buffer.concat([head, ...frame, ...frame]));
}
