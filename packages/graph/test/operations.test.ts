/**
 * Each operation on numbers small enough to work by hand, through a block of that one operation.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Axis, Graph, Op, Param, RopeScaling, Weight } from '../src/ir.ts';
import { nearestHalf } from '../src/oracle/half.ts';
import type { Quant } from '../src/oracle/model.ts';
import { Oracle, type OracleEvent } from '../src/oracle/oracle.ts';
import { sequence } from '../src/oracle/sequence.ts';
import { bodyOf } from './tiny.ts';

type NumberedParam = Param & { readonly values: readonly number[] };

/** A model whose only execution is `ops` on its input; the embedding and head are not used. */
function oneBlock(params: readonly NumberedParam[], ops: readonly Op[]): Graph {
  const tokens = { name: 't', size: 8 };
  // The oracle reads no axes: the sizes of these values follow from their operands.
  const axes: Axis[] = [tokens, { name: 'any', size: 1 }];
  const weights: Weight[] = params.map((param, id) => ({ ...param, id, site: null }));
  const body = bodyOf(params, [['', { kind: 'input' }, axes], ...ops.map((op) => ['', op, axes] as const)]);
  const root = bodyOf(
    [{ name: 'table', role: 'table', shape: [2, 1] }],
    [
      ['', { kind: 'tokens' }, [tokens]],
      ['', { kind: 'embed', ids: 0, table: 0 }, axes],
      ['', { kind: 'stack', x: 1, stack: 0 }, axes],
    ],
  );
  return {
    name: 'one-block',
    tokens,
    vocab: 2,
    weights: [...weights, { id: weights.length, name: 'table', role: 'table', shape: [2, 1], site: null }],
    kinds: [{ name: 'block', body, site: null }],
    stacks: [
      {
        name: 'blocks',
        weightSets: [{ kind: 0, weights: weights.map(({ id }) => id) }],
        executions: [{ weightSet: 0, slot: 0 }],
        sharing: { kind: 'none', text: 'none' },
      },
    ],
    root,
    rootWeights: [weights.length],
  };
}

function oracleOf(
  params: readonly NumberedParam[],
  ops: readonly Op[],
  quant: Quant,
  observe = (_: OracleEvent) => {},
) {
  const numbers = (weight: Weight) =>
    Float32Array.from(params.find(({ name }) => name === weight.name)?.values ?? [0, 0]);
  return new Oracle(oneBlock(params, ops), numbers, { quant, observe });
}

/** What one operation makes of `x` at `position`. */
function apply(op: Op, x: readonly number[], params: readonly NumberedParam[] = [], position = 0): number[] {
  const oracle = oracleOf(params, [op], 'f32');
  oracle.position = position;
  return [...oracle.runExecution(0, Float64Array.from(x))];
}

function expectClose(got: Iterable<number>, expected: readonly number[], within = 1e-12): void {
  const numbers = [...got];
  expect(numbers.length).toBe(expected.length);
  numbers.forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `[${numbers}] and [${expected}]`).toBeLessThan(within);
  });
}

const matrix = (name: string, rows: readonly (readonly number[])[]): NumberedParam => ({
  name,
  role: 'matrix',
  shape: [rows.length, rows[0]!.length],
  values: rows.flat(),
});

describe('element by element', () => {
  test('silu is x / (1 + e^-x)', () => {
    expectClose(
      apply({ kind: 'map', fn: 'silu', args: [0] }, [0, 1, -1, 40]),
      [0, 0.7310585786300049, -0.2689414213699951, 40],
    );
  });

  test('add, mul and scale', () => {
    expectClose(apply({ kind: 'map', fn: 'add', args: [0, 0] }, [1, -2]), [2, -4]);
    expectClose(apply({ kind: 'map', fn: 'mul', args: [0, 0] }, [3, -2]), [9, 4]);
    expectClose(apply({ kind: 'scale', x: 0, by: 0.5 }, [3, -2]), [1.5, -1]);
  });
});

