/**
 * The choices at compile time and at run time. Each list is defined here once; types, checks, the
 * command line, the studio and the documentation use it. Lists are literals, because a script of a
 * package then leaves out those that it does not use.
 */

/** Formats of weight matrices and tables, largest first (exact definitions: docs/decisions.md). */
export const formatNames = ['f32', 'f16', 'q8', 'q4'] as const;
/** A format of weights: floats of 32 or 16 bits, or codes of 8 or 4 bits with scales. */
export type FormatName = (typeof formatNames)[number];

/** Whether kernels multiply weights of this format with int8 codes of the activations, not f32. */
export function hasCodes(format: FormatName): boolean {
  return format === 'q8' || format === 'q4';
}

/** Formats of keys and values. */
export const kvNames = ['f32', 'q8'] as const;
/** A format of keys and values. */
export type KvName = (typeof kvNames)[number];

/** Targets that a package can have kernels for. Every package has WASM kernels. */
export const targets = ['wasm', 'webgpu'] as const;
/** What computes: WASM on the CPU, or WebGPU. */
export type Target = (typeof targets)[number];

/**
 * Devices that a package can be loaded on: one of the targets, or `auto` for the fastest that
 * works.
 */
export const devices = ['auto', 'wasm', 'webgpu'] as const satisfies readonly ('auto' | Target)[];
/** A choice of target; `auto` is the fastest that works. */
export type Device = (typeof devices)[number];

/** The defaults. */
export const usual = { format: 'q8', kv: 'f32', target: 'wasm', device: 'auto', sessions: 8 } as const satisfies {
  readonly format: FormatName;
  readonly kv: KvName;
  readonly target: Target;
  readonly device: Device;
  readonly sessions: number;
};

/**
 * 128-bit SIMD; relaxed SIMD; relaxed SIMD on engines that implement it with AVX-VNNI, or with
 * Arm's dots of signed bytes.
 */
export type InstructionSet = 'simd' | 'relaxed' | 'vnni' | 'sdot';

/**
 * The WASM modules of a package, named by the engine features they need: an instruction set, and
 * shared memory for several threads.
 */
export const wasmVariants = [
  'simd',
  'relaxed',
  'vnni',
  'sdot',
  'simd-threads',
  'relaxed-threads',
  'vnni-threads',
  'sdot-threads',
] as const satisfies readonly (InstructionSet | `${InstructionSet}-threads`)[];
/**
 * The engine features that a WASM module needs: an instruction set, and shared memory for threads.
 */
export type WasmVariant = (typeof wasmVariants)[number];

/** A list of choices in English: `auto, wasm or webgpu`. */
export function anyOf(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join('');
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}
