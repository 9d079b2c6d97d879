import { useEffect, useRef, useState } from 'react';
import { Notice } from './Notice.tsx';
import styles from './QrScanner.module.css';

type QrScannerProps = { readonly onText: (text: string) => void };

/** The platform's detector, where there is one; not in the DOM library. */
type Detector = { detect(source: HTMLVideoElement): Promise<readonly { rawValue: string }[]> };
type DetectorClass = new (options: { formats: readonly string[] }) => Detector;
type Reader = (video: HTMLVideoElement) => Promise<string | undefined>;

const FRAME_EDGE_MAX = 640;

/** Looks through the camera until it reads a QR code. */
export default function QrScanner({ onText }: QrScannerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<string>();
  const tell = useRef(onText);
  tell.current = onText;

  useEffect(() => {
    const stop = new AbortController();
    watch(video.current, stop.signal, (text) => tell.current(text)).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
      setProblem(
        isRefused
          ? 'The camera was not allowed. You can paste the address instead.'
          : 'No camera could be opened. You can paste the address instead.',
      );
    });
    return () => stop.abort();
  }, []);

  if (problem !== undefined) {
    return (
      <Notice kind="warning" title="No camera" isLive>
        {problem}
      </Notice>
    );
  }
  return (
    <div className={styles.frame}>
      <video ref={video} className={styles.video} muted playsInline aria-label="Camera picture" />
      <div className={styles.aim} aria-hidden="true" />
    </div>
  );
}

async function watch(
  video: HTMLVideoElement | null,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<void> {
  if (video === null) return;
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: 'environment' },
    audio: false,
  });
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  if (signal.aborted) return end();
  signal.addEventListener('abort', end, { once: true });
  video.srcObject = stream;
  await video.play();
  const read = await chooseReader();
  while (!signal.aborted) {
    const text = await read(video).catch(() => undefined);
    if (signal.aborted) return;
    if (text !== undefined && text !== '') {
      onText(text);
      return;
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

/** The platform's own detector first; else our bundled one. */
async function chooseReader(): Promise<Reader> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  if (BarcodeDetector !== undefined) {
    try {
      const detector = new BarcodeDetector({ formats: ['qr_code'] });
      return async (video) => (await detector.detect(video))[0]?.rawValue;
    } catch {
      // Present, but without QR codes on this platform.
    }
  }
  const { default: decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return async (video) => {
    if (context === null || video.videoWidth === 0) return undefined;
    const scale = Math.min(1, FRAME_EDGE_MAX / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    return decodeQR({ data, width, height });
  };
}
