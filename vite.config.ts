import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vite';
import { generateSW } from 'workbox-build';

/** A relay that answers during development: `npm start`, then `npm run dev`. */
const RELAY = 'http://127.0.0.1:4700';
const COMPRESSED = /\.(?:js|css|html|svg|json|webmanifest|wasm)$/;
const BYTES_WORTH_COMPRESSING = 1024;

/** Entries of the rooms have no side effects; what is not used of them stays out of the bundle. */
const PURE_SOURCES = /\/src\/(?!ui\/main\.tsx|ui\/harness\/)[^?]*\.tsx?$/;

/** Loaded with the first screen, whichever it is. */
const FRAME_SOURCES =
  /\/src\/(?:base\/|ledger\/address|codec\/(?:errors|composites|scalars)|(?:rpc|sdk|wallet)\/limits|ui\/(?:parts\/(?:Button|Notice|Panel|ErrorNotice|cx)|entities\/(?:Phase|TrustSign)|format\/(?:errors|number|standing|text|time)|hooks\/(?:ask|clock|device|drafts|live|last-known|pace|preferences|services))\.tsx?)/;

/** Replaces the entry by the development harness, whose node is a plausible pretence. */
function harness(): Plugin {
  return {
    name: 'tabellion-harness',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace('/src/ui/main.tsx', '/src/ui/harness/main.tsx'),
    },
  };
}

/** After the build: the service worker, then compressed twins that the relay serves. */
function finish(): Plugin {
  let folder = 'dist';
  return {
    name: 'tabellion-finish',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    async closeBundle() {
      if (!existsSync(join(folder, 'index.html'))) return; // The build failed.
      await writeServiceWorker(folder);
      compressFiles(folder);
    },
  };
}

async function writeServiceWorker(folder: string): Promise<void> {
  await generateSW({
    globDirectory: folder,
    globPatterns: ['**/*.{js,css,html,svg,png,woff2,wasm,webmanifest}'],
    // Large icons are for whoever installs the app; browsers fetch them then.
    globIgnores: ['sw.js', 'icon-512.png', 'icon-maskable-512.png', 'apple-touch-icon.png'],
    swDest: join(folder, 'sw.js'),
    // One file, no code from elsewhere, nothing applied before the person agrees.
    inlineWorkboxRuntime: true,
    sourcemap: false,
    skipWaiting: false,
    clientsClaim: false,
    cleanupOutdatedCaches: true,
    maximumFileSizeToCacheInBytes: 8 * 1024 * 1024,
    dontCacheBustURLsMatching: /^assets\//,
    navigateFallback: '/index.html',
    navigateFallbackDenylist: [/^\/(?:rpc|ws|metrics|healthz|network\.json)/],
    runtimeCaching: [
      {
        urlPattern: ({ sameOrigin, url }) => sameOrigin && url.pathname === '/network.json',
        handler: 'NetworkFirst',
        options: { cacheName: 'tabellion-network', networkTimeoutSeconds: 3 },
      },
    ],
  });
}

function compressFiles(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!COMPRESSED.test(name)) continue;
    const path = join(folder, name);
    const bytes = readFileSync(path);
    if (bytes.length < BYTES_WORTH_COMPRESSING) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: 10 };
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

export default defineConfig(({ mode }) => ({
  base: '/',
  plugins: [react(), ...(mode === 'harness' ? [harness()] : [finish()])],
  build: {
    target: ['chrome123', 'edge123', 'firefox128', 'safari17.5'],
    sourcemap: false,
    // Fonts and workers as files: the content security policy allows no data: of theirs.
    assetsInlineLimit: 0,
    // The polyfill would be an inline script.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      treeshake: { moduleSideEffects: (id) => !PURE_SOURCES.test(id) },
      output: {
        codeSplitting: {
          // What the frame and several screens share, in one piece: many small ones compress worse.
          groups: [{ name: 'frame', test: FRAME_SOURCES, minShareCount: 2 }],
        },
      },
    },
  },
  worker: {
    format: 'es',
    // In a folder of their own, so that what the page itself loads can be told from it.
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/workers/[name]-[hash].js',
        chunkFileNames: 'assets/workers/[name]-[hash].js',
      },
    },
  },
  server: {
    proxy: {
      '/rpc': { target: RELAY },
      '/network.json': { target: RELAY },
      '/ws': { target: RELAY, ws: true },
    },
  },
}));
