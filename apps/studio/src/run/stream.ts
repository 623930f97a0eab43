/**
 * Measures the speed of a sequential read on this device: a module that only loads 16 bytes at a
 * time, over more memory than any cache holds. Decoding is compared with it: the planned bytes of a
 * token, divided by its time, as a share of this speed.
 */
import { assemble } from '@lamella/compiler/targets/wasm/assemble';

/** Larger than the last cache of a desktop, and small enough for a phone. */
const BYTES = 96 << 20;
const PASSES = 4;

const offsets = Array.from({ length: 8 }, (_, i) => 16 * i);
const sums = offsets.map((_, i) => `$s${i}`);
const wat = `(module (memory (export "memory") ${BYTES / 65536})
(func (export "read") (result i32) (local $at i32) ${sums.map((s) => `(local ${s} v128)`).join(' ')}
  (loop $next
${sums.map((s, i) => `    (local.set ${s} (v128.xor (local.get ${s}) (v128.load offset=${offsets[i]} (local.get $at))))`).join('\n')}
    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 128))) (i32.const ${BYTES}))))
  (i32x4.extract_lane 0 ${sums.map((s) => `(local.get ${s})`).reduce((a, b) => `(v128.xor ${a} ${b})`)})))`;

/** Bytes per second, one thread, the fastest of several passes. */
export async function streamBytesPerSecond(): Promise<number> {
  const module = await WebAssembly.compile((await assemble(wat)) as Uint8Array<ArrayBuffer>);
  const { exports } = await WebAssembly.instantiate(module);
  const { memory, read } = exports as { readonly memory: WebAssembly.Memory; readonly read: () => number };
  // Many systems map pages that were never written to a single page.
  new Uint8Array(memory.buffer).fill(1);
  const times = Array.from({ length: PASSES }, () => {
    const start = performance.now();
    read();
    return performance.now() - start;
  });
  return BYTES / (Math.min(...times) / 1000);
}
