/**
 * q4 and q8: integer weights in groups of 32 columns, with a half-precision scale for each group of
 * a row; activations are int8 in groups of 32 with an f32 scale each. These are the numbers of
 * llama.cpp's Q4_0 and Q8_0 times Q8_0, and weights made for them are stored without loss. A weight
 * takes 4.5 or 8.5 bits. The two formats differ only in their codes (`GroupCodes`).
 *
 * Layout of four rows, in reading order: for every two groups, the scales of four rows for the
 * first and for the second group, then the codes of each group, eight columns of four rows at a
 * time. Groups are stored in pairs so that all vectors are aligned to 16 bytes, which a GPU needs.
 * A loop iteration takes both, so that each of its loads advances by a constant distance, which
 * hardware prefetch needs.
 */
import {
  add,
  apply,
  applyLanes,
  type Builder,
  constant,
  type Index,
  i32,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  remainder,
  sub,
  times,
} from '../loops/build.ts';
import { toHalf } from '../loops/half.ts';
import type { Expr, KernelBuffer } from '../loops/ir.ts';
import type { Features } from '../loops/types.ts';
import { padded } from '../program/packs.ts';
import { type BlockShape, type Format, type MatrixShape, matrixBytes, panelRows } from './format.ts';
import { type GroupCodes, OCTET, type StoredGroup } from './group-codes.ts';
import { groupPanel, panelBytes } from './group-panel.ts';
import { type Products, pairProducts } from './group-products.ts';
import { GROUP } from './group-quantiser.ts';
import { pairsOf, type Streams } from './group-streams.ts';
import { placeOf, storedAt, upTo, VECTOR_ROWS } from './integer.ts';

const groups = ({ depth }: BlockShape): number => padded(depth, GROUP) / GROUP;
/**
 * Vectors of sums for several tokens that are computed together: 4 vectors of rows with 2 tokens, or
 * 2 with 4.
 */
const SUMS_AT_ONCE = 8;
/** Bytes of the scales of four rows. */
const SCALES = VECTOR_ROWS * 2;

