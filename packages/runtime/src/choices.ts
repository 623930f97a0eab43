/**
 * What may be chosen when a model is compiled and when it runs. Each list stands here once: types, checks, the command line,
 * the studio and what documents say about them come from it.
 */

/** How matrices and tables of weights are stored (docs/decisions.md says exactly how). */
export const formatNames = ['f32', 'q8', 'q4'] as const;
export type FormatName = (typeof formatNames)[number];

/** How keys and values are stored. */
export const kvNames = ['f32', 'q8'] as const;
export type KvName = (typeof kvNames)[number];

/** What a package can have kernels for; for WASM it always has. */
export const targets = ['wasm', 'webgpu'] as const;
export type Target = (typeof targets)[number];

/** What a package can be loaded on: the fastest that works here, or one of the targets. */
export const devices = ['auto', ...targets] as const;
export type Device = (typeof devices)[number];

/** What is chosen where nothing is said. */
export const usual = { format: 'q8', kv: 'f32', target: 'wasm', device: 'auto' } as const satisfies {
  readonly format: FormatName;
  readonly kv: KvName;
  readonly target: Target;
  readonly device: Device;
};

/** 128-bit SIMD, relaxed SIMD besides, or that made of AVX-VNNI. */
const instructionSets = ['simd', 'relaxed', 'vnni'] as const;
export type InstructionSet = (typeof instructionSets)[number];

/** WASM modules of a package by what an engine must have: an instruction set, and shared memory for several threads. */
export const wasmVariants = [...instructionSets, ...instructionSets.map((set) => `${set}-threads` as const)] as const;
export type WasmVariant = (typeof wasmVariants)[number];

/** A list of choices as English has it: `auto, wasm or webgpu`. */
export function anyOf(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}
