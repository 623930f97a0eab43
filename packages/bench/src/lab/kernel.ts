/**
 * The bare matrix-vector kernels, written by hand in WAT, one for each integer format. They are the
 * upper limit with which compiled kernels are compared, in the same run. Each is the fastest of
 * about twenty designs tried on Zen 4 (the slower layouts and accumulators are not kept): both
 * stream their weights at 90 to 100 % of memory bandwidth.
 *
 * A block is 16 rows; a group is 32 columns. Weights are one stream: for each block its groups,
 * then 16 f32 row scales.
 *
 * q4: a vector has 4 rows x 8 columns of nibbles (value + 8), the low nibbles columns 0-3 and the
 * high ones 4-7. Products are `relaxed_dot(activation, nibble)`: with a second operand of 0..15 it
 * is exact on every engine. A group starts from -8 * sum(activation), so no nibble needs a
 * correction; the sum stays within i16 and is multiplied by its u8 scale in the dot that adds
 * pairs.
 *
 * q8: plain SIMD. A vector load widens 4 rows x 2 columns to i16; `i32x4.dot_i16x8_s` with a
 * splatted pair of activations is exact.
 */

/** Rows that are computed together. */
export const BLOCK_ROWS = 16;
/** Columns that share a scale in q4; both kernels process this many at a time. */
export const GROUP_COLUMNS = 32;

export type LabFormat = 'q4' | 'q8';

/** Byte offsets of the activations of one token, from `$x`. Room for 8,192 columns. */
export const activations = {
  /** int8 [columns], for q4. */
  codes8: 0,
  /** int16 [columns], for q8. */
  codes16: 8192,
  /**
   * i16 pairs [groups], for q4: -8 * the sum of the codes for the even lanes (columns 0 and 1 of
   * each 4), and of those for the odd lanes.
   */
  offsets: 24_576,
  bytes: 32_768,
} as const;

/**
 * The kernel of one format: text inside the loops that `gemv` writes. Pointers: `$w` weights, `$xp`
 * activations, `$op` offsets, `$y` results.
 */
interface LabKernel {
  readonly groupBytes: number;
  /** The offset of the first activation, and the bytes of activations per group. */
  readonly from: number;
  readonly activationBytes: number;
  readonly locals: readonly string[];
  /** Run once per call, once per block, once per group. */
  readonly constants: string;
  readonly start: string;
  readonly group: string;
}

