/**
 * A decode step that consists only of matrix-vector products and barriers: the cost of a compiled
 * step without attention, norms and quantisation. The formats are those of packages with the same
 * format name: blocks in the format, the head at eight bits. The module also has a loop that only
 * reads, which measures memory bandwidth. Threads take contiguous shares of the rows, as in
 * compiled kernels.
 */
import wabt from 'wabt';
import {
  activations,
  BLOCK_ROWS,
  gemv,
  type LabFormat,
  type LabSet,
  PAIR_COLUMNS,
  STREAM_ROWS,
  stripBytes,
} from './kernel.ts';

/**
 * Matrices [rows, columns] of one block and of the head. Rows are multiples of 16, columns of 64.
 */
export interface LabShape {
  readonly block: readonly (readonly [rows: number, columns: number])[];
  readonly head: readonly [rows: number, columns: number];
}

/**
 * MobileLLM-125M (arXiv 2402.14905, table 1): q, k, v as one matrix; output; gate and up as one;
 * down.
 */
export const mobileLLM125M: LabShape = {
  block: [
    [960, 576],
    [576, 576],
    [3072, 576],
    [576, 1536],
  ],
  head: [32_000, 576],
};

/**
 * Byte addresses in the module's memory. The barrier's two words are at 0 and 64, in separate cache
 * lines.
 */
export const addresses = { activations: 1 << 16, results: 1 << 17, weights: 1 << 20 } as const;

const headFormat: LabFormat = 'q8';

const STREAMS = BLOCK_ROWS / STREAM_ROWS;

/** Weight bytes from one block to the next. */
export function layerBytes(format: LabFormat, { block }: LabShape): number {
  const bytes = block.reduce((sum, [rows, columns]) => sum + matrixBytes(format, rows, columns), 0);
  return Math.ceil(bytes / 64) * 64;
}

/** Weight bytes of the head. */
export function headBytes({ head: [rows, columns] }: LabShape): number {
  return matrixBytes(headFormat, rows, columns);
}

function matrixBytes(format: LabFormat, rows: number, columns: number): number {
  return (rows / STREAM_ROWS) * stripBytes(format, columns);
}

/**
 * WAT of a module that imports `env.memory`, shared, of `pages`; its kernels use the instructions
 * of `sets`. Exports:
 *
 * - `step(thread, threads, layers, repeats)` runs `layers` blocks, each `repeats` times in a row,
 *   and then the head;
 * - `read(thread, threads, bytes)` reads that many bytes of the weights in four streams and returns
 *   a value that depends on all of them;
 * - `barrier(threads)`; and the kernels by name.
 */