/** The format with these codes. */
export function inGroups(codes: GroupCodes): Format {
  const octetBytes = VECTOR_ROWS * codes.bits;
  /** Bytes that the codes of four rows take in a group; of two groups with their scales. */
  const codesBytes = octetBytes * (GROUP / OCTET);
  const pairBytes = 2 * (SCALES + codesBytes);
  /** Where the codes of a pair's first or second group begin in it, in bytes. */
  const codesAt = (which: Index): Index => plus(times(which, codesBytes), 2 * SCALES);
  /** A last group without a second leaves room for its scales. */
  const storedBytes = (shape: BlockShape): number =>
    Math.floor(groups(shape) / 2) * pairBytes + (groups(shape) % 2) * (2 * SCALES + codesBytes);
  const mask = (b: Builder, byte: number | null): Expr =>
    byte === null ? i32(0) : b.let('mask', apply('splat8', i32(byte)));
  const productsFor = (features: Features): Products =>
    codes.bytes(features)?.products ?? pairProducts(codes.sums(features) !== null);

  /**
   * Writes `one` for every group, both of a pair in one iteration, then a last single one.
   * `operands` are the codes of rows 4v..4v+3 at columns 8j..8j+7 for the products of these features,
   * `scales` their scales.
   */
  function eachGroup(
    b: Builder,
    views: readonly KernelBuffer[],
    shape: MatrixShape,
    place: Pick<Streams, 'block' | 'vector' | 'vectors'>,
    features: Features,
    one: (b: Builder, group: StoredGroup) => void,
  ): void {
    const pairAt = pairsOf(b, { views, shape, ...place, pairBytes }, features);
    // made once outside the loop: an engine materialises a constant inside a loop at every use (1.7
    // times slower here)
    const bytes = codes.bytes(features);
    const outside = mask(b, bytes ? bytes.mask : codes.masks.pairs);
    const run = (inner: Builder, pair: Index, members: readonly (0 | 1)[]): void => {
      const { byteAt, scales } = pairAt(inner, pair);
      for (const which of members)
        one(inner, {
          pair,
          which,
          scales: (v) => scales(v, which),
          operands(into, j, v) {
            const inPair = plus(times(j, octetBytes), codesAt(which));
            const loads = (byte: number, type: 'i8x16' | 'i16x8') =>
              into.let('w', load(views[0]!, byteAt(v, plus(inPair, byte)), type));
            return bytes ? bytes.operands(loads, outside).map((w) => [w]) : codes.pairs(into, loads, outside);
          },
        });
    };
    const pairs = Math.floor(groups(shape) / 2);
    if (pairs > 0) b.loop('serial', 'pair', { to: pairs }, (inner, pair) => run(inner, pair, [0, 1]));
    if (groups(shape) % 2 === 1) run(b, pairs, [0]);
  }

  return {
    name: codes.name,
    // tables are read by rows, and a tied head is a table
    tables: 'q8',
    integer: true,
    largest: codes.largest,
    depthMultiple: GROUP,
    uses: codes.uses,
    sums: codes.sums,

    storedRows: () => VECTOR_ROWS,
    storedBytes,

    packRows(rows, shape, into) {
      const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
      const group = codes.quantiser();
      const places = upTo(VECTOR_ROWS * OCTET).map((n) => codes.place(Math.floor(n / OCTET), n % OCTET));
      for (let g = 0; g < groups(shape); g++) {
        const at = Math.floor(g / 2) * pairBytes;
        const from = at + 2 * SCALES + (g % 2) * codesBytes;
        for (let r = 0; r < VECTOR_ROWS; r++) {
          group.choose(rows[r] ?? null, g * GROUP);
          view.setUint16(at + (g % 2) * SCALES + r * 2, toHalf(group.scale), true);
          for (let i = 0; i < GROUP; i++) {
            const { byte, shift } = places[r * OCTET + (i % OCTET)]!;
            into[from + Math.floor(i / OCTET) * octetBytes + byte]! |= (group.codes[i]! + codes.excess) << shift;
          }
        }
      }
    },

    views(name, address, rows, shape) {
      const bytes = matrixBytes(rows, VECTOR_ROWS, shape, storedBytes(shape));
      const streams = shape.block / VECTOR_ROWS;
      const note = `weights [${rows}, ${shape.depth}] int${codes.bits} in groups of ${GROUP}, ${streams} streams of four rows`;
      return [
        { name, element: 'i8', address, length: bytes, access: 'read', note },
        { name: `${name}.scale`, element: 'f16', address, length: bytes / 2, access: 'read', note: 'its scales' },
      ];
    },

    element([stored, scales], shape, row, column) {
      const inBlock = remainder(row, shape.block);
      const [block, vector, r] = [quotient(row, shape.block), quotient(inBlock, 4), remainder(inBlock, 4)];
      const group = quotient(column, GROUP);
      const [pair, which] = [quotient(group, 2), remainder(group, 2)];
      const i = remainder(column, OCTET);
      const inPair = plus(codesAt(which), times(quotient(remainder(column, GROUP), OCTET), octetBytes));
      const inMatrix = plus(storedAt(shape, block, vector), times(pair, pairBytes));
      const byte = load(stored!, plus(inMatrix, plus(inPair, codes.byteOf(r, i))), 'i32');
      const halves = plus(storedAt(shape, block, vector, 2), times(pair, pairBytes / 2));
      const scale = load(scales!, plus(plus(halves, r), times(which, SCALES / 2)), 'f32');
      return mul(apply('toFloat', codes.codeIn(byte, i)), scale);
    },

    dot(b, views, shape, x, block, firstToken, tokens, features) {
      const products = productsFor(features);
      const { parts } = products;
      const vectors = shape.block / VECTOR_ROWS;
      const atOnce = Math.min(vectors, tokens === 1 ? products.vectorsAtOnce : SUMS_AT_ONCE / tokens);
      const each = upTo(tokens);
      const sums = b.registers('sums', tokens * vectors, constant('f32x4', 0));
      const place = { block, vector: 0, vectors };
      eachGroup(b, views, shape, place, features, (perGroup, { pair, which, operands, scales }) => {
        // tokens lie at constant distances, so one address serves all of them
        const groupAt = perGroup.let('groupAt', plus(plus(times(firstToken, x.groups), times(pair, 2)), which));
        const xAt = perGroup.let('xAt', plus(times(firstToken, x.stride / 4), times(pair, (2 * GROUP) / 4)));
        const codesFrom = (t: number, j: Index): Expr =>
          plus(xAt, plus(t * (x.stride / 4) + which * (GROUP / 4), times(j, OCTET / 4)));
        /** Word i of token t from octet j on: loaded by itself, or out of a vector of four. */
        const wordsOf = (inner: Builder, t: number, j: Index): ((i: number) => Expr) => {
          if (products.octets === 1) return (i) => loadSplat(x.values, plus(codesFrom(t, j), i), 'i8x16');
          const four = inner.let('x', load(x.values, codesFrom(t, j), 'i8x16'));
          return (i) => applyLanes('shuffle', [i, i, i, i], four, four);
        };
        for (let first = 0; first < vectors; first += atOnce) {
          const count = Math.min(atOnce, vectors - first);
          const acc = each.map((t) => {
            const start = products.start((type) => loadSplat(x.sums!, plus(groupAt, t * x.groups), type));
            return perGroup.registers('acc', count * parts, perGroup.let('start', start));
          });
          // written out for one token; a loop for several takes half the code, and their arithmetic
          // hides it
          const tag = tokens === 1 ? 'unroll' : 'serial';
          perGroup.loop(tag, 'j', { to: GROUP / OCTET, step: products.octets }, (inner, j) => {
            const operandsOf = (v: number) =>
              upTo(products.octets).flatMap((o) => operands(inner, plus(j, o), first + v));
            const words = each.map((t) => wordsOf(inner, t, j));
            const xOf = (t: number, i: number): Expr => inner.let('x', products.x(words[t]!(i)));
            const columns = upTo(2 * products.octets);
            if (tokens === 1) {
              // row by row, so that few codes take registers at one time
              const x1 = columns.map((i) => xOf(0, i));
              for (const v of upTo(count)) {
                const w = operandsOf(v);
                for (const p of upTo(parts)) {
                  const at = v * parts + p;
                  acc[0]!.set(
                    x1.reduce((sum, xi, i) => products.add(sum, xi, w[i]![p]!), acc[0]!.get(at)),
                    at,
                  );
                }
              }
              return;
            }
            const rows = upTo(count).map(operandsOf);
            for (const i of columns) {
              const w = rows.flatMap((of) => of[i]!.map((part) => inner.let('codes', part)));
              for (const t of each) {
                const xi = xOf(t, i);
                w.forEach((part, at) => {
                  acc[t]!.set(products.add(acc[t]!.get(at), xi, part), at);
                });
              }
            }
          });
          // written after the dots, which take all vector registers
          for (const t of each) {
            const xScale = perGroup.let('xScale', loadSplat(x.scales!, plus(groupAt, t * x.groups), 'f32x4'));
            for (const v of upTo(count)) {
              const dots = products.whole((p) => acc[t]!.get(v * parts + p));
              const at = t * vectors + first + v;
              sums.set(add(sums.get(at), mul(apply('toFloat', dots), mul(scales(first + v), xScale))), at);
            }
          }
        }
      });
      return (t, v) => sums.get(t * vectors + v);
    },

    // a piece is 8 columns of a group
    pieces: {
      reads: [...upTo(octetBytes / 16).map(() => 'i8x16' as const), 'f32x4'],
      count: (shape) => groups(shape) * (GROUP / OCTET),
      read(_, [stored, scales], shape, { block, vector }, piece) {
        const group = quotient(piece, GROUP / OCTET);
        const [pair, which] = [quotient(group, 2), remainder(group, 2)];
        const inPair = plus(codesAt(which), times(remainder(piece, GROUP / OCTET), octetBytes));
        const from = plus(storedAt(shape, block, vector), plus(times(pair, pairBytes), inPair));
        const halves = plus(times(pair, pairBytes / 2), times(which, SCALES / 2));
        return [
          ...upTo(octetBytes / 16).map((i) => load(stored!, plus(from, 16 * i), 'i8x16')),
          load(scales!, plus(storedAt(shape, block, vector, 2), halves), 'f32x4'),
        ];
      },
      multiply(b, read, x, piece, firstToken, tokens, sums) {
        const [low, high] = codes
          .words((at) => read[at / 16]!, mask(b, codes.masks.words))
          .map((w) => b.let('w', w)) as [Expr, Expr];
        const ones = i32(0x01010101);
        b.loop('unroll', 't', { to: tokens }, (perToken, t) => {
          const token = plus(firstToken, t);
          const wordAt = plus(times(token, x.stride / 4), times(piece, 2));
          const words = [0, 1].map((i) => perToken.let('x', load(x.values, plus(wordAt, i), 'i32')));
          const [left, right] = [low, high].map((w, i) => apply('dotWords', w, apply('splatWord', words[i]!)));
          const sum = add(left!, right!);
          const [first, second] = words.map((word) => apply('dotWords', word, ones));
          const dots = codes.excess === 0 ? sum : sub(sum, apply('splat', times(add(first!, second!), codes.excess)));
          const xScale = loadSplat(x.scales!, plus(times(token, x.groups), quotient(piece, GROUP / OCTET)), 'f32x4');
          sums.set(add(sums.get(t), mul(apply('toFloat', dots), mul(read.at(-1)!, xScale))), t);
        });
      },
    },

    panelBytes: (shape) => panelBytes(panelRows(shape), groups(shape)),
    panel(features) {
      const products = productsFor(features);
      return groupPanel(products, (b, views, shape, panel, one) => {
        const vectors = panelRows(shape) / VECTOR_ROWS;
        eachGroup(b, views, shape, { ...placeOf(panel, shape), vectors }, features, one);
      });
    },
  };
}
