/**
 * Real arguments for the sentences of `catalogue.ts`, for `lamella explain` and the reference.
 * No package contains them.
 */
import type { catalogue } from './catalogue.ts';
import { LamellaError, type LamellaErrorCode } from './lamella-error.ts';

type Filling = LamellaError['args'];

/** The names between braces in a sentence. */
type Named<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Named<Rest>
  : never;

/** The codes whose sentence has arguments. */
type Filled = {
  [C in LamellaErrorCode]: (typeof catalogue)[C] extends `${string}{${string}` ? C : never;
}[LamellaErrorCode];

type Example<C extends LamellaErrorCode> = Readonly<Record<Named<(typeof catalogue)[C]>, string | number>>;

type Examples = { readonly [C in Filled]: readonly [Example<C>, ...Example<C>[]] };

const file = 'https://example.com/models/mine/weights-000.bin';

const examples: Examples = {
  L402: [{ id: 300, vocab: 260, last: 259 }],
  L403: [{ count: 600, context: 512 }],
  L404: [{ path: 'out/mine', reason: 'manifest.json cannot be read (ENOENT)' }],
  L405: [{ path: 'out/mine' }],
  L406: [{ path: 'out/mine' }],
  L407: [{ file: 'weights-000.bin', reason: 'its SHA-256 is not the one in the manifest' }],
  L408: [
    { option: 'maxTokens', range: 'a whole number of at least 1', value: 0, remedy: '128' },
    { option: 'temperature', range: 'a number of at least 0', value: -1, remedy: '0 for greedy' },
    {
      option: 'options',
      range: 'an object',
      value: 'null',
      remedy: 'an object with any of temperature, topK, topP, seed',
    },
  ],
  L409: [
    { option: 'top_k', remedy: 'temperature, topK, topP, minP, typicalP, repetitionPenalty, seed' },
    { option: 'thread', remedy: 'device, threads, sessions, signal, onProgress, onFallback' },
  ],
  L412: [
    { what: 'webgpu', reason: 'there is no adapter', remedy: 'device: "wasm"' },
    { what: '4 threads', reason: 'worker.js did not start', remedy: 'threads: 1' },
    {
      what: 'kernels.simd.wasm',
      reason: 'WebAssembly.Module(): SIMD is not supported',
      remedy: 'a current browser, or a current Node',
    },
    { what: 'webgpu', reason: 'the package webgpu is not installed', remedy: 'npm install webgpu, or device: "wasm"' },
  ],
  L413: [{ file: 'out/mine/weights-000.bin', reason: 'EACCES' }],
  L414: [{ field: 'tile', is: '0', must: 'an integer from 1 to 1048576' }],
  L415: [{ file }],
  L416: [{ file, origin: 'https://example.com', page: 'https://app.example.org' }],
  L417: [{ file: 'kernels.simd.wasm', directive: 'script-src', source: "'wasm-unsafe-eval'" }],
  L418: [{ file: 'manifest.json', url: 'https://app.example.org/model/manifest.json' }],
  L419: [{ file: 'manifest.json', url: 'https://example.com/models/mine/manifest.json', status: 404 }],
  L420: [{ file: 'manifest.json', url: 'https://example.com/models/mine/manifest.json', status: 403 }],
  L421: [{ file, status: 503 }],
  L422: [{ file, bytes: 1048576 }],
  L423: [{ file, seconds: 30 }],
  L424: [{ file, origin: 'https://example.com', reason: 'fetch failed' }],
  L425: [{ file: 'kernels.simd.wasm', reason: 'memory access out of bounds' }],
  L429: [{ token: 'token 17', value: 'NaN' }],
  L445: [{ position: 100, farthest: 400, most: 80 }],
  L446: [{ sessions: 8, more: 9 }],
  L447: [{ mib: 96 }],
  L448: [{ reason: 'they were saved by another package, or another version of it' }],
  L451: [{ path: 'out/mine' }],
  L452: [{ reason: 'Conversation roles must alternate user/assistant/user/assistant/...' }],
  L460: [
    { at: '#/properties/a', reason: 'its grammar is too large', remedy: 'smaller counts and fewer values' },
    { at: 'prefix', reason: 'the format does not allow it', remedy: 'a prefix that the format allows, or none' },
    {
      at: 'responseFormat',
      reason: 'the texts of the tokens of this tokenizer depend on the tokens around',
      remedy: 'generating without it',
    },
  ],
  L461: [{ reason: 'a bundler did not copy constraint.js' }],
  L436: [
    {
      reason: 'https://app.example.org/worker.js (the server answers 404)',
      remedy:
        "copying the package's folder to the server of the page, and load('/FOLDER/'), because esbuild and Rollup do not copy its files",
    },
    {
      reason: 'https://app.example.org/worker.js (no message from it in 30 seconds)',
      remedy: 'again with a better connection; if the error stays, checking that this is the worker.js of the package',
    },
    {
      reason: 'https://app.example.org/worker.js (SyntaxError)',
      remedy: 'a current browser; if the error stays, copying the whole folder of the package there again',
    },
  ],
  L437: [{ reason: 'out of memory' }],
  L438: [{ reason: 'import.meta.url is not the address of a file' }],
  L439: [
    { script: 'https://example.com/models/mine/worker.js', directive: 'worker-src', source: 'https://example.com' },
  ],
};

/** Whole messages of `code`; none if its sentence has no arguments. */
export function exampleMessages(code: LamellaErrorCode): readonly string[] {
  const filled: Readonly<Record<string, readonly Filling[]>> = examples;
  return (filled[code] ?? []).map((args) => LamellaError.from({ code, args, place: null }).message);
}