const quads = [0, 1, 2, 3] as const; // the 16 rows of a block, four per vector
const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})`;
const load = (offset: number) => `(v128.load offset=${offset} ${get('w')})`;
const splat = (offset: number) => `(v128.load32_splat offset=${offset} ${get('xp')})`;
const zero = '(v128.const i32x4 0 0 0 0)';
const clear = quads.map((q) => set(`sum${q}`, zero)).join('\n');

function q4(): LabKernel {
  const low = `(v128.and ${get('v')} ${get('mask')})`;
  const high = `(v128.and (i16x8.shr_u ${get('v')} (i32.const 4)) ${get('mask')})`;
  const dot = (x: string, nibbles: string) => `(i16x8.relaxed_dot_i8x16_i7x16_s ${get(x)} ${nibbles})`;
  const products = [0, 1, 2, 3].flatMap((eight) => [
    set('x0', splat(eight * 8)),
    set('x1', splat(eight * 8 + 4)),
    ...quads.flatMap((q) => [
      set('v', load(eight * 64 + q * 16)),
      set(
        `group${q}`,
        `(i16x8.add (i16x8.add ${get(eight === 0 ? 'offset' : `group${q}`)} ${dot('x0', low)}) ${dot('x1', high)})`,
      ),
    ]),
  ]);
  const scale = (q: number) =>
    `(i8x16.relaxed_swizzle (v128.load32_splat offset=${256 + q * 4} ${get('w')}) ${get('pairs')})`;
  return {
    groupBytes: 256 + BLOCK_ROWS,
    from: activations.codes8,
    activationBytes: GROUP_COLUMNS,
    locals: ['v', 'mask', 'pairs', 'offset', 'x0', 'x1', ...quads.flatMap((q) => [`sum${q}`, `group${q}`])],
    constants: [
      set('mask', `(v128.const i8x16 ${new Array(16).fill(15).join(' ')})`),
      // each of four u8 scales twice, as i16; an index of -1 gives zero
      set('pairs', '(v128.const i8x16 0 -1 0 -1 1 -1 1 -1 2 -1 2 -1 3 -1 3 -1)'),
    ].join('\n'),
    start: clear,
    group: [
      set('offset', `(v128.load32_splat offset=${activations.offsets} ${get('op')})`),
      ...products,
      ...quads.map((q) =>
        set(`sum${q}`, `(i32x4.add ${get(`sum${q}`)} (i32x4.dot_i16x8_s ${get(`group${q}`)} ${scale(q)}))`),
      ),
    ].join('\n'),
  };
}

function q8(): LabKernel {
  const pairs = Array.from({ length: GROUP_COLUMNS / 2 }, (_, pair) => pair);
  return {
    groupBytes: BLOCK_ROWS * GROUP_COLUMNS,
    from: activations.codes16,
    activationBytes: 2 * GROUP_COLUMNS,
    locals: ['v', ...quads.map((q) => `sum${q}`)],
    constants: '',
    start: clear,
    group: pairs
      .flatMap((pair) => [
        set('v', splat(pair * 4)),
        ...quads.map((q) =>
          set(
            `sum${q}`,
            `(i32x4.add ${get(`sum${q}`)} (i32x4.dot_i16x8_s ${get('v')} (v128.load8x8_s offset=${pair * 32 + q * 8} ${get('w')})))`,
          ),
        ),
      ])
      .join('\n'),
  };
}

const kernels: Readonly<Record<LabFormat, LabKernel>> = { q4: q4(), q8: q8() };

/** Bytes of one block of 16 rows. `columns` is a multiple of 32. */
export function blockBytes(format: LabFormat, columns: number): number {
  return (columns / GROUP_COLUMNS) * kernels[format].groupBytes + 4 * BLOCK_ROWS;
}

/**
 * The function `$gemv_FORMAT (w, x, y, blocks, groups)`: y f32 [16 * blocks] = W x, before the
 * activations' own scale.
 */
export function gemv(format: LabFormat): string {
  const { groupBytes, from, activationBytes, locals, constants, start, group } = kernels[format];
  const step = (pointer: string, bytes: number) => set(pointer, `(i32.add ${get(pointer)} (i32.const ${bytes}))`);
  return `(func $gemv_${format} (export "gemv_${format}")
  (param $w i32) (param $x i32) (param $y i32) (param $blocks i32) (param $groups i32)
  (local $xp i32) (local $op i32) (local $end i32) ${locals.map((name) => `(local $${name} v128)`).join(' ')}
  ${constants}
  (loop $block
    ${start}
    ${set('op', get('x'))}
    ${set('xp', `(i32.add ${get('x')} (i32.const ${from}))`)}
    ${set('end', `(i32.add ${get('xp')} (i32.mul ${get('groups')} (i32.const ${activationBytes})))`)}
    (loop $group
      ${group}
      ${step('w', groupBytes)}
      ${step('op', 4)}
      ${step('xp', activationBytes)}
      (br_if $group (i32.lt_u ${get('xp')} ${get('end')})))
    ${quads.map((q) => `(v128.store offset=${q * 16} ${get('y')} (f32x4.mul (f32x4.convert_i32x4_s ${get(`sum${q}`)}) ${load(q * 16)}))`).join('\n')}
    ${step('w', 4 * BLOCK_ROWS)}
    ${step('y', 4 * BLOCK_ROWS)}
    ${set('blocks', `(i32.sub ${get('blocks')} (i32.const 1))`)}
    (br_if $block ${get('blocks')})))`;
}