describe('rmsNorm', () => {
  const gain: NumberedParam = { name: 'gain', role: 'gain', shape: [2], values: [1, 2] };

  test('divides by the root of the mean square, then applies the gain', () => {
    // mean(3^2, 4^2) = 12.5.
    const root = Math.sqrt(12.5);
    expectClose(apply({ kind: 'rmsNorm', x: 0, gain: 0, eps: 1e-30, heads: 1 }, [3, 4], [gain]), [3 / root, 8 / root]);
  });

  test('eps is inside the root', () => {
    expectClose(apply({ kind: 'rmsNorm', x: 0, gain: 0, eps: 3.5, heads: 1 }, [3, 4], [gain]), [3 / 4, 8 / 4]);
    expectClose(apply({ kind: 'rmsNorm', x: 0, gain: 0, eps: 1e-5, heads: 1 }, [0, 0], [gain]), [0, 0]);
    // two heads of two features with one gain
    const each = Math.sqrt(12.5);
    expectClose(apply({ kind: 'rmsNorm', x: 0, gain: 0, eps: 1e-30, heads: 2 }, [3, 4, -3, 4], [gain]), [
      3 / each,
      8 / each,
      -3 / each,
      8 / each,
    ]);
  });
});

test('layerNorm takes the mean away, divides by the deviation, and applies gain and bias', () => {
  const gain: NumberedParam = { name: 'gain', role: 'gain', shape: [2], values: [1, 2] };
  const bias: NumberedParam = { name: 'bias', role: 'bias', shape: [2], values: [10, 20] };
  // the mean of 3 and 7 is 5, the variance 4
  const op = { kind: 'layerNorm', x: 0, gain: 0 } as const;
  expectClose(apply({ ...op, bias: null, eps: 1e-30 }, [3, 7], [gain, bias]), [-1, 2]);
  expectClose(apply({ ...op, bias: 1, eps: 1e-30 }, [3, 7], [gain, bias]), [9, 22]);
  expectClose(apply({ ...op, bias: null, eps: 12 }, [3, 7], [gain, bias]), [-0.5, 1]);
  expectClose(apply({ ...op, bias: 1, eps: 1e-5 }, [5, 5], [gain, bias]), [10, 20]);
});

test('positions is the row of the token', () => {
  const table: NumberedParam = { name: 'wpe', role: 'table', shape: [3, 2], values: [1, 2, 3, 4, 5, 6] };
  expectClose(apply({ kind: 'positions', table: 0 }, [0, 0], [table], 2), [5, 6]);
});

describe('causalConv', () => {
  const params: readonly NumberedParam[] = [
    { name: 'filter', role: 'filter', shape: [2, 3], values: [1, 10, 100, 2, 0, -1] },
    { name: 'bias', role: 'bias', shape: [2], values: [0.5, 0] },
  ];
  const inputs = [
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ];
  const outputs = (bias: number | null): number[][] => {
    const oracle = oracleOf(params, [{ kind: 'causalConv', x: 0, weight: 0, bias, state: 0 }], 'f32');
    return inputs.map((x, position) => {
      oracle.position = position;
      return [...oracle.runExecution(0, Float64Array.from(x))];
    });
  };

  test('is each feature by itself, the newest input times the last tap, zeros before the first token', () => {
    expect(outputs(null)).toEqual([
      [100, -2],
      [310, -4],
      [531, -2],
      [753, 0],
    ]);
  });

  test('adds the bias', () => {
    expect(outputs(1).map(([first]) => first)).toEqual([100.5, 310.5, 531.5, 753.5]);
  });
});

describe('linear', () => {
  const weight = matrix('weight', [
    [1, 2, 3],
    [0, -1, 0.5],
  ]);

  test('is one dot per row of the weight', () => {
    expectClose(apply({ kind: 'linear', x: 0, weight: 0, bias: null }, [1, 10, 100], [weight]), [321, 40]);
  });

  test('adds the bias', () => {
    const bias: NumberedParam = { name: 'bias', role: 'bias', shape: [2], values: [0.5, -40] };
    expectClose(apply({ kind: 'linear', x: 0, weight: 0, bias: 1 }, [1, 10, 100], [weight, bias]), [321.5, 0]);
  });
});

