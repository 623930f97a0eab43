/**
 * The bare matrix-vector kernels, written by hand in WAT: the upper limit with which compiled
 * kernels are compared, in the same run. They read the layout of packages (`docs/decisions.md`):
 * groups of 32 columns with f16 scales, and four streams, which memory delivers 1.3 to 1.7 times as
 * fast as one (Zen 3).
 *
 * A block is 16 rows, four from each stream. Of every two groups, a stream stores the f16 scales of
 * four rows for the first and for the second, then the codes of each: a vector has 4 rows x 8
 * columns of nibbles (q4: code + 8, columns 0-3 low) or 4 rows x 4 columns of bytes (q8).
 *
 * A kernel multiplies by one instruction set. `relaxed` (q4): i16 dots of activations and nibbles,
 * which start from -8 * sum(activations). `vnni`: AVX-VNNI's dot of activations and unsigned bytes,
 * which starts from -8 (q4) or -128 (q8) times that sum. `simd` (q8): dots of i16.
 */

/** Rows that are computed together. */
export const BLOCK_ROWS = 16;
/** Rows of a stream in a block. */
export const STREAM_ROWS = 4;
/** Columns that share a scale, and those stored together. A matrix has a multiple of the latter. */
export const GROUP_COLUMNS = 32;
export const PAIR_COLUMNS = 2 * GROUP_COLUMNS;

export type LabFormat = 'q4' | 'q8';

/** The instruction sets that a format has a kernel for, the faster first. */
export const labSets = { q4: ['vnni', 'relaxed'], q8: ['vnni', 'simd'] } as const satisfies Record<
  LabFormat,
  readonly string[]
>;
export type LabSet = (typeof labSets)[LabFormat][number];

/** Byte offsets of the activations of one token, from `$x`. Room for 8,192 columns. */
export const activations = {
  /** int8 [columns]. */
  codes8: 0,
  /** int16 [columns], for q8 without AVX-VNNI. */
  codes16: 8192,
  /**
   * What a group's dots start from, [groups]: one i32, or an i16 pair (`relaxed`) for columns 0 and
   * 1 of each 4, and for 2 and 3.
   */
  starts: 24_576,
  /** f32 [groups]: scales times 2^112, which turns the bits of an f16, shifted, into its value. */
  scales: 25_600,
  bytes: 32_768,
} as const;

/** Bytes of the scales of four rows. */
const SCALES = 2 * STREAM_ROWS;

