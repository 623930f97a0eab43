/**
 * Every kernel as text: its loops, the WAT printed from them, and its shaders if there are kernels
 * for a GPU. A GPU has its own loops, and may need two shaders for one function of WASM.
 */

import type { Compilation } from '@lamella/compiler/compilation';
import { printKernel } from '@lamella/compiler/loops/print';
import { functionBytes } from '@lamella/compiler/targets/wasm/sizes';
import type { GpuParts } from '@lamella/compiler/targets/webgpu/target';

export interface ShaderText {
  readonly name: string;
  readonly loops: string;
  readonly wgsl: string;
}

export interface KernelText {
  readonly name: string;
  /** The kind of block it belongs to, and whether it computes one token or a tile. */
  readonly kind: string;
  readonly lowering: 'decode' | 'prefill';
  /** Bytes of WASM. */
  readonly bytes: number;
  readonly loops: string;
  readonly wat: string;
  readonly shaders: readonly ShaderText[];
}

export interface KernelTexts {
  readonly kernels: readonly KernelText[];
  /** Shaders without a corresponding WASM kernel, such as the greedy choice. */
  readonly others: readonly ShaderText[];
}

/**
 * Kernels in the order they run: by kind, for one token and then for a tile. `gpu` has the shaders
 * of the same graph.
 */
export function kernelTexts({ kernels, wasm, stages }: Compilation, gpu: GpuParts | undefined): KernelTexts {
  const sizes = functionBytes(wasm);
  const functions = functionsOf(stages.wat());
  const codes = gpu ? gpu.code.split(/^\/\/\/\/ .*\n/m).slice(1) : [];
  const shaders = (gpu?.kernels ?? []).map((kernel, i): ShaderText => {
    return { name: kernel.name, loops: printKernel(kernel), wgsl: codes[i]! };
  });
  const list = kernels.flatMap(({ kind, decode, prefill }) =>
    [decode, prefill].flatMap((each, i) =>
      each.map((kernel) => {
        const lowering = (['decode', 'prefill'] as const)[i]!;
        return { kernel, kind: kind.name, lowering };
      }),
    ),
  );
  const texts = list.map(({ kernel, kind, lowering }, i): KernelText => {
    const { name } = kernel;
    const [begins, ends] = [name.slice(0, -lowering.length), `.${lowering}`];
    return {
      name,
      kind,
      lowering,
      bytes: sizes[i]!,
      loops: printKernel(kernel),
      wat: functions.get(name)!,
      shaders: shaders.filter((shader) => shader.name.startsWith(begins) && shader.name.endsWith(ends)),
    };
  });
  const beside = new Set(texts.flatMap((text) => text.shaders));
  return { kernels: texts, others: shaders.filter((shader) => !beside.has(shader)) };
}

/** The functions of a module's text by name. Each ends with a parenthesis on its own line. */
function functionsOf(wat: string): ReadonlyMap<string, string> {
  return new Map([...wat.matchAll(/^\(func \$(\S+) [\s\S]*?^\)$/gm)].map(([text, name]) => [name!, text]));
}