describe('rope', () => {
  const rope = (pairing: 'half' | 'adjacent', heads = 1, headDim = 4, theta = 100): Op => ({
    kind: 'rope',
    x: 0,
    heads,
    headDim,
    rope: { theta, pairing },
  });

  test('does nothing at position 0', () => {
    expect(apply(rope('half', 2), [1, 2, 3, 4, 5, 6, 7, 8])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(apply(rope('adjacent', 2), [1, 2, 3, 4, 5, 6, 7, 8])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('half rotates (i, i + headDim/2), pair i by position * theta^(-2i/headDim)', () => {
    // headDim 4 and theta 100: pair 0 turns by 1 per position, pair 1 by 0.1. At position 3, by 3
    // and 0.3.
    expectClose(apply(rope('half'), [1, 0, 0, 0], [], 3), [Math.cos(3), 0, Math.sin(3), 0]);
    expectClose(apply(rope('half'), [0, 0, 0, 1], [], 3), [0, -Math.sin(0.3), 0, Math.cos(0.3)]);
  });

  test('adjacent rotates (2i, 2i + 1)', () => {
    expectClose(apply(rope('adjacent'), [1, 0, 0, 0], [], 3), [Math.cos(3), Math.sin(3), 0, 0]);
    expectClose(apply(rope('adjacent'), [0, 0, 0, 1], [], 3), [0, 0, -Math.sin(0.3), Math.cos(0.3)]);
  });

  test('a part of a head turns as a head of that size, and the rest stays', () => {
    const part = (pairing: 'half' | 'adjacent'): Op => ({
      kind: 'rope',
      x: 0,
      heads: 2,
      headDim: 6,
      rope: { theta: 100, pairing, dims: 4 },
    });
    for (const pairing of ['half', 'adjacent'] as const) {
      const [a, b, c, d] = apply(rope(pairing), [1, 2, 3, 4], [], 5);
      const heads = [1, 2, 3, 4, 8, 9];
      expectClose(apply(part(pairing), [...heads, ...heads], [], 5), [a!, b!, c!, d!, 8, 9, a!, b!, c!, d!, 8, 9]);
    }
  });

  test('scaled, pairs turn more slowly', () => {
    // pairs 0 and 1 of headDim 4 turn 1 and 0.1 a position at theta 100
    const turned = (scaling: RopeScaling): number[] => {
      const op: Op = { kind: 'rope', x: 0, heads: 1, headDim: 4, rope: { theta: 100, pairing: 'half', scaling } };
      return apply(op, [1, 1, 0, 0], [], 3);
    };
    const at = (first: number, second: number, size = 1): number[] =>
      [Math.cos(first), Math.cos(second), Math.sin(first), Math.sin(second)].map((x) => size * x);
    expectClose(turned({ kind: 'linear', factor: 2 }), at(1.5, 0.15));
    expectClose(turned({ kind: 'factors', factors: [2, 3], attentionFactor: 1.5 }), at(1.5, 0.1, 1.5));
    // within 20 pi tokens they turn 10 times and once: above 4 left, below 2 divided by 8, and 10
    // of 8 to 12 half of both
    const llama = { kind: 'llama3', factor: 8, originalContext: 20 * Math.PI } as const;
    expectClose(turned({ ...llama, lowFreqFactor: 2, highFreqFactor: 4 }), at(3, 0.3 / 8));
    expectClose(turned({ ...llama, lowFreqFactor: 8, highFreqFactor: 12 }), at((3 * (1 + 1 / 8)) / 2, 0.3 / 8));
    // pair 0 turns 10 times, so the ramp from 0 to 1 leaves it, and divides the frequency of pair 1
    const yarn = { kind: 'yarn', factor: 4, originalContext: 20 * Math.PI, attentionFactor: 1.2 } as const;
    expectClose(turned({ ...yarn, betaFast: 9.9, betaSlow: 1.1 }), at(3, 0.3 / 4, 1.2));
  });

  test('every head turns alike', () => {
    const [a, b, c, d] = apply(rope('half'), [1, 2, 3, 4], [], 5);
    expectClose(apply(rope('half', 2), [1, 2, 3, 4, 1, 2, 3, 4], [], 5), [a!, b!, c!, d!, a!, b!, c!, d!]);
  });

  test('products depend on the distance of two positions alone', () => {
    const vector = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 });
    const property = fc.property(
      vector,
      vector,
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 0, max: 50 }),
      fc.constantFrom('half' as const, 'adjacent' as const),
      (q, k, distance, shift, pairing) => {
        const at = (x: number[], position: number) => apply(rope(pairing, 1, 6, 10_000), x, [], position);
        const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
        expect(dot(at(q, distance + shift), at(k, shift))).toBeCloseTo(dot(at(q, distance), k), 10);
      },
    );
    fc.assert(property, { numRuns: 50, seed: 1 });
  });
});

