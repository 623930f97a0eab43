/** Which of a package's WASM modules this engine runs best. All compute the same numbers. */
import type { Manifest, WasmVariant } from './manifest.ts';

export interface Choice {
  readonly kernel: Manifest['wasm'][number];
  readonly threads: number;
  /** Why not something faster; what `Running.why` says. */
  readonly why: string;
}

/** What the choice depends on. */
export interface Engine {
  /** Most threads wanted; null leaves it to the size of the model and the cores. */
  readonly threads: number | null;
  /** Threads that can run at the same time. */
  readonly cores: number;
  readonly sharesMemory: boolean;
  readonly relaxedSimd: boolean;
}

/** Threads, unless told otherwise: more than this many wait for memory rather than compute. */
const USUAL_THREADS = 4;
/**
 * Weights that make a thread worth its while. Threads meet after every kernel, which takes microseconds: the assistant (0.7 MB) decodes 9,700
 * tokens/s with one and 2,600 with two, in Chromium on two cores.
 */
const BYTES_PER_THREAD = 4 << 20;

/** The fastest kernels that the package has and the engine runs; null for none. */
export function chooseKernels(
  manifest: Pick<Manifest, 'wasm' | 'memory' | 'maxThreads'>,
  engine: Engine,
): Choice | null {
  const { wasm, memory, maxThreads } = manifest;
  const useful = Math.max(1, Math.floor(memory.weights.bytes / BYTES_PER_THREAD));
  const threads = Math.min(engine.threads ?? Math.min(engine.cores, USUAL_THREADS, useful), maxThreads);
  const find = (variant: WasmVariant) => wasm.find((kernel) => kernel.variant === variant);
  const best = (relaxed: WasmVariant, plain: WasmVariant) =>
    (engine.relaxedSimd ? find(relaxed) : undefined) ?? find(plain);
  const simd = engine.relaxedSimd ? 'relaxed SIMD' : 'plain SIMD, for this engine has no relaxed SIMD';
  const several = threads > 1 && engine.sharesMemory ? best('relaxed-threads', 'simd-threads') : undefined;
  if (several) return { kernel: several, threads, why: `${threads} threads, ${simd}` };
  const kernel = best('relaxed', 'simd');
  if (!kernel) return null;
  const alone =
    threads === 1
      ? engine.threads === null && engine.cores > 1
        ? 'one thread, for in a model this small several wait more than they compute'
        : 'one thread'
      : engine.sharesMemory
        ? 'one thread, for the package has no kernels for several'
        : 'one thread, for there is no shared memory: a page must be cross-origin isolated';
  return { kernel, threads: 1, why: `${alone}, ${simd}` };
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
