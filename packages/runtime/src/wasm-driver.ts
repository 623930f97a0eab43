/**
 * The WASM driver: one linear memory at its final size, the weights copied once to their final offsets, the execution table written
 * beside them, and three exports to call. Everything a token needs is inside the module; a call crosses into it once.
 *
 * `plannedBytes` is what the compiler promised and `peakBytes` what the running memory measures; they are equal because the memory is
 * created with initial = maximum.
 */
import type { LoadOptions } from './face.ts';
import type { Manifest, MemoryPlan, TableRow, WeightChunk } from './manifest.ts';
import { reasonOf } from './manifest-file.ts';
import type { PackageFiles } from './package-files.ts';
import { RuntimeError } from './runtime-error.ts';

const PAGE = 65_536;

/** What the compiled module exports. */
interface Kernels {
  /** Runs tokens [0, n) of the tile from the current position, appends their KV, advances the position by n. */
  prefill(n: number): void;
  /** Final norm and logits of tile row `row` of the last prefill. */
  head(row: number): void;
  /** Runs token 0 of the tile, head included, and advances the position by one. */
  decode(): void;
}

/** A loaded model as the kernels see it: no checks, no policy. `Session` adds those. */
export interface WasmDriver extends Kernels {
  /** u32 [tile]: the token ids of the next call. A view into the memory. */
  readonly tokens: Uint32Array;
  /** f32 [vocab]: what `head` and `decode` left. A view into the memory. */
  readonly logits: Float32Array;
  /** Tokens whose KV is in the state. Writing it rewinds; state beyond it is never read. */
  position: number;
  /** Bytes of the running memory, measured. */
  readonly peakBytes: number;
  /** The memory itself, for tests that look for writes outside the plan. */
  readonly memory: WebAssembly.Memory;
}

/**
 * Loads a package's kernels and weights. L405 without weights, L407 for a file that is missing, short, or not the one whose SHA-256
 * the manifest holds.
 */
export async function loadWasm(
  manifest: Manifest,
  files: PackageFiles,
  onProgress?: LoadOptions['onProgress'],
): Promise<WasmDriver> {
  const { memory: plan, weights, wasm } = manifest;
  if (weights === null) throw new RuntimeError('L405', { path: files.place });
  const relaxed = hasRelaxedSimd() ? wasm.find((w) => w.variant === 'relaxed') : undefined;
  const kernel = relaxed ?? wasm.find((w) => w.variant === 'simd');
  if (!kernel)
    throw new RuntimeError('L407', { file: 'manifest.json', reason: 'it names no simd kernels' }, files.place);
  const module = await WebAssembly.compile(await readChecked(files, kernel.file, kernel.sha256));
  const pages = plan.plannedBytes / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const total = weights.reduce((sum, chunk) => sum + chunk.bytes, 0);
  let placed = 0;
  for (const chunk of weights) {
    await placeChunk(memory, plan, chunk, files);
    placed += chunk.bytes;
    onProgress?.(placed, total);
  }
  writeTable(memory, plan, manifest.rowWords, manifest.table);
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return driver(instance.exports as unknown as Kernels, memory, manifest);
}

/** Whether this engine has relaxed SIMD: it validates a function that is nothing but one relaxed dot of two constants. */
export function hasRelaxedSimd(): boolean {
  const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
  const code = [0, ...zero, ...zero, 0xfd, 0x92, 0x02, 0x0b];
  const section = (id: number, ...body: number[]) => [id, body.length, ...body];
  return WebAssembly.validate(
    new Uint8Array([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, 1, 0x60, 0, 1, 0x7b), // type 0: () -> v128
      ...section(3, 1, 0), // function 0 has type 0
      ...section(10, 1, code.length, ...code),
    ]),
  );
}

/** Reads one chunk, proves it, and copies it to its place. The file's own bytes (at most 4 MiB) are free again before the next. */
async function placeChunk(
  memory: WebAssembly.Memory,
  plan: MemoryPlan,
  chunk: WeightChunk,
  files: PackageFiles,
): Promise<void> {
  if (chunk.offset + chunk.bytes > plan.weights.bytes) {
    throw new RuntimeError(
      'L407',
      { file: 'manifest.json', reason: `${chunk.file} does not fit the plan` },
      files.place,
    );
  }
  const bytes = await readChecked(files, chunk.file, chunk.sha256, chunk.bytes);
  new Uint8Array(memory.buffer, plan.weights.offset + chunk.offset, chunk.bytes).set(bytes);
}

/** Reads a file and compares length (when `length` is given) and SHA-256 with the manifest's. L407 when they differ. */
async function readChecked(
  files: PackageFiles,
  file: string,
  sha256: string,
  length?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const damaged = (reason: string) => new RuntimeError('L407', { file, reason }, files.place);
  const bytes = await files.read(file).catch((cause: unknown) => {
    throw damaged(`it cannot be read (${reasonOf(cause)})`);
  });
  if (length !== undefined && bytes.length !== length) {
    throw damaged(`it has ${bytes.length} bytes where the manifest says ${length}`);
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
  if (hex !== sha256) throw damaged('its SHA-256 is not the one in the manifest');
  return bytes;
}

/** Rows of `rowWords` u32 words: kind, state address, weight addresses, zeros. The row count and the table's address go into the step region. */
function writeTable(memory: WebAssembly.Memory, plan: MemoryPlan, rowWords: number, table: readonly TableRow[]): void {
  const words = new Uint32Array(memory.buffer, plan.table.offset, plan.table.bytes / 4);
  table.forEach((row, i) => {
    words.set([row.kind, row.state, ...row.weights], i * rowWords);
  });
  new Uint32Array(memory.buffer, plan.step.offset, 4).set([table.length, plan.table.offset], 2);
}

function driver(kernels: Kernels, memory: WebAssembly.Memory, manifest: Manifest): WasmDriver {
  const { memory: plan, tile, vocab } = manifest;
  // The memory never grows, so its buffer is never replaced and these views stay good.
  const step = new Uint32Array(memory.buffer, plan.step.offset, 3);
  return {
    prefill: kernels.prefill,
    head: kernels.head,
    decode: kernels.decode,
    memory,
    tokens: new Uint32Array(memory.buffer, plan.tokens.offset, tile),
    logits: new Float32Array(memory.buffer, plan.logits.offset, vocab),
    get position() {
      return step[0]!;
    },
    set position(tokens: number) {
      step[0] = tokens;
    },
    get peakBytes() {
      return memory.buffer.byteLength;
    },
  };
}
