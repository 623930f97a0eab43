/**
 * The build: one static folder that works below any path. The compiled package is imported like any
 * other, and its files are included. Pages are served with the headers for shared memory; without
 * them the app has one thread.
 */
import { defineConfig } from 'vite';
import { offline } from './build/offline.ts';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  // Safari 16.4 was the last of the browsers to support WASM with SIMD.
  build: { target: 'safari16.4', modulePreload: { polyfill: false }, reportCompressedSize: false },
  plugins: [offline('src/service-worker.ts')],
  server: { headers },
  preview: { headers },
});
