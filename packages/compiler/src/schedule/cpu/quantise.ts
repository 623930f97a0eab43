/**
 * Activation codes of one token, in groups of 32 features: scale = max|x| / 127, code = round(x /
 * scale), half to even; an all-zero group has scale 0. Every target and variant computes the same
 * integers.
 */
import type { CodeSums } from '../../formats/format.ts';
import { GROUP } from '../../formats/group-quantiser.ts';
import {
  add,
  apply,
  applyLanes,
  type Builder,
  constant,
  f32,
  type Index,
  i32,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  times,
} from '../../loops/build.ts';
import type { Expr, KernelBuffer } from '../../loops/ir.ts';
import type { BufferId } from '../../program/ir.ts';
import type { CpuScope } from './scope.ts';

/** The buffers of a contraction's x, and of its codes. */
interface Quantised {
  readonly x: BufferId;
  readonly depth: number;
  readonly codes: BufferId;
  readonly scales: BufferId;
  readonly sums: BufferId | null;
}

/**
 * Writes the statements that quantise row `from` of x, `depth` features, into row `to` of codes,
 * scales and sums.
 */
export function quantiseToken(
  scope: CpuScope,
  b: Builder,
  { x, depth, codes, scales, sums }: Quantised,
  wanted: CodeSums | null,
  from: Index,
  to: Index,
): void {
  const source = { values: scope.arena(x, 'read'), at: b.let('xRow', times(from, scope.width(x))), count: depth };
  const words = { words: scope.arena(codes, 'write'), at: b.let('wordRow', times(to, scope.width(codes) / 4)) };
  const values = scope.arena(scales, 'write');
  quantiseGroups(b, source, words, { values, at: times(to, scope.width(scales)) });
  if (sums !== null && wanted !== null) sumCodes(scope, b, wanted, codes, sums, to);
}

/** Writes the statements that quantise `count` consecutive f32 with one scale for every 32. */
function quantiseGroups(b: Builder, source: Run, codes: Codes, scale: Scale): void {
  const whole = Math.floor(source.count / GROUP);
  const from = (g: Index): [Omit<Run, 'count'>, Codes, Scale] => [
    { ...source, at: plus(source.at, times(g, GROUP)) },
    { ...codes, at: plus(codes.at, times(g, GROUP / 4)) },
    { ...scale, at: plus(scale.at, g) },
  ];
  if (whole > 0) b.loop('serial', 'g', { to: whole }, (inner, g) => quantiseGroup(inner, ...from(g)));
  const rest = source.count % GROUP;
  if (rest > 0) {
    const [tail, words, its] = from(whole);
    quantiseRun(b, { ...tail, count: rest }, words, its);
  }
}

/** Writes the statements that quantise 32 consecutive f32, which eight vectors hold. */
function quantiseGroup(b: Builder, source: Omit<Run, 'count'>, codes: Codes, scale: Scale): void {
  const x = upTo(GROUP / 4).map((v) => b.let('x', load(source.values, plus(source.at, 4 * v), 'f32x4')));
  const larger = (v: readonly Expr[]): readonly Expr[] =>
    v.length === 1 ? v : larger(upTo(v.length / 2).map((i) => apply('maxMagnitude', v[2 * i]!, v[2 * i + 1]!)));
  const largest = b.let('largest', largestLane(b, b.let('max4', larger(x.map((v) => apply('abs', v)))[0]!)));
  b.store(scale.values, scale.at, mul(largest, f32(1 / 127)));
  const inverse4 = b.let('inverse4', apply('splat', inverseOf(largest)));
  const code = x.map((v) => apply('nearestInt', mul(v, inverse4)));
  for (const half of [0, 1])
    b.store(codes.words, plus(codes.at, 4 * half), apply('packCodes', ...code.slice(4 * half, 4 * half + 4)));
}

/** The largest of four lanes, none of them negative. */
function largestLane(b: Builder, v: Expr): Expr {
  const across = (v: Expr, lanes: readonly number[]) =>
    b.let('max4', apply('maxMagnitude', v, applyLanes('shuffle', lanes, v, v)));
  return applyLanes('extract', [0], across(across(v, [2, 3, 0, 1]), [1, 0, 3, 2]));
}

/** 127 / largest, or 0 where all values, and so all codes, are zero. */
const inverseOf = (largest: Expr): Expr =>
  apply('select', apply('less', f32(0), largest), apply('div', f32(127), largest), f32(0));

/** `count` consecutive f32. */
interface Run {
  readonly values: KernelBuffer;
  readonly at: Index;
  readonly count: number;
}
/** Words of four codes. */
interface Codes {
  readonly words: KernelBuffer;
  readonly at: Index;
}
/** One scale. */
interface Scale {
  readonly values: KernelBuffer;
  readonly at: Index;
}

/**
 * Writes the statements that quantise `count` consecutive f32 into words of four codes and one
 * scale.
 */
