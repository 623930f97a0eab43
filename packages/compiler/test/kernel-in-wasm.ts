/**
 * Runs one kernel of the loop IR as a WASM function over its own memory, so that printed and
 * interpreted kernels can be compared.
 */
import type { Kernel, KernelBuffer } from '../src/loops/ir.ts';
import type { Features } from '../src/loops/types.ts';
import { unroll } from '../src/loops/unroll.ts';
import { verifyKernel } from '../src/loops/verify.ts';
import { assemble } from '../src/targets/wasm/assemble.ts';
import { partition } from '../src/targets/wasm/partition.ts';
import { functionArguments, printFunction } from '../src/targets/wasm/print.ts';

/**
 * Verifies, unrolls, prints, assembles and runs `kernel` on a copy of `image`; returns the memory
 * it leaves.
 */
export async function runInWasm(
  kernel: Kernel,
  image: ArrayBuffer,
  args: Readonly<Record<string, number>> = {},
): Promise<ArrayBuffer> {
  const features: Features = new Set(['relaxed', 'vnni', 'sdot']);
  verifyKernel(kernel, false, features);
  const expanded = unroll(partition(kernel, new Set()));
  verifyKernel(expanded, true, features);
  const pages = Math.ceil(image.byteLength / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Uint8Array(memory.buffer).set(new Uint8Array(image));
  const text = `(module (import "env" "memory" (memory ${pages} ${pages})) ${printFunction(expanded, features)} (export "run" (func $${kernel.name})))`;
  const module = await WebAssembly.compile((await assemble(text)) as BufferSource);
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  (exports.run as (...args: number[]) => void)(...functionArguments(expanded).map((name) => args[name]!));
  return memory.buffer.slice(0, image.byteLength);
}

/** A buffer at an absolute address. */
export function bufferAt(
  name: string,
  element: KernelBuffer['element'],
  offset: number,
  length: number,
  access: KernelBuffer['access'] = 'readwrite',
): KernelBuffer {
  return { name, element, address: { kind: 'memory', offset }, length, access, note: '' };
}
