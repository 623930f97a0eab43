/** What a version is compiled for: for everything that can run here. */
import type { CompileOptions } from '@lamella/compiler/pipeline';

export interface Targets {
  readonly targets: readonly ('wasm' | 'webgpu')[];
  /** Why not for a GPU; empty when it is. */
  readonly withoutGpu: string;
}

export function targetsOf({ kv }: Pick<CompileOptions, 'kv'>): Targets {
  if (kv === 'q8') return { targets: ['wasm'], withoutGpu: 'Keys and values in q8 have no kernels for a GPU.' };
  return { targets: ['wasm', 'webgpu'], withoutGpu: '' };
}