describe('attention', () => {
  /**
   * q, k and v cut out of the input by linears, so that a test can give all three: two queries, one
   * KV head of two.
   */
  const pick = (name: string, from: number, count: number) =>
    matrix(
      name,
      Array.from({ length: count }, (_, row) =>
        Array.from({ length: 8 }, (_, column) => (column === from + row ? 1 : 0)),
      ),
    );
  const params = [pick('q', 0, 4), pick('k', 4, 2), pick('v', 6, 2)];
  const ops: Op[] = [
    { kind: 'linear', x: 0, weight: 0, bias: null },
    { kind: 'linear', x: 0, weight: 1, bias: null },
    { kind: 'linear', x: 0, weight: 2, bias: null },
    {
      kind: 'attention',
      q: 1,
      k: 2,
      v: 3,
      heads: 2,
      kvHeads: 1,
      headDim: 2,
      scale: 0.5,
      window: null,
      softcap: null,
      state: 0,
    },
  ];
  const row = (q: number[], k: number[], v: number[]) => Float64Array.from([...q, ...k, ...v]);

  test('over one position is its value, for every query head', () => {
    const oracle = oracleOf(params, ops, 'f32');
    expectClose(oracle.runExecution(0, row([5, -3, 0, 2], [1, 9], [7, 8])), [7, 8, 7, 8]);
  });

  test('weighs values by softmax(scale * q.k)', () => {
    const oracle = oracleOf(params, ops, 'f32');
    oracle.runExecution(0, row([0, 0, 0, 0], [0, 0], [1, 0]));
    oracle.position = 1;
    // Head 0 scores 0 and 0.5 * (2 ln 3) = ln 3: weights 1/4 and 3/4. Head 1 scores 0 and 0:
    // halves.
    const out = oracle.runExecution(0, row([Math.log(3), 0, 0, 1], [2, 0], [0, 1]));
    expectClose(out, [1 / 4, 3 / 4, 1 / 2, 1 / 2]);
  });

  test('does not overflow on large scores', () => {
    const oracle = oracleOf(params, ops, 'f32');
    oracle.runExecution(0, row([0, 0, 0, 0], [0, 0], [1, 0]));
    oracle.position = 1;
    expectClose(oracle.runExecution(0, row([1e4, 0, -1e4, 0], [1e4, 0], [0, 1])), [0, 1, 1, 0]);
  });

  test('query head h reads KV head floor(h / (heads / kvHeads)), with and without a cache', () => {
    // Four queries and two KV heads of one number each; x is its own q, and v is (x0, x3).
    const values = matrix('v', [
      [1, 0, 0, 0],
      [0, 0, 0, 1],
    ]);
    const grouped: Op[] = [
      { kind: 'linear', x: 0, weight: 0, bias: null },
      {
        kind: 'attention',
        q: 0,
        k: 1,
        v: 1,
        heads: 4,
        kvHeads: 2,
        headDim: 1,
        scale: 1,
        window: null,
        softcap: null,
        state: 0,
      },
    ];
    expectClose(oracleOf([values], grouped, 'f32').runExecution(0, Float64Array.of(10, 0, 0, 20)), [10, 10, 20, 20]);
    const small = oneBlock([values], grouped);
    const graph = { ...small, weights: [small.weights[0]!, { ...small.weights[1]!, shape: [2, 4] }] };
    const numbers = (weight: Weight) =>
      Float32Array.from(weight.name === 'v' ? values.values : [10, 0, 0, 20, 1, 0, 0, 2]);
    expectClose(sequence(graph, numbers, [0], { quant: 'f32' })[0]!, [10, 10, 20, 20]);
  });

  test('several attentions of one block keep their own memory', () => {
    const second: Op = {
      kind: 'attention',
      q: 1,
      k: 3,
      v: 2,
      heads: 2,
      kvHeads: 1,
      headDim: 2,
      scale: 0.5,
      window: null,
      softcap: null,
      state: 1,
    };
    const oracle = oracleOf(params, [...ops, second, { kind: 'map', fn: 'add', args: [4, 5] }], 'f32');
    oracle.runExecution(0, row([0, 0, 0, 0], [2, 4], [6, 8]));
    oracle.position = 1;
    // No query, so both take means over the two positions: v's is (3, 4), k's is (1, 2).
    expectClose(oracle.runExecution(0, row([0, 0, 0, 0], [0, 0], [0, 0])), [4, 6, 4, 6]);
  });
});

