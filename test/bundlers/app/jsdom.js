// What a test of a page's component has: a window without workers.
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('', { url: 'http://localhost/' });
for (const name of ['document', 'location', 'self']) globalThis[name] = window[name];
globalThis.window = window;
await import('./node.js');