const quads = [0, 1, 2, 3] as const; // the streams
const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})`;
const add = (a: string, b: string | number) => `(i32.add ${a} ${typeof b === 'string' ? b : `(i32.const ${b})`})`;
const vector = (type: string, value: number) =>
  `(v128.const ${type} ${new Array(16 / (Number(type.slice(1, -2).split('x')[0]) / 8)).fill(value).join(' ')})`;
const shuffled = (lanes: readonly number[], a: string, b: string) =>
  `(i8x16.shuffle ${lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)).join(' ')} ${a} ${b})`;

/** The products of one group: text that leaves i32x4 sums of four rows for each stream. */
interface Products {
  /** Bytes of the codes of four rows in a group. */
  readonly codeBytes: number;
  readonly x: { readonly from: number; readonly groupBytes: number };
  readonly locals: readonly string[];
  readonly constants: string;
  /** `at(q, offset)` is the load operand of codes of stream q. */
  group(at: (q: number, offset: number) => string, which: 0 | 1): string;
  whole(q: number): string;
}

const codes8 = { from: activations.codes8, groupBytes: GROUP_COLUMNS };
const word = (which: number, i: number) => `(v128.load32_splat offset=${which * GROUP_COLUMNS + i * 4} ${get('xp')})`;
const started = (which: number) => [
  set('start', `(v128.load32_splat offset=${activations.starts + 4 * which} ${get('gp')})`),
  ...quads.map((q) => set(`acc${q}`, get('start'))),
];
const accs = quads.map((q) => `acc${q}`);

const products: { readonly [F in LabFormat]: Readonly<Record<(typeof labSets)[F][number], Products>> } = {
  q4: { relaxed: nibbles('relaxed'), vnni: nibbles('vnni') },
  q8: {
    vnni: {
      codeBytes: 128,
      x: codes8,
      locals: ['start', 'x0', 'raise', ...accs],
      constants: set('raise', vector('i8x16', -128)),
      group: (at, which) =>
        [
          ...started(which),
          ...Array.from({ length: 8 }, (_, i) => [
            set('x0', word(which, i)),
            ...quads.map((q) => {
              const codes = `(v128.xor (v128.load ${at(q, 16 * i)}) ${get('raise')})`;
              return set(`acc${q}`, `(i32x4.relaxed_dot_i8x16_i7x16_add_s ${get('x0')} ${codes} ${get(`acc${q}`)})`);
            }),
          ]).flat(),
        ].join('\n'),
      whole: (q) => get(`acc${q}`),
    },
    simd: {
      codeBytes: 128,
      x: { from: activations.codes16, groupBytes: 2 * GROUP_COLUMNS },
      locals: ['x0', ...quads.flatMap((q) => [`low${q}`, `high${q}`])],
      constants: '',
      group: (at, which) =>
        Array.from({ length: 8 }, (_, i) => [
          set('x0', `(v128.load64_splat offset=${which * 2 * GROUP_COLUMNS + i * 8} ${get('xp')})`),
          ...quads.flatMap((q) =>
            ['low', 'high'].map((half, h) => {
              const dot = `(i32x4.dot_i16x8_s (v128.load8x8_s ${at(q, 16 * i + 8 * h)}) ${get('x0')})`;
              return set(`${half}${q}`, i === 0 ? dot : `(i32x4.add ${get(`${half}${q}`)} ${dot})`);
            }),
          ),
        ])
          .flat()
          .join('\n'),
      // a lane of low and high has two of a row's four columns
      whole: (q) =>
        `(i32x4.add ${shuffled([0, 2, 4, 6], get(`low${q}`), get(`high${q}`))} ${shuffled([1, 3, 5, 7], get(`low${q}`), get(`high${q}`))})`,
    },
  },
};

function nibbles(by: 'relaxed' | 'vnni'): Products {
  const dot = (sum: string, x: string, codes: string) =>
    by === 'vnni'
      ? `(i32x4.relaxed_dot_i8x16_i7x16_add_s ${x} ${codes} ${sum})`
      : `(i16x8.add ${sum} (i16x8.relaxed_dot_i8x16_i7x16_s ${x} ${codes}))`;
  const low = `(v128.and ${get('v')} ${get('mask')})`;
  const high = `(v128.and (i16x8.shr_u ${get('v')} (i32.const 4)) ${get('mask')})`;
  return {
    codeBytes: 64,
    x: codes8,
    locals: ['start', 'v', 'x0', 'x1', 'mask', ...accs],
    constants: set('mask', vector('i8x16', 15)),
    group: (at, which) =>
      [
        ...started(which),
        ...quads.flatMap((eight) => [
          set('x0', word(which, 2 * eight)),
          set('x1', word(which, 2 * eight + 1)),
          ...quads.flatMap((q) => [
            set('v', `(v128.load ${at(q, 16 * eight)})`),
            set(`acc${q}`, dot(dot(get(`acc${q}`), get('x0'), low), get('x1'), high)),
          ]),
        ]),
      ].join('\n'),
    whole: (q) => (by === 'vnni' ? get(`acc${q}`) : `(i32x4.extadd_pairwise_i16x8_s ${get(`acc${q}`)})`),
  };
}

const productsOf = (format: LabFormat, set: LabSet): Products =>
  (products[format] as Readonly<Record<string, Products>>)[set]!;

/** Bytes of two groups of four rows. */
const pairBytes = ({ codeBytes }: Products): number => 2 * (SCALES + codeBytes);

/** Bytes of the four rows that a stream has in a block. `columns` is a multiple of 64. */
export function stripBytes(format: LabFormat, columns: number): number {
  return (columns / PAIR_COLUMNS) * pairBytes(productsOf(format, labSets[format][0]));
}

/**
 * The function `$gemv_FORMAT (w, stream, x, y, blocks, pairs)`: y f32 [16 * blocks] = W x. `stream`
 * is the distance of streams in bytes, `pairs` the columns / 64.
 */
export function gemv(format: LabFormat, by: LabSet): string {
  const kernel = productsOf(format, by);
  const bytes = pairBytes(kernel);
  const scale = (q: number, which: number) => {
    const bits = `(i32x4.shl (v128.load16x4_s offset=${SCALES * which} ${get(`w${q}`)}) (i32.const 13))`;
    return `(f32x4.mul (v128.and ${bits} ${get('half')}) ${get('xScale')})`;
  };
  const group = (which: 0 | 1) =>
    [
      kernel.group((q, offset) => `offset=${2 * SCALES + which * kernel.codeBytes + offset} ${get(`w${q}`)}`, which),
      set('xScale', `(v128.load32_splat offset=${activations.scales + 4 * which} ${get('gp')})`),
      ...quads.map((q) =>
        set(
          `sum${q}`,
          `(f32x4.add ${get(`sum${q}`)} (f32x4.mul (f32x4.convert_i32x4_s ${kernel.whole(q)}) ${scale(q, which)}))`,
        ),
      ),
    ].join('\n');
  const step = (pointer: string, by: number) => set(pointer, add(get(pointer), by));
  const vectors = [...kernel.locals, 'half', 'xScale', ...quads.map((q) => `sum${q}`)];
  return `(func $gemv_${format} (export "gemv_${format}")
  (param $w0 i32) (param $stream i32) (param $x i32) (param $y i32) (param $blocks i32) (param $pairs i32)
  (local $w1 i32) (local $w2 i32) (local $w3 i32) (local $xp i32) (local $gp i32) (local $end i32)
  ${vectors.map((name) => `(local $${name} v128)`).join(' ')}
  ${kernel.constants}
  ${set('half', vector('i32x4', 0x8fffe000 | 0))}
  ${quads
    .slice(1)
    .map((q) => set(`w${q}`, add(get(`w${q - 1}`), get('stream'))))
    .join('\n')}
  (loop $block
    ${quads.map((q) => set(`sum${q}`, vector('f32x4', 0))).join('\n')}
    ${set('gp', get('x'))}
    ${set('xp', add(get('x'), kernel.x.from))}
    ${set('end', add(get('gp'), `(i32.mul ${get('pairs')} (i32.const 8))`))}
    (loop $pair
      ${group(0)}
      ${group(1)}
      ${quads.map((q) => step(`w${q}`, bytes)).join('\n')}
      ${step('xp', 2 * kernel.x.groupBytes)}
      ${step('gp', 8)}
      (br_if $pair (i32.lt_u ${get('gp')} ${get('end')})))
    ${quads.map((q) => `(v128.store offset=${q * 16} ${get('y')} ${get(`sum${q}`)})`).join('\n')}
    ${step('y', 4 * BLOCK_ROWS)}
    ${step('blocks', -1)}
    (br_if $block ${get('blocks')})))`;
}