describe('embed', () => {
  const table = (quant: Quant) => {
    const graph = oneBlock([], [{ kind: 'scale', x: 0, by: 1 }]);
    const wide = { ...graph, weights: [{ ...graph.weights[0]!, shape: [2, 3] }] };
    return new Oracle(wide, () => Float32Array.of(1, 2, 3.1, 4, 5, -127), { quant });
  };

  test('takes the row of the token', () => {
    expectClose(table('f32').step(0), [1, 2, Math.fround(3.1)]);
    expectClose(table('f32').step(1), [4, 5, -127]);
  });

  test('under q8 is code * scale of that row', () => {
    // Row 1 has scale 1 and codes 4, 5, -127. Row 0 has scale half(3.1 / 127): codes round(40.96),
    // round(81.9), 127.
    expectClose(table('q8').step(1), [4, 5, -127]);
    const scale = nearestHalf(3.1 / 127);
    expectClose(table('q8').step(0), [41 * scale, 82 * scale, 127 * scale]);
  });
});

describe('a linear under q8', () => {
  // Row 0: scale 2, codes 127, -64 (of -63.5, a tie), 0 (of 0.5, a tie). Row 1: zeros.
  const weight = matrix('weight', [
    [254, -127, 1],
    [0, 0, 0],
  ]);
  const linear: Op = { kind: 'linear', x: 0, weight: 0, bias: null };

  test('is the integer dot times both scales', () => {
    const events: OracleEvent[] = [];
    const oracle = oracleOf([weight], [linear], 'q8', (event) => events.push(event));
    // Scale 0.5; codes 1 (of 1.2), 2 (of 2.5, a tie) and -127.
    const out = oracle.runExecution(0, Float64Array.of(0.6, 1.25, -63.5));
    expect([...out]).toEqual([(127 * 1 - 64 * 2) * 2 * 0.5, 0]);
    const activation = events.find((event) => event.kind === 'activation')!;
    expect(activation).toMatchObject({ execution: 0, node: 1, scales: Float64Array.of(0.5) });
    expect([...activation.codes]).toEqual([1, 2, -127]);
    expect([...activation.exact]).toEqual([1.2, 2.5, -127]);
    expect([...activation.dots]).toEqual([-1, 0]);
  });

  test('of zeros is zero', () => {
    expect([...oracleOf([weight], [linear], 'q8').runExecution(0, new Float64Array(3))]).toEqual([0, 0]);
  });

  test('keeps its bias f32', () => {
    const bias: NumberedParam = { name: 'bias', role: 'bias', shape: [2], values: [0.125, 1e-3] };
    const oracle = oracleOf([weight, bias], [{ ...linear, bias: 1 } as Op], 'q8');
    expect([...oracle.runExecution(0, new Float64Array(3))]).toEqual([0.125, Math.fround(1e-3)]);
  });
});
