/**
 * Compares single operations: each contraction and each attention gets the numbers of the compiled
 * model, and codes, exact integer dots and results are recomputed in f64 with the oracle's
 * quantisation. No error can hide behind an earlier one.
 */
import type { ElementExpr, FusedOp, Kind } from '@lamella/compiler/program/ir';
import { CONTEXT_CHUNK } from '@lamella/compiler/program/ir';
import { sourceRow } from '@lamella/compiler/program/packs';
import { splitsOf } from '@lamella/compiler/schedule/gpu/splits';
import { functionOf } from '@lamella/graph/functions';
import {
  type Activation,
  type IntegerMatrix,
  integerDots,
  quantiseActivation,
  quantiseTogether,
} from '@lamella/graph/oracle/codes';
import { attendQ8 } from '@lamella/graph/oracle/kv-q8';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { amplitude, frequency } from '@lamella/graph/oracle/rope';
import { quantiseMatrix } from '@lamella/graph/oracle/weight-codes';
import { expect } from 'vitest';
import { type Attention, type Contraction, kernelsOf, type Machine, type Setting, Snapshot } from './machine.ts';
import { relativeError } from './rig.ts';
import { type Coded, State } from './state.ts';

type Encode = Extract<FusedOp, { kind: 'encode' }>;

/**
 * The most that a code may differ from the oracle's: one, and only if x / scale is this close to a
 * tie.
 */
const NEAR_TIE = 1e-4;

/** An operation, with the arena before and after it. */
interface Ran {
  readonly machine: Machine;
  readonly weightOf: WeightOf;
  readonly setting: Setting;
  readonly kind: Kind;
  readonly row: number;
  readonly position: number;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly state: State | null;
}

/**
 * Decodes one token at `position`, operation by operation. Returns the number of checked
 * contractions of codes and attentions over codes. `hear` receives the codes that each contraction
 * of a table row read.
 */
export async function checkOperations(
  machine: Machine,
  weightOf: WeightOf,
  setting: Setting,
  token: number,
  position: number,
  onCodes: (row: number, op: Contraction, codes: Int8Array) => void = () => {},
): Promise<number> {
  const { plan, kinds } = machine;
  const scalars = { position, count: 1, row: 0 };
  let checked = 0;
  machine.write(plan.memory.tokens.offset, Uint32Array.of(token));
  let before = await Snapshot.of(machine);
  for (const [row, { kind: index, state }] of plan.table.entries()) {
    const kind = plan.program.kinds[index]!;
    let encode: Encode | null = null;
    for (const op of kind.ops) {
      const codes =
        op.kind === 'contraction' && op.prologue.codes ? await codesOf(machine, kind, op, row, position) : null;
      for (const kernel of kernelsOf(kinds[index]!, op, 'decode')) machine.run(kernel, row, scalars);
      const after = await Snapshot.of(machine);
      const its = state === 0 ? null : new State(kind, await machine.readState(row), plan.program);
      const ran = { machine, weightOf, setting, kind, row, position, before, after, state: its };
      before = after;
      if (op.kind === 'contraction' && op.prologue.codes) {
        const read = codes ?? readCodes(after, op);
        checkContraction(ran, op, read);
        onCodes(row, op, read.codes);
        checked++;
      }
      if (op.kind === 'encode') {
        encode = op;
        checkEncoding(ran, op);
      }
      if (op.kind === 'attention' && op.codes) {
        checkAttention(ran, op, encode!);
        checked++;
      }
    }
  }
  return checked;
}

/**
 * Codes and scale of x as in decoding, if they are not stored; null if they are in the arena after
 * the operation.
 */
async function codesOf(
  machine: Machine,
  kind: Kind,
  op: Contraction,
  row: number,
  position: number,
): Promise<Read | null> {
  const made = machine.codesKernel(kind, op);
  if (!made) return null;
  machine.run(made.kernel, row, { position, count: 1, row: 0 });
  return readCodes(await Snapshot.of(machine), op, made.scratch);
}

/** Codes of x, and their scales. */
type Read = Pick<Activation, 'codes'> & { readonly scales: ArrayLike<number> };

