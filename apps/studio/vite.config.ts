/**
 * The build: one static folder that works below any path. Pages are served with the headers for
 * shared memory; without them a run has one thread.
 */
import { defineConfig } from 'vite';
import { licences } from './licences.ts';
import { packageTexts } from './package-texts.ts';

const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

const { page, worker } = licences();

export default defineConfig({
  plugins: [page],
  base: './',
  // The type checker, three quarters of all the script, has its own worker and loads long after the
  // first picture.
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8000,
  },
  worker: { format: 'es', plugins: () => [packageTexts(), ...worker()] },
  server: { headers },
  preview: { headers },
});
