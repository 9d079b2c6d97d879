import encodeQR from 'qr';
import { useMemo } from 'react';
import styles from './QrCode.module.css';

type QrCodeProps = { readonly text: string; readonly label: string };

/** A QR code as one path, with the quiet zone that scanners need. */
export default function QrCode({ text, label }: QrCodeProps) {
  const { size, path } = useMemo(() => draw(text), [text]);
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      className={styles.code}
      shapeRendering="crispEdges"
    >
      <path d={path} fill="currentColor" />
    </svg>
  );
}

function draw(text: string): { readonly size: number; readonly path: string } {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 2 });
  let path = '';
  rows.forEach((row, y) => {
    row.forEach((isDark, x) => {
      if (isDark) path += `M${x} ${y}h1v1h-1z`;
    });
  });
  return { size: rows.length, path };
}