function readCodes(from: Snapshot, { depth, scratch }: Contraction, { codes, scales } = scratch): Read {
  return { codes: from.codes(codes!).subarray(0, depth), scales: from.row(scales!) };
}

/** The codes equal the oracle's, except at rounding ties. */
function expectCodes({ codes, scales }: Read, wanted: Activation): void {
  wanted.scales.forEach((scale, g) => {
    expect(Math.abs(scales[g]! - scale)).toBeLessThanOrEqual(1e-6 * scale);
  });
  codes.forEach((code, i) => {
    const off = Math.abs(code - (wanted.codes[i] ?? 0));
    const tie = Math.abs(Math.abs((wanted.exact[i] ?? 0) % 1) - 0.5);
    expect(off === 0 || (off === 1 && tie < NEAR_TIE)).toBe(true);
  });
}

/** The weight in a pack of this row. */
function tensorOf({ machine: { graph, plan }, weightOf, row, kind }: Ran, pack: number): Float32Array {
  return weightOf(graph.weights[plan.program.rows[row]!.weights[kind.packs[pack]!.param]!]!);
}

/**
 * x of a contraction in f64: a buffer, or merged splits of the context; normalised if the
 * contraction has a norm.
 */
function sourceOf(ran: Ran, op: Contraction): Float64Array {
  const { machine, kind, before, position } = ran;
  const { norm } = op.prologue;
  const split = machine.splitAttention(kind, op.x);
  const x = split
    ? mergedSplits(before.row(op.x), split, machine.plan.program.context, position)
    : Float64Array.from(before.row(op.x).subarray(0, op.depth));
  if (!norm) return x;
  const gain = norm.gain === null ? null : tensorOf(ran, norm.gain);
  const bias = norm.bias === null ? null : tensorOf(ran, norm.bias);
  const mean = norm.centred ? x.reduce((sum, v) => sum + v, 0) / op.depth : 0;
  const inverse = 1 / Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / op.depth + norm.eps);
  return x.map((v, i) => (v - mean) * inverse * (gain?.[i] ?? 1) + (bias?.[i] ?? 0));
}

/**
 * Attention's result from its parts: weighted sums [heads, parts, stride], then maxima and sums of
 * weights [heads, parts].
 */
function mergedSplits(
  splits: Float32Array,
  op: Pick<Attention, 'heads' | 'valueStride' | 'window'>,
  context: number,
  position: number,
): Float64Array {
  const { heads, valueStride: stride, window } = op;
  const { count: all, length } = splitsOf(op, context);
  const first = window === null ? 0 : Math.max(0, position - window + 1);
  const border = first - (first % CONTEXT_CHUNK);
  const mine = Array.from({ length: Math.floor((position - border) / length) + 1 }, (_, p) => p);
  const out = new Float64Array(heads * stride);
  for (let head = 0; head < heads; head++) {
    const entry = (p: number) => head * all + p;
    const maximum = (p: number) => splits[heads * all * stride + entry(p)]!;
    const largest = Math.max(...mine.map(maximum));
    const share = mine.map((p) => Math.exp(maximum(p) - largest));
    const total = mine.reduce((sum, p) => sum + share[p]! * splits[heads * all * (stride + 1) + entry(p)]!, 0);
    for (const p of mine)
      for (let i = 0; i < stride; i++) out[head * stride + i]! += (share[p]! / total) * splits[entry(p) * stride + i]!;
  }
  return out;
}

