/**
 * How fast this device reads memory in one go: a module that does nothing but load 16 bytes at a time, over more than any cache holds. It
 * is what decoding is measured against (the planned bytes of a token, over its time, as a share of this).
 */
import { assemble } from '@lamella/compiler/targets/wasm/assemble';

/** More than the last cache of a desktop, and little enough for a phone. */
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

/** Bytes a second, of the fastest of some passes, by one thread. */
export async function streamBytesPerSecond(): Promise<number> {
  const module = await WebAssembly.compile((await assemble(wat)) as Uint8Array<ArrayBuffer>);
  const { exports } = await WebAssembly.instantiate(module);
  const { memory, read } = exports as { readonly memory: WebAssembly.Memory; readonly read: () => number };
  // Pages that nobody has written to are one page to many systems.
  new Uint8Array(memory.buffer).fill(1);
  const times = Array.from({ length: PASSES }, () => {
    const start = performance.now();
    read();
    return performance.now() - start;
  });
  return BYTES / (Math.min(...times) / 1000);
}
