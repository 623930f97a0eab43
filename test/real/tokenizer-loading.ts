/**
 * Prints how long the packed tokenizer in FILE takes to load, and the memory that it keeps, as
 * `{"ms":12,"bytes":345}`. A process of its own, because an earlier tokenizer would leave compiled
 * code and garbage: `node --expose-gc --import tsx test/real/tokenizer-loading.ts FILE`.
 */
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@lamella/runtime/tokenizer';

/** Bytes in use, of JavaScript's objects and of typed arrays. */
function used(): number {
  globalThis.gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const packed = readFileSync(process.argv[2]!);
const before = used();
const start = performance.now();
const tokenizer = new Tokenizer(packed, { before: [], after: [], promptPrefix: '', promptSuffix: '' });
const ms = performance.now() - start;
const bytes = packed.length + used() - before;
// The use after the measurement keeps the tokenizer alive until then.
if (tokenizer.end === 0) throw new Error('the tokenizer has no tokens');
console.log(JSON.stringify({ ms, bytes }));