function checkContraction(ran: Ran, op: Contraction, x: Read): void {
  expectCodes(x, quantiseActivation(sourceOf(ran, op)));
  for (const segment of op.segments) {
    const streams = segment.streams.map((id) => streamOf(ran, id, x));
    for (const { to, value } of segment.stores) {
      const got: number[] = [];
      const expected: number[] = [];
      const keptAs = (x: number): number => (to.kind === 'state' ? ran.state!.kept(to.part, x) : x);
      for (let r = 0; r < segment.rows; r++) {
        const at = (id: number) => ran.before.row(id)[r]!;
        got.push(readStored(ran, to, r));
        expected.push(keptAs(evaluate(value, r, streams, at, ran)));
        // if only the residual is added, the f32 result is determined to the bit, since dots are
        // exact
        if (!ran.machine.addsInOrder) continue;
        if (value.kind === 'dot') expect(got[r]).toBe(keptAs(streams[value.stream]!(r).f32));
        if (
          value.kind === 'apply' &&
          value.fn === 'add' &&
          value.args[0]?.kind === 'buffer' &&
          value.args[1]?.kind === 'dot'
        ) {
          const [x, dot] = [at(value.args[0].buffer), streams[0]!(r)];
          const once = ran.machine.fuses ? [Math.fround(x + dot.product)] : [];
          expect([Math.fround(x + dot.f32), ...once]).toContain(got[r]);
        }
      }
      // if a half is near a tie, its neighbour is also accepted
      const exact = to.kind !== 'state' || ran.kind.state[to.part]!.format !== 'f16';
      expect(relativeError(got, expected)).toBeLessThan(exact ? 1e-5 : 2 ** -10);
    }
  }
}

/** The bits of a stored weight. */
function bitsOf({ machine, setting, kind, row }: Ran, id: number): 4 | 8 {
  const weight = machine.graph.weights[machine.plan.program.rows[row]!.weights[kind.packs[id]!.param]!]!;
  return setting.quant === 'q4' && weight.role === 'matrix' ? 4 : 8;
}

/**
 * Results of one matrix by row: the exact integer dot of every group times both scales, summed in
 * f64, and in f32 in the order of the groups; and the product from which the latter is rounded, if
 * there is one group.
 */
function streamOf(
  ran: Ran,
  id: number,
  { codes, scales }: Read,
): (r: number) => { readonly f64: number; readonly f32: number; readonly product: number } {
  const { machine, weightOf, kind, row } = ran;
  const pack = kind.packs[id]!;
  const { graph, plan } = machine;
  const weight = graph.weights[plan.program.rows[row]!.weights[pack.param]!]!;
  const [rows, columns] = weight.shape as [number, number];
  const matrix = quantised(weightOf(weight), bitsOf(ran, id), rows, columns);
  const dots = integerDots(matrix, codes.subarray(0, columns));
  const groups = matrix.scales.length / rows;
  return (r) => {
    const source = sourceRow(pack.rows, r);
    let [f64, f32, product] = [0, 0, 0];
    if (source === null) return { f64, f32, product };
    for (let g = 0; g < groups; g++) {
      const [dot, scale] = [dots[source * groups + g]!, matrix.scales[source * groups + g]!];
      f64 += dot * scale * scales[g]!;
      product = Math.fround(dot) * Math.fround(Math.fround(scale) * scales[g]!);
      f32 = Math.fround(f32 + Math.fround(product));
    }
    return { f64, f32, product };
  };
}

/** Quantised matrices by their numbers; a model's matrices are used once per token. */
const known = { 4: new WeakMap<Float32Array, IntegerMatrix>(), 8: new WeakMap<Float32Array, IntegerMatrix>() };
function quantised(values: Float32Array, bits: 4 | 8, rows: number, columns: number): IntegerMatrix {
  const made = known[bits].get(values) ?? quantiseMatrix(values, rows, columns, bits);
  known[bits].set(values, made);
  return made;
}

/** The result that a kernel stored for row r of a segment. */
function readStored(
  { after, state, position }: Ran,
  to: Contraction['segments'][number]['stores'][number]['to'],
  r: number,
): number {
  if (to.kind === 'logits') return after.logits()[r] ?? 0;
  const { order } = to;
  const inHead = order.kind === 'head' ? (r % order.half) + order.plane * order.half : 0;
  const head = order.kind === 'head' ? Math.floor(r / order.half) : 0;
  if (to.kind === 'buffer') return after.row(to.buffer)[order.kind === 'same' ? r : head * order.stride + inHead]!;
  return state!.value(to.part, head, position, inHead);
}

