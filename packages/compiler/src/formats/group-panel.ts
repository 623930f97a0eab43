/**
 * q4 and q8 for a tile of tokens. Eight rows of a block, a panel, are unpacked once: codes to the
 * operands of products, scales to f32. Then several tokens at a time are multiplied with every
 * loaded vector. Eight rows by three tokens of bytes take fifteen of sixteen vector registers: 75
 * billion products a second, against 29 for one token at a time.
 */
import { add, apply, type Builder, constant, load, loadSplat, mul, plus, times } from '../loops/build.ts';
import type { Expr, KernelBuffer } from '../loops/ir.ts';
import { type MatrixShape, type Panel, panelRows } from './format.ts';
import type { StoredGroup } from './group-codes.ts';
import type { Products } from './group-products.ts';
import { upTo, VECTOR_ROWS } from './integer.ts';

/** 32-bit words of a vector. */
const VECTOR = 4;
/** Words of four columns in a group of 32. */
const WORDS = 8;

/**
 * Words of one group of a panel: [8 words of columns][rows/4][parts] vectors, then [rows/4] vectors
 * of scales.
 */
const groupWords = (vectors: number, parts: number): number => (WORDS * parts + 1) * vectors * VECTOR;

/** The most bytes of a panel: with codes of 16 bits. */
export const panelBytes = (rows: number, groups: number): number => groups * groupWords(rows / VECTOR_ROWS, 2) * 4;

/**
 * The panel for these products; `eachGroup` writes a body for every stored group of a panel's rows.
 */
export function groupPanel(
  products: Products,
  eachGroup: (
    b: Builder,
    views: readonly KernelBuffer[],
    shape: MatrixShape,
    panel: Expr,
    one: (b: Builder, group: StoredGroup) => void,
  ) => void,
): Panel {
  const { parts, panelTokens } = products;
  const tokens = upTo(panelTokens);
  return {
    tokens: panelTokens,

    unpack(b, views, shape, panel, { buffer, at }) {
      const vectors = panelRows(shape) / VECTOR_ROWS;
      eachGroup(b, views, shape, panel, (perGroup, { pair, which, operands, scales }) => {
        const group = plus(times(pair, 2), which);
        const to = perGroup.let('to', plus(at, times(group, groupWords(vectors, parts))));
        perGroup.loop('unroll', 'j', { to: WORDS / 2 }, (inner, j) => {
          for (const v of upTo(vectors))
            operands(inner, j, v).forEach((word, half) => {
              word.forEach((codes, part) => {
                const row = plus(times(plus(times(j, 2), half), vectors), v);
                inner.store(buffer, plus(to, times(plus(times(row, parts), part), VECTOR)), codes);
              });
            });
        });
        for (const v of upTo(vectors))
          perGroup.store(buffer, plus(to, (WORDS * parts * vectors + v) * VECTOR), scales(v));
      });
    },

    dot(b, shape, { buffer, at }, x, firstToken) {
      const vectors = panelRows(shape) / VECTOR_ROWS;
      const sums = b.registers('sums', panelTokens * vectors, constant('f32x4', 0));
      const xRows = tokens.map((t) => b.let('xRow', times(plus(firstToken, t), x.stride / 4)));
      const groupRows = tokens.map((t) => b.let('groupRow', times(plus(firstToken, t), x.groups)));
      b.loop('serial', 'g', { to: x.groups }, (perGroup, g) => {
        const panelAt = perGroup.let('panelAt', plus(at, times(g, groupWords(vectors, parts))));
        const xAt = xRows.map((row) => perGroup.let('xAt', plus(row, times(g, WORDS))));
        const acc = groupRows.map((row) => {
          const start = products.start((type) => loadSplat(x.sums!, plus(row, g), type));
          return perGroup.registers('acc', vectors * parts, perGroup.let('start', start));
        });
        perGroup.loop('unroll', 'j', { to: WORDS }, (perWord, j) => {
          const from = plus(panelAt, times(j, vectors * parts * VECTOR));
          const type = parts === 2 ? 'i16x8' : 'i8x16';
          const codes = upTo(vectors * parts);
          const wOf = (i: number) => perWord.let('w', load(buffer, plus(from, i * VECTOR), type));
          const xOf = (t: number) => perWord.let('xj', products.x(loadSplat(x.values, plus(xAt[t]!, j), 'i8x16')));
          const multiply = (t: number, i: number, xj: Expr, w: Expr) =>
            acc[t]!.set(products.add(acc[t]!.get(i), xj, w), i);
          // the fewer operands stay in registers, the others come one by one
          if (codes.length < panelTokens) {
            const w = codes.map(wOf);
            for (const t of tokens) {
              const xj = xOf(t);
              for (const i of codes) multiply(t, i, xj, w[i]!);
            }
          } else {
            const xj = tokens.map(xOf);
            for (const i of codes) {
              const w = wOf(i);
              for (const t of tokens) multiply(t, i, xj[t]!, w);
            }
          }
        });
        for (const t of tokens) {
          const xScale = perGroup.let('xScale', loadSplat(x.scales!, plus(groupRows[t]!, g), 'f32x4'));
          for (const v of upTo(vectors)) {
            const scale = load(buffer, plus(panelAt, (WORDS * parts * vectors + v) * VECTOR), 'f32x4');
            const dots = apply(
              'toFloat',
              products.whole((part) => acc[t]!.get(v * parts + part)),
            );
            const sum = t * vectors + v;
            sums.set(add(sums.get(sum), mul(dots, mul(scale, xScale))), sum);
          }
        }
      });
      return (t, v) => sums.get(t * vectors + v);
    },
  };
}
