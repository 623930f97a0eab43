/**
 * Chooses the WASM module of a package that runs fastest on this engine. All modules compute the
 * same numbers.
 */
import type { InstructionSet } from '../choices.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';

export interface Choice {
  readonly kernel: Manifest['wasm'][number];
  readonly threads: number;
  /** Why nothing faster runs; part of `Running.why`. */
  readonly why: string;
}

/** The features of the engine, and the requested threads. */
export interface Engine {
  /**
   * The largest number of threads requested; null to choose by the size of the model and the cores.
   */
  readonly threads: number | null;
  /** Threads that can run at the same time. */
  readonly cores: number;
  readonly sharesMemory: boolean;
  /** Its SIMD instruction sets, best first. */
  readonly sets: readonly InstructionSet[];
}

/** The largest default number of threads: more of them wait for memory rather than compute. */
const USUAL_THREADS = 4;
/**
 * Weight bytes per thread below which another thread does not pay. Threads synchronise after every
 * kernel, which takes microseconds: the assistant (0.7 MB) decodes 9,700 tokens/s with one thread
 * and 2,600 with two, in Chromium on two cores.
 */
const BYTES_PER_THREAD = 4 << 20;

/** The fastest kernels that the package has and the engine runs; null if there are none. */
export function chooseKernels(
  manifest: Pick<Manifest, 'wasm' | 'memory' | 'maxThreads'>,
  engine: Engine,
): Choice | null {
  const { wasm, memory, maxThreads } = manifest;
  const useful = Math.max(1, Math.floor(memory.weights.bytes / BYTES_PER_THREAD));
  const threads = Math.min(engine.threads ?? Math.min(engine.cores, USUAL_THREADS, useful), maxThreads);
  const best = (suffix: '' | '-threads') =>
    engine.sets.flatMap((set) => wasm.find(({ variant }) => variant === `${set}${suffix}`) ?? [])[0];
  const simd = ({ variant }: Choice['kernel']): string => {
    const used = engine.sets.find((set) => variant.startsWith(set)) ?? 'simd';
    return used === 'simd' && engine.sets.length > 1 ? 'plain SIMD, because the package needs no other' : names[used];
  };
  const several = threads > 1 && engine.sharesMemory ? best('-threads') : undefined;
  if (several) return { kernel: several, threads, why: `${threads} threads, ${simd(several)}` };
  const kernel = best('');
  if (!kernel) return null;
  const alone =
    threads === 1
      ? engine.threads === null && engine.cores > 1
        ? 'one thread, because several would mostly wait in a model this small'
        : 'one thread'
      : engine.sharesMemory
        ? 'one thread, because the package has no kernels for several'
        : 'one thread, because there is no shared memory: a page must be cross-origin isolated';
  return { kernel, threads: 1, why: `${alone}, ${simd(kernel)}` };
}

const names: Readonly<Record<InstructionSet, string>> = {
  simd: 'plain SIMD, because this engine has no relaxed SIMD',
  relaxed: 'relaxed SIMD',
  vnni: 'relaxed SIMD by AVX-VNNI',
  sdot: 'relaxed SIMD with dots of signed bytes, as on Arm',
};

/**
 * This engine's SIMD instruction sets, best first. It is tested by running an instruction, because
 * engines do not name the processor.
 */
export function instructionSets(): readonly InstructionSet[] {
  const bytes = dotModule();
  if (!WebAssembly.validate(bytes)) return ['simd'];
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return setsOf((exports as { readonly dot: () => number }).dot());
  } catch {
    // A page's policy forbids WebAssembly. Compiling the kernels will fail too, and report it.
    return ['simd'];
  }
}

/** The instruction sets of an engine with relaxed SIMD, by the result of `dotModule`. */
export function setsOf(dot: number): readonly InstructionSet[] {
  if (dot < 0) return ['sdot', 'relaxed', 'simd'];
  return dot === 4 * 127 * 255 ? ['vnni', 'relaxed', 'simd'] : ['relaxed', 'simd'];
}

/**
 * The error for kernels that an engine refuses: L417 for a page's policy, L412 for the engine's own
 * reasons. Every other error is returned unchanged.
 */
export function whyRefused(cause: unknown, file: string, place: string): unknown {
  if (!(cause instanceof WebAssembly.CompileError || cause instanceof WebAssembly.LinkError)) return cause;
  if (/content security policy|\bcsp\b/i.test(cause.message))
    return new LamellaError('L417', { file, directive: 'script-src', source: "'wasm-unsafe-eval'" }, place);
  return new LamellaError(
    'L412',
    { what: file, reason: cause.message, remedy: 'a current browser, or a current Node' },
    place,
  );
}

/**
 * Wraps a kernel so that a trap becomes L425 with `file`. Kernels trap if the manifest belongs to
 * other kernels.
 */
export function trapping<T>(kernel: (n: number) => T, file: string, place: string): (n?: number) => T {
  return (n = 0) => {
    try {
      return kernel(n);
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
      throw new LamellaError('L425', { file, reason: cause.message }, place);
    }
  };
}

/**
 * A module with one function: a relaxed dot product of four bytes of 127 with four of 255. Engines
 * differ: AVX-VNNI's single instruction treats 255 as unsigned and gives the exact sum; other x86
 * code saturates pairs; Arm treats 255 as -1, so that its sum is negative.
 */
function dotModule(): Uint8Array<ArrayBuffer> {
  const all = (byte: number) => [0xfd, 0x0c, ...new Array<number>(16).fill(byte)];
  // i32x4.relaxed_dot_i8x16_i7x16_add_s, then the first lane
  const code = [0, ...all(127), ...all(255), ...all(0), 0xfd, 0x93, 0x02, 0xfd, 0x1b, 0, 0x0b];
  const section = (id: number, ...body: number[]) => [id, body.length, ...body];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 1, 0x7f), // type 0: () -> i32
    ...section(3, 1, 0), // function 0 has type 0
    ...section(7, 1, 3, 0x64, 0x6f, 0x74, 0, 0), // and is exported as dot
    ...section(10, 1, code.length, ...code),
  ]);
}
