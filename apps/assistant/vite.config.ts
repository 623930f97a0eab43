/**
 * The build: one static folder that works below any path. The compiled package is imported like any other, and its files come along. Pages are
 * served with the headers that shared memory needs; a host that does not send them has an app with one thread.
 */
import { defineConfig } from 'vite';
import { offline } from './build/offline.ts';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  // WASM with SIMD came to Safari in 16.4, the last of the browsers.
  build: { target: 'safari16.4', modulePreload: { polyfill: false }, reportCompressedSize: false },
  plugins: [offline('src/service-worker.ts')],
  server: { headers },
  preview: { headers },
});
