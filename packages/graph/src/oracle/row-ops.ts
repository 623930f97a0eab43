/**
 * The maths of every operation on a single token, written to be read: one loop each, in f64, with
 * Llama's conventions (RMSNorm arXiv 1910.07467, RoPE 2104.09864, SwiGLU 2002.05202). Attention is
 * in `oracle.ts` and, written in another way, in `sequence.ts`.
 */
import { functionOf } from '../functions.ts';
import type { Op, ParamId, Rope, ValueId } from '../ir.ts';
import { type Activation, GROUP, integerDots } from './codes.ts';
import type { Tensor } from './model.ts';
import { amplitude, frequency } from './rope.ts';

/**
 * The operations on one token's row; the others start a body, read other tokens or run other
 * bodies.
 */
export type RowOp = Exclude<Op, { readonly kind: 'tokens' | 'input' | 'attention' | 'causalConv' | 'stack' }>;

/** The inputs of a row operation. */
export interface RowScope {
  /** The row [features] of an earlier value; [1] for token ids. */
  readonly value: (id: ValueId) => Float64Array;
  readonly tensors: readonly Tensor[];
  /** Absolute position of the token, from 0. */
  readonly position: number;
  /**
   * Quantises the input of a linear over an integer weight, with a scale for every group of
   * features.
   */
  readonly quantise: (x: Float64Array) => Activation;
  /** Called with the input codes and integer dots of each linear over an integer weight. */
  readonly onCodes: (activation: Activation, dots: Int32Array) => void;
}

/** The result row [features] of `op`, a fresh array. */
export function rowOp(op: RowOp, { value, tensors, position, quantise, onCodes }: RowScope): Float64Array {
  const tensor = (id: ParamId) => tensors[id]!;
  switch (op.kind) {
    case 'embed':
      return tableRow(tensor(op.table), value(op.ids)[0]!);
    case 'linear':
      return linear(value(op.x), tensor(op.weight), op.bias === null ? null : vector(tensor(op.bias)), {
        quantise,
        onCodes,
      });
    case 'rmsNorm':
      return rmsNorm(value(op.x), op.gain === null ? null : vector(tensor(op.gain)), op.eps, op.heads);
    case 'layerNorm':
      return layerNorm(value(op.x), vector(tensor(op.gain)), op.bias === null ? null : vector(tensor(op.bias)), op.eps);
    case 'positions':
      return tableRow(tensor(op.table), position);
    case 'rope':
      return rotate(value(op.x), op.heads, op.headDim, op.rope, position);
    case 'map': {
      const { meaning } = functionOf(op.fn);
      const [x, y] = op.args.map(value) as [Float64Array, Float64Array | undefined];
      return x.map((each, i) => meaning(each, y?.[i] ?? 0));
    }
    case 'scale':
      return value(op.x).map((x) => x * op.by);
    default:
      return op satisfies never;
  }
}

/**
 * A causal convolution of each feature by itself at `position`: the sum of the feature's last
 * inputs, each times its tap. Inputs before the first token are 0. filter [features, taps], bias
 * [features].
 */
export function convolve(
  inputs: readonly Float64Array[],
  position: number,
  filter: Tensor,
  bias: Tensor | null,
): Float64Array {
  const taps = filter.columns;
  const weights = vector(filter);
  const out = new Float64Array(filter.rows);
  for (let feature = 0; feature < out.length; feature++) {
    for (let tap = 0; tap < taps; tap++) {
      const then = position - (taps - 1) + tap;
      if (then >= 0) out[feature]! += weights[feature * taps + tap]! * inputs[then]![feature]!;
    }
    if (bias) out[feature]! += vector(bias)[feature]!;
  }
  return out;
}

