/** Which of a package's WASM modules this engine runs best. All compute the same numbers. */
import type { InstructionSet } from '../choices.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';

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
  /** What its SIMD can do, best first. */
  readonly sets: readonly InstructionSet[];
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
  const best = (suffix: '' | '-threads') =>
    engine.sets.flatMap((set) => wasm.find(({ variant }) => variant === `${set}${suffix}`) ?? [])[0];
  const simd = ({ variant }: Choice['kernel']): string => {
    const used = engine.sets.find((set) => variant.startsWith(set)) ?? 'simd';
    return used === 'simd' && engine.sets.length > 1 ? 'plain SIMD, for the package needs no other' : names[used];
  };
  const several = threads > 1 && engine.sharesMemory ? best('-threads') : undefined;
  if (several) return { kernel: several, threads, why: `${threads} threads, ${simd(several)}` };
  const kernel = best('');
  if (!kernel) return null;
  const alone =
    threads === 1
      ? engine.threads === null && engine.cores > 1
        ? 'one thread, for in a model this small several wait more than they compute'
        : 'one thread'
      : engine.sharesMemory
        ? 'one thread, for the package has no kernels for several'
        : 'one thread, for there is no shared memory: a page must be cross-origin isolated';
  return { kernel, threads: 1, why: `${alone}, ${simd(kernel)}` };
}

const names: Readonly<Record<InstructionSet, string>> = {
  simd: 'plain SIMD, for this engine has no relaxed SIMD',
  relaxed: 'relaxed SIMD',
  vnni: 'relaxed SIMD by AVX-VNNI',
};

/** What this engine's SIMD can do, best first. It is asked, not guessed: engines name no processor. */
export function instructionSets(): readonly InstructionSet[] {
  const bytes = dotModule();
  if (!WebAssembly.validate(bytes)) return ['simd'];
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const dot = (exports as { readonly dot: () => number }).dot();
    return dot === 4 * 127 * 255 ? ['vnni', 'relaxed', 'simd'] : ['relaxed', 'simd'];
  } catch {
    // a page's policy that forbids WebAssembly: the kernels meet it as well, and can say so
    return ['simd'];
  }
}

/** What an engine's refusal of kernels means: L417 for a page's policy, L412 for the engine's own; anything else is passed on. */
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

/** A kernel that may trap, as one does whose manifest was written for another: L425 then, which names `file`. */
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
 * A function that is nothing but a relaxed dot of four bytes, 127 each, with four of 255. Engines may differ there: AVX-VNNI's one
 * instruction takes 255 as it is and gives the exact sum; what x86 has otherwise saturates pairs, and Arm takes the 255 as -1.
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
