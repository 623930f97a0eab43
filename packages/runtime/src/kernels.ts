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
  /** Most threads wanted. */
  readonly threads: number;
  readonly sharesMemory: boolean;
  readonly relaxedSimd: boolean;
}

/** The fastest kernels that the package has and the engine runs; null for none. */
export function chooseKernels({ wasm }: Pick<Manifest, 'wasm'>, engine: Engine): Choice | null {
  const find = (variant: WasmVariant) => wasm.find((kernel) => kernel.variant === variant);
  const best = (relaxed: WasmVariant, plain: WasmVariant) =>
    (engine.relaxedSimd ? find(relaxed) : undefined) ?? find(plain);
  const simd = engine.relaxedSimd ? 'relaxed SIMD' : 'plain SIMD, for this engine has no relaxed SIMD';
  const several = engine.threads > 1 && engine.sharesMemory ? best('relaxed-threads', 'simd-threads') : undefined;
  if (several) return { kernel: several, threads: engine.threads, why: `${engine.threads} threads, ${simd}` };
  const kernel = best('relaxed', 'simd');
  if (!kernel) return null;
  const alone =
    engine.threads === 1
      ? 'one thread'
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