export function quantiseRun(b: Builder, source: Run, codes: Codes, scale: Scale): void {
  const at = (i: Index, type: 'f32' | 'f32x4' = 'f32x4') => load(source.values, plus(source.at, i), type);
  // four independent vectors at a time, so that no result waits for the previous one; then single
  // vectors, then single values
  const sixteens = source.count - (source.count % 16);
  const fours = source.count - (source.count % 4);
  const max4 = b.registers('max4', 4, constant('f32x4', 0));
  const largestOf = (v: Index, x: Expr) => max4.set(apply('maxMagnitude', max4.get(v), apply('abs', x)), v);
  if (sixteens > 0)
    b.loop('serial', 'i', { to: sixteens, step: 16 }, (inner, i) =>
      inner.loop('unroll', 'v', { to: 4 }, (_, v) => largestOf(v, at(plus(i, times(v, 4))))),
    );
  for (let i = sixteens; i < fours; i += 4) largestOf(0, at(i));
  const pair = (v: number) => apply('maxMagnitude', max4.get(v), max4.get(v + 1));
  const largest = b.variable('largest', largestLane(b, b.let('max4', apply('maxMagnitude', pair(0), pair(2)))));
  const tail = upTo(source.count - fours).map((i) => at(fours + i, 'f32'));
  for (const x of tail) largest.set(apply('maxMagnitude', largest.get(), apply('abs', x)));
  b.store(scale.values, scale.at, mul(largest.get(), f32(1 / 127)));
  const inverse = b.let('inverse', inverseOf(largest.get()));
  const inverse4 = b.let('inverse4', apply('splat', inverse));
  const code = (v: Expr): Expr => apply('nearestInt', mul(v, v.type === 'f32' ? inverse : inverse4));
  if (sixteens > 0)
    b.loop('serial', 'i', { to: sixteens, step: 16 }, (inner, i) => {
      const four = [0, 4, 8, 12].map((v) => code(at(plus(i, v))));
      inner.store(codes.words, plus(codes.at, quotient(i, 4)), apply('packCodes', ...four));
    });
  for (let i = sixteens; i < fours; i += 4)
    b.store(codes.words, plus(codes.at, i / 4), apply('packBytes', code(at(i))));
  if (tail.length > 0) {
    const word = tail
      .map((v, i) => apply('shl', apply('and', code(v), i32(255)), i32(8 * i)))
      .reduce((a, c) => plus(a, c));
    b.store(codes.words, plus(codes.at, fours / 4), word);
  }
}

const upTo = (n: number): readonly number[] => [...Array(n).keys()];

/** The sum of four words, each one lane of 32 bits or two of 16. */
function sumWords(b: Builder, v: Expr): Expr {
  const across = (x: Expr, lanes: readonly number[]) => b.let('sum', add(x, applyLanes('shuffle', lanes, x, x)));
  return across(across(v, [2, 3, 0, 1]), [1, 0, 3, 2]);
}

/**
 * Writes the sums of codes, one per group. Codes past the last column of a group do no harm, since
 * the weights there are zero.
 */
function sumCodes(
  scope: CpuScope,
  b: Builder,
  { factor, as }: CodeSums,
  codes: BufferId,
  sums: BufferId,
  at: Index,
): void {
  const groups = scope.width(sums);
  const wordsPerGroup = scope.width(codes) / 4 / groups;
  const words = scope.arena(codes, 'read');
  const out = scope.arena(sums, 'write');
  const wordRow = b.let('wordRow', times(at, scope.width(codes) / 4));
  const sumRow = b.let('sumRow', times(at, groups));
  if (as === 'whole') {
    const ones = b.let('ones', apply('splat8', i32(1)));
    const dot = scope.features.has('sdot') ? 'dotAddSigned' : 'dotAdd';
    b.loop('serial', 'g', { to: groups }, (perGroup, g) => {
      const from = perGroup.let('from', plus(wordRow, times(g, wordsPerGroup)));
      const sum = perGroup.variable('sum', constant('i32x4', 0));
      const vectors = wordsPerGroup - (wordsPerGroup % 4);
      perGroup.loop('serial', 'i', { to: vectors, step: 4 }, (_, i) =>
        sum.set(apply(dot, load(words, plus(from, i), 'i8x16'), ones, sum.get())),
      );
      const total = perGroup.variable('total', applyLanes('extract', [0], sumWords(perGroup, sum.get())));
      for (let i = vectors; i < wordsPerGroup; i++) {
        const word = apply(dot, loadSplat(words, plus(from, i), 'i8x16'), ones, constant('i32x4', 0));
        total.set(add(total.get(), applyLanes('extract', [0], word)));
      }
      perGroup.store(out, plus(sumRow, g), mul(total.get(), i32(factor)));
    });
    return;
  }
  b.loop('serial', 'g', { to: groups }, (perGroup, g) => {
    const from = perGroup.let('from', plus(wordRow, times(g, wordsPerGroup)));
    const four = upTo(wordsPerGroup / 4)
      .map((i) => apply('addNeighbours', load(words, plus(from, 4 * i), 'i8x16')))
      .reduce((a, c) => add(a, c));
    const all = sumWords(perGroup, perGroup.let('sum', four));
    perGroup.store(out, plus(sumRow, g), applyLanes('extract', [0], mul(all, apply('splat16', i32(factor)))));
  });
}
