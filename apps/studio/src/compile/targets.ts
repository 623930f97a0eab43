/** What a version can be compiled for: WASM always, a GPU unless this says why not. */
import type { CompileOptions } from '@lamella/compiler/pipeline';

/** Empty where there are kernels for a GPU. */
export function whyNoGpu({ kv }: Pick<CompileOptions, 'kv'>): string {
  return kv === 'q8' ? 'Keys and values in q8 have no kernels for a GPU.' : '';
}