export function labModule(
  format: LabFormat,
  shape: LabShape,
  pages: number,
  sets: Readonly<Record<LabFormat, LabSet>>,
): string {
  const formats: readonly LabFormat[] = format === headFormat ? [format] : [format, headFormat];
  const get = (name: string) => `(local.get $${name})`;
  const add = (...terms: string[]) => terms.reduce((sum, term) => `(i32.add ${sum} ${term})`);
  const part = (of: string, thread: string) => `(i32.div_u (i32.mul ${of} ${thread}) ${get('threads')})`;
  const product = (kernel: LabFormat, [rows, columns]: readonly [number, number], offset: number) => {
    const blocks = `(i32.const ${rows / BLOCK_ROWS})`;
    return `(local.set $first ${part(blocks, get('thread'))})
    (local.set $last ${part(blocks, add(get('thread'), '(i32.const 1)'))})
    (call $gemv_${kernel}
      ${add(get('w'), `(i32.const ${offset})`, `(i32.mul ${get('first')} (i32.const ${stripBytes(kernel, columns)}))`)}
      (i32.const ${matrixBytes(kernel, rows, columns) / STREAMS})
      (i32.const ${addresses.activations})
      ${add(`(i32.const ${addresses.results})`, `(i32.mul ${get('first')} (i32.const ${4 * BLOCK_ROWS}))`)}
      (i32.sub ${get('last')} ${get('first')})
      (i32.const ${columns / PAIR_COLUMNS}))
    (call $barrier ${get('threads')})`;
  };
  let offset = 0;
  const products = shape.block.map((matrix) => {
    const text = product(format, matrix, offset);
    offset += matrixBytes(format, ...matrix);
    return text;
  });
  const streams = [0, 1, 2, 3];
  const line = [0, 1];
  return `(module
(import "env" "memory" (memory ${pages} ${pages} shared))
(func $barrier (export "barrier") (param $threads i32) (local $phase i32)
  (if (i32.le_u ${get('threads')} (i32.const 1)) (then (return)))
  (local.set $phase (i32.atomic.load (i32.const 64)))
  (if (i32.eq (i32.atomic.rmw.add (i32.const 0) (i32.const 1)) (i32.sub ${get('threads')} (i32.const 1)))
    (then
      (i32.atomic.store (i32.const 0) (i32.const 0))
      (i32.atomic.store (i32.const 64) (i32.add ${get('phase')} (i32.const 1))))
    (else (loop $spin (br_if $spin (i32.eq (i32.atomic.load (i32.const 64)) ${get('phase')}))))))
${formats.map((each) => gemv(each, sets[each])).join('\n')}
(func (export "step") (param $thread i32) (param $threads i32) (param $layers i32) (param $repeats i32)
  (local $w i32) (local $left i32) (local $first i32) (local $last i32)
  (local.set $w (i32.const ${addresses.weights}))
  (loop $layer
    (local.set $left ${get('repeats')})
    (loop $again
      ${products.join('\n      ')}
      (br_if $again (local.tee $left (i32.sub ${get('left')} (i32.const 1)))))
    (local.set $w (i32.add ${get('w')} (i32.const ${layerBytes(format, shape)})))
    (br_if $layer (local.tee $layers (i32.sub ${get('layers')} (i32.const 1)))))
  ${product(headFormat, shape.head, 0)})
(func (export "read") (param $thread i32) (param $threads i32) (param $bytes i32) (result i32)
  (local $p0 i32) (local $p1 i32) (local $p2 i32) (local $p3 i32) (local $to i32)
  ${streams.flatMap((q) => line.map((i) => `(local $s${q}${i} v128)`)).join(' ')}
  (local.set $bytes (i32.and (i32.div_u ${get('bytes')} (i32.mul ${get('threads')} (i32.const ${STREAMS}))) (i32.const -32)))
  (local.set $p0 ${add(`(i32.const ${addresses.weights})`, `(i32.mul (i32.mul ${get('bytes')} (i32.const ${STREAMS})) ${get('thread')})`)})
  ${[1, 2, 3].map((q) => `(local.set $p${q} ${add(get(`p${q - 1}`), get('bytes'))})`).join('\n  ')}
  (local.set $to ${get('p1')})
  (loop $line
    ${streams.flatMap((q) => line.map((i) => `(local.set $s${q}${i} (i64x2.add ${get(`s${q}${i}`)} (v128.load offset=${i * 16} ${get(`p${q}`)})))`)).join('\n    ')}
    ${[1, 2, 3].map((q) => `(local.set $p${q} ${add(get(`p${q}`), '(i32.const 32)')})`).join('\n    ')}
    (br_if $line (i32.lt_u (local.tee $p0 ${add(get('p0'), '(i32.const 32)')}) ${get('to')})))
  (i32x4.extract_lane 0 ${streams
    .flatMap((q) => line.map((i) => get(`s${q}${i}`)))
    .reduce((a, b) => `(i64x2.add ${a} ${b})`)})))`;
}

/** The module as bytes. Engines validate it when they compile it. */
export async function assembleLab(wat: string): Promise<Uint8Array<ArrayBuffer>> {
  const tool = await wabt();
  const module = tool.parseWat('lab.wat', wat, { simd: true, relaxed_simd: true, threads: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** Pages of the memory: results, then weights of `layers` blocks at q8 and of the head. */
export function memoryPages(shape: LabShape, layers: number): number {
  const bytes = addresses.weights + layers * layerBytes('q8', shape) + headBytes(shape);
  if (addresses.results + 4 * shape.head[0] > addresses.weights || activations.bytes > 1 << 16)
    throw new Error('the head has more rows than there is room for');
  return Math.ceil(bytes / 65_536);
}
