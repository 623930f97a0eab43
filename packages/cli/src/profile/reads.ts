/**
 * Plain reads of a working set, without arithmetic: the speed that no kernel exceeds. Four streams
 * are read at once, a quarter of the bytes apart, because one stream does not reach what memory
 * gives (Zen 3: 11 against 16 GB/s).
 */
import type { ReadSpeed } from '../contract.ts';
import type { ReadWork } from './read-speed.ts';

const KIB = 1 << 10;
/** From first-level caches to beyond the last level of most devices. */
const sizes = [16, 32, 128, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072].map((size) => size * KIB);
/** A smaller memory is enough where this one is refused. */
const PAGES = sizes.at(-1)! / 65_536;

const streams = [0, 1, 2, 3];
/** Vectors of each stream in one pass of the loop. */
const vectors = [0, 1, 2, 3];

/** `read(bytes, times)` reads the first `bytes` of the memory `times` times. */
export const readModule = `(module
(memory (export "memory") ${PAGES})
(func (export "read") (param $bytes i32) (param $times i32) (result i32)
  (local $quarter i32) (local $at i32) ${streams.map((s) => `(local $sum${s} v128)`).join(' ')}
  (local.set $quarter (i32.shr_u (local.get $bytes) (i32.const 2)))
  (loop $again
    (local.set $at (i32.const 0))
    (loop $next
      ${streams.map(stream).join('\n      ')}
      (local.set $at (i32.add (local.get $at) (i32.const ${16 * vectors.length})))
      (br_if $next (i32.lt_u (local.get $at) (local.get $quarter))))
    (local.set $times (i32.sub (local.get $times) (i32.const 1)))
    (br_if $again (local.get $times)))
  (i32x4.extract_lane 0 ${streams.map((s) => `(local.get $sum${s})`).reduce((a, b) => `(v128.xor ${a} ${b})`)})))`;

function stream(s: number): string {
  const address = Array.from({ length: s }).reduce<string>(
    (sum) => `(i32.add ${sum} (local.get $quarter))`,
    '(local.get $at)',
  );
  const loads = vectors.map((v) => `(v128.load offset=${16 * v} ${address})`);
  return `(local.set $sum${s} ${loads.reduce((sum, load) => `(v128.xor ${sum} ${load})`, `(local.get $sum${s})`)})`;
}

/** The module and the working sets, for `readSpeeds` of any host. */
export async function readWork(): Promise<ReadWork> {
  const { assemble } = await import('@lamella/compiler/targets/wasm/assemble');
  return { module: [...(await assemble(readModule))], sizes };
}

/**
 * The largest working set that is read clearly faster than the largest one: above the geometric
 * mean of the speed at 256 KiB or more and the slowest.
 */
export function fastMemory(speeds: readonly ReadSpeed[]): number {
  const beyondFirst = speeds.filter(({ workingSetBytes }) => workingSetBytes >= 256 * KIB);
  const all = beyondFirst.map(({ gbPerSecond }) => gbPerSecond);
  const middle = Math.sqrt(Math.max(...all) * Math.min(...all));
  const fast = beyondFirst.filter(({ gbPerSecond }) => gbPerSecond >= middle);
  return Math.max(...fast.map(({ workingSetBytes }) => workingSetBytes));
}
