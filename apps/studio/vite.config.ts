/**
 * The build: one static folder that works below any path. Pages are served with the headers for
 * shared memory; without them a run has one thread.
 */
import { defineConfig } from 'vite';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  // The type checker, three quarters of all the script, has its own worker and loads long after the
  // first picture.
  build: {
    target: 'es2023',
    license: { fileName: 'licences.md' },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8000,
  },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
});