/** Row `r` of a table, as f64 [columns]. */
function tableRow(table: Tensor, r: number): Float64Array {
  const { columns } = table;
  if (table.kind === 'f32') return Float64Array.from(table.values.subarray(r * columns, (r + 1) * columns));
  const codes = table.matrix.codes.subarray(r * columns, (r + 1) * columns);
  const { scales } = table.matrix;
  const first = r * Math.ceil(columns / GROUP);
  return Float64Array.from(codes, (code, c) => code * scales[first + Math.floor(c / GROUP)]!);
}

/**
 * W x + bias: x [in], W [out, in] -> [out]. For an integer weight the input is quantised too, and
 * every group of columns adds an integer dot.
 */
function linear(
  x: Float64Array,
  weight: Tensor,
  bias: Float32Array | null,
  { quantise, onCodes }: Pick<RowScope, 'quantise' | 'onCodes'>,
): Float64Array {
  const out = new Float64Array(weight.rows);
  if (weight.kind === 'integer') {
    const activation = quantise(x);
    const dots = integerDots(weight.matrix, activation.codes);
    const groups = activation.scales.length;
    for (let o = 0; o < out.length; o++) {
      for (let g = 0; g < groups; g++) {
        out[o]! += dots[o * groups + g]! * (weight.matrix.scales[o * groups + g]! * activation.scales[g]!);
      }
    }
    onCodes(activation, dots);
  } else {
    for (let o = 0; o < out.length; o++) {
      let sum = 0;
      const start = o * weight.columns;
      for (let i = 0; i < x.length; i++) sum += weight.values[start + i]! * x[i]!;
      out[o] = sum;
    }
  }
  return bias ? out.map((sum, o) => sum + bias[o]!) : out;
}

/**
 * x / sqrt(mean(x^2) + eps) * gain for each head: x [heads * width], gain [width], or 1 if it is
 * null.
 */
function rmsNorm(x: Float64Array, gain: Float32Array | null, eps: number, heads: number): Float64Array {
  const out = new Float64Array(x.length);
  const width = x.length / heads;
  for (let from = 0; from < x.length; from += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += x[from + i]! * x[from + i]!;
    const inverse = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) out[from + i] = x[from + i]! * inverse * (gain?.[i] ?? 1);
  }
  return out;
}

/**
 * (x - mean) / sqrt(variance + eps) * gain + bias (LayerNorm, arXiv 1607.06450): x, gain and bias
 * [features].
 */
function layerNorm(x: Float64Array, gain: Float32Array, bias: Float32Array | null, eps: number): Float64Array {
  let sum = 0;
  for (const each of x) sum += each;
  const mean = sum / x.length;
  let squares = 0;
  for (const each of x) squares += (each - mean) ** 2;
  const deviation = Math.sqrt(squares / x.length + eps);
  return x.map((each, i) => ((each - mean) / deviation) * gain[i]! + (bias?.[i] ?? 0));
}

/**
 * Rotates pair i of the first `dims` features of each head of x [heads * headDim] by position times
 * frequency; the other features stay. Pair i is (i, i + dims/2) for `half` (Llama) and (2i, 2i + 1)
 * for `adjacent` (the paper).
 */
function rotate(x: Float64Array, heads: number, headDim: number, rope: Rope, position: number): Float64Array {
  const out = Float64Array.from(x);
  const dims = rope.dims ?? headDim;
  for (let i = 0; i < dims / 2; i++) {
    const angle = position * frequency(rope, dims, i);
    const cos = Math.cos(angle) * amplitude(rope);
    const sin = Math.sin(angle) * amplitude(rope);
    const [first, second] = rope.pairing === 'half' ? [i, i + dims / 2] : [2 * i, 2 * i + 1];
    for (let head = 0; head < heads; head++) {
      const a = x[head * headDim + first]!;
      const b = x[head * headDim + second]!;
      out[head * headDim + first] = a * cos - b * sin;
      out[head * headDim + second] = b * cos + a * sin;
    }
  }
  return out;
}

/** The values of a gain, bias or filter, which are never quantised. */
function vector(tensor: Tensor): Float32Array {
  if (tensor.kind !== 'f32') throw new Error('gains and biases stay f32');
  return tensor.values;
}