/** The expression tree in f64, with its own maths. */
function evaluate(
  e: ElementExpr,
  r: number,
  streams: readonly ((r: number) => { readonly f64: number })[],
  at: (buffer: number) => number,
  ran: Ran,
): number {
  switch (e.kind) {
    case 'dot':
      return streams[e.stream]!(r).f64;
    case 'buffer':
      return at(e.buffer);
    case 'constant':
      return e.value;
    case 'rope': {
      const { theta, scaling, dims, headDim } = ran.machine.plan.program.ropeTables[e.table]!;
      const i = r % e.half;
      if (i >= headDim / 2) return 0;
      const rope = { theta, pairing: 'half', ...(scaling ? { scaling } : {}) } as const;
      const angle = i < dims / 2 ? ran.position * frequency(rope, dims, i) : 0;
      return (e.part === 'cos' ? Math.cos(angle) : Math.sin(angle)) * (i < dims / 2 ? amplitude(rope) : 1);
    }
    case 'apply': {
      const [a, b] = e.args.map((x) => evaluate(x, r, streams, at, ran)) as [number, number];
      return functionOf(e.fn).meaning(a, b);
    }
    case 'vector': {
      const pack = ran.kind.packs[e.pack]!;
      const source = sourceRow(pack.rows, r);
      return source === null ? 0 : tensorOf(ran, e.pack)[source]!;
    }
    default:
      return e satisfies never;
  }
}

function checkEncoding(ran: Ran, op: Encode): void {
  for (const { from, heads, stride, to } of op.parts) {
    for (let head = 0; head < heads; head++) {
      const x = Float64Array.from(ran.before.row(from).subarray(head * stride, (head + 1) * stride));
      const { codes, scale } =
        to.kind === 'state' ? ran.state!.coded(to.part, head, ran.position) : encoded(ran, to, head, heads);
      const wanted = quantiseTogether(x);
      expectCodes({ codes, scales: [scale] }, { ...wanted, scales: Float64Array.of(wanted.scale) });
    }
  }
}

function encoded({ machine, after }: Ran, to: { codes: number; scales: number }, head: number, heads: number): Coded {
  const width = machine.plan.program.buffers[to.codes]!.width / heads;
  return {
    codes: after.codes(to.codes).subarray(head * width, (head + 1) * width),
    scale: after.row(to.scales)[head]!,
  };
}

/** Compares with the oracle's attention over numbers whose codes are those in memory. */
function checkAttention(ran: Ran, op: Attention, encode: Encode): void {
  const { machine, state, position, after } = ran;
  const { heads, kvHeads, keyStride, valueStride } = op;
  const { context } = machine.plan.program;
  // the oracle has one width for keys and values: the larger, padded with zeros
  const headDim = Math.max(keyStride, valueStride);
  const wide = (parts: readonly Coded[], stride: number): Float64Array => {
    const all = new Float64Array(parts.length * headDim);
    parts.forEach(({ codes, scale }, head) => {
      all.set(
        Float64Array.from(codes.subarray(0, stride), (code) => code * scale),
        head * headDim,
      );
    });
    return all;
  };
  const queries = encode.parts[0]!.to;
  if (queries.kind !== 'buffer') throw new Error('queries are not state');
  const each = (n: number) => Array.from({ length: n }, (_, i) => i);
  const history = (part: number, stride: number) =>
    each(position + 1).map((p) =>
      wide(
        each(kvHeads).map((h) => state!.coded(part, h, p)),
        stride,
      ),
    );
  const q = wide(
    each(heads).map((h) => encoded({ ...ran, after: ran.before }, queries, h, heads)),
    keyStride,
  );
  const wanted = attendQ8(q, { keys: history(op.k, keyStride), values: history(op.v, valueStride) }, position, {
    kind: 'attention',
    q: 0,
    k: 0,
    v: 0,
    state: 0,
    heads,
    kvHeads,
    headDim,
    scale: op.scale,
    window: op.window,
    softcap: op.softcap,
  });
  // a target with splits stores a result for each split, which readers merge
  const split = machine.splitAttention(ran.kind, op.out) !== null;
  const row = after.row(op.out);
  const out = split ? mergedSplits(row, op, context, position) : row;
  for (const h of each(heads)) {
    const got = out.slice(h * valueStride, (h + 1) * valueStride);
    // a weight that rounds differently moves its head by one part in 32767
    expect(relativeError(got, wanted.subarray(h * headDim, h * headDim + valueStride))).toBeLessThan(1e-4);
  }
}
