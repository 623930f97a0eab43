import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Oracle, type OracleEvent } from '../src/oracle/oracle.ts';
import { sequence } from '../src/oracle/sequence.ts';
import { verify } from '../src/verify.ts';
import { someNumbers, tinyGraph } from './tiny.ts';

const quants = ['f32', 'q8'] as const;

/** Token ids that visit the vocabulary without a pattern. */
function tokensOf(count: number, vocab: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * i * 7 + i * 3 + 1) % vocab);
}

/** The largest |a - b| over two lists of logits of one length. */
function largestDifference(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  expect(a.map((row) => row.length)).toEqual(b.map((row) => row.length));
  return Math.max(...a.map((row, p) => row.reduce((most, x, i) => Math.max(most, Math.abs(x - b[p]![i]!)), 0)));
}

describe('cached equals uncached', () => {
  test.each([
    ['immediate', [0, 0, 1, 1]],
    ['cycle', [0, 1, 0, 1]],
    ['reverse', [0, 1, 1, 0]],
    ['any order', [1, 0, 1, 1, 0]],
    ['no sharing', [0, 1, 2, 3]],
  ])('%s', (_, order) => {
    for (const quant of quants) {
      const graph = tinyGraph({ order });
      const tokens = tokensOf(16, graph.vocab);
      const oracle = new Oracle(graph, someNumbers, { quant });
      const cached = tokens.map((token) => oracle.step(token));
      expect(largestDifference(cached, sequence(graph, someNumbers, tokens, { quant }))).toBeLessThan(1e-12);
    }
  });

  test('of any shape', () => {
    const shapes = fc.record({
      kvHeads: fc.integer({ min: 1, max: 3 }),
      group: fc.integer({ min: 1, max: 3 }),
      pairs: fc.integer({ min: 1, max: 4 }),
      ff: fc.integer({ min: 1, max: 20 }),
      vocab: fc.integer({ min: 1, max: 40 }),
      tied: fc.boolean(),
      pairing: fc.constantFrom('half' as const, 'adjacent' as const),
      order: fc.constantFrom([0], [0, 0], [0, 1, 0], [0, 1, 2, 2, 1, 0]),
      quant: fc.constantFrom(...quants),
      length: fc.integer({ min: 1, max: 16 }),
    });
    fc.assert(
      fc.property(shapes, ({ kvHeads, group, pairs, pairing, quant, length, ...rest }) => {
        const rope = { theta: 100, pairing };
        const graph = tinyGraph({ ...rest, rope, kvHeads, heads: kvHeads * group, headDim: 2 * pairs });
        verify(graph);
        const tokens = tokensOf(length, graph.vocab);
        const oracle = new Oracle(graph, someNumbers, { quant });
        const cached = tokens.map((token) => oracle.step(token));
        expect(largestDifference(cached, sequence(graph, someNumbers, tokens, { quant }))).toBeLessThan(1e-12);
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe('what a model means', () => {
  test('later tokens do not change earlier logits', () => {
    const graph = tinyGraph();
    const tokens = tokensOf(12, graph.vocab);
    const other = tokens.map((token, i) => (i < 7 ? token : (token + 11) % graph.vocab));
    const a = sequence(graph, someNumbers, tokens, { quant: 'f32' });
    const b = sequence(graph, someNumbers, other, { quant: 'f32' });
    expect(a.slice(0, 7)).toEqual(b.slice(0, 7));
    for (let p = 7; p < 12; p++) expect(largestDifference([a[p]!], [b[p]!])).toBeGreaterThan(1e-3);
  });

  test('earlier tokens, and their order, do change later logits', () => {
    const graph = tinyGraph();
    const last = (tokens: number[]) => sequence(graph, someNumbers, tokens, { quant: 'f32' }).at(-1)!;
    expect(largestDifference([last([3, 5, 8])], [last([4, 5, 8])])).toBeGreaterThan(1e-3);
    expect(largestDifference([last([3, 5, 8])], [last([5, 3, 8])])).toBeGreaterThan(1e-3);
  });

  test('each sharing order is another model', () => {
    const tokens = [1, 2, 3];
    const logits = (order: number[]) => sequence(tinyGraph({ order }), someNumbers, tokens, { quant: 'f32' });
    const immediate = logits([0, 0, 1, 1]);
    const cycle = logits([0, 1, 0, 1]);
    const reverse = logits([0, 1, 1, 0]);
    for (const [a, b] of [
      [immediate, cycle],
      [cycle, reverse],
      [immediate, reverse],
    ] as const) {
      expect(largestDifference(a, b)).toBeGreaterThan(1e-3);
    }
  });

  test('a shared block equals two blocks with the same numbers', () => {
    const tokens = tokensOf(9, 31);
    const copies = (weight: Parameters<typeof someNumbers>[0]) =>
      someNumbers({ ...weight, name: weight.name.replace('layers.1', 'layers.0') });
    const shared = sequence(tinyGraph({ order: [0, 0] }), someNumbers, tokens, { quant: 'f32' });
    const apart = new Oracle(tinyGraph({ order: [0, 1] }), copies, { quant: 'f32' });
    expect(
      largestDifference(
        tokens.map((token) => apart.step(token)),
        shared,
      ),
    ).toBeLessThan(1e-12);
  });

  test('q8 is near f32, and not the same', () => {
    const graph = tinyGraph();
    const tokens = tokensOf(8, graph.vocab);
    const [f32, q8] = quants.map((quant) => sequence(graph, someNumbers, tokens, { quant })) as [
      Float64Array[],
      Float64Array[],
    ];
    const difference = largestDifference(f32, q8);
    expect(difference).toBeGreaterThan(1e-4);
    expect(difference).toBeLessThan(0.3);
  });

  test('slots are where memory is, whatever their order', () => {
    const graph = tinyGraph();
    const stack = graph.stacks[0]!;
    const executions = stack.executions.map(({ weightSet, slot }) => ({ weightSet, slot: 3 - slot }));
    const turned = new Oracle({ ...graph, stacks: [{ ...stack, executions }] }, someNumbers, { quant: 'f32' });
    const tokens = [4, 9, 2];
    const logits = tokens.map((token) => turned.step(token));
    expect(logits).toEqual(sequence(graph, someNumbers, tokens, { quant: 'f32' }));
  });
});

describe('driving it', () => {
  test('reset forgets everything', () => {
    const oracle = new Oracle(tinyGraph(), someNumbers, { quant: 'f32' });
    const first = [oracle.step(3), oracle.step(4)];
    expect(oracle.position).toBe(2);
    oracle.reset();
    expect(oracle.position).toBe(0);
    expect([oracle.step(3), oracle.step(4)]).toEqual(first);
    oracle.reset();
    oracle.position = 1;
    expect(() => oracle.step(4)).toThrow('has not run at position 0');
  });

  test('executions run one by one, fed their own residuals, do what a step does', () => {
    const graph = tinyGraph();
    for (const quant of quants) {
      const seen: OracleEvent[] = [];
      const whole = new Oracle(graph, someNumbers, { quant, observe: (event) => seen.push(event) });
      const pieces = new Oracle(graph, someNumbers, { quant });
      for (const [position, token] of [7, 1, 30].entries()) {
        seen.length = 0;
        whole.step(token);
        const executions = seen.filter((event) => event.kind === 'execution');
        expect(executions.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
        pieces.position = position;
        for (const { index, input, output } of executions) expect(pieces.runExecution(index, input)).toEqual(output);
      }
    }
  });

  test('running an execution again at a position overwrites what it remembered there', () => {
    const oracle = new Oracle(tinyGraph(), someNumbers, { quant: 'f32' });
    const x = Float64Array.from({ length: 24 }, (_, i) => i / 24);
    const first = oracle.runExecution(2, x);
    oracle.runExecution(
      2,
      x.map((value) => -value * value),
    );
    expect(oracle.runExecution(2, x)).toEqual(first);
  });

  test('an execution that skipped a position says so', () => {
    const oracle = new Oracle(tinyGraph(), someNumbers, { quant: 'f32' });
    oracle.position = 1;
    expect(() => oracle.runExecution(0, new Float64Array(24))).toThrow('has not run at position 0');
    expect(() => oracle.runExecution(4, new Float64Array(24))).toThrow('there is no execution 4');
  });

  test('events: the residual runs through the executions, and each linear shows its codes under q8', () => {
    const graph = tinyGraph();
    const events: OracleEvent[] = [];
    const oracle = new Oracle(graph, someNumbers, { quant: 'q8', observe: (event) => events.push(event) });
    const logits = oracle.step(5);
    const executions = events.filter((event) => event.kind === 'execution');
    for (let i = 1; i < 4; i++) expect(executions[i]!.input).toEqual(executions[i - 1]!.output);

    const values = events.filter((event) => event.kind === 'value');
    expect(values.filter(({ execution }) => execution === null).map(({ node }) => node)).toEqual([0, 1, 2, 3, 4]);
    expect(values.at(-1)!.value).toEqual(logits);

    const activations = events.filter((event) => event.kind === 'activation');
    // q, k, v, o, gate, up, down of each execution, then the head.
    expect(activations.length).toBe(4 * 7 + 1);
    expect(activations.filter(({ execution }) => execution === 3).map(({ node }) => node)).toEqual([
      2, 3, 4, 8, 11, 13, 15,
    ]);
    expect(activations.at(-1)).toMatchObject({ execution: null, node: 4 });
    for (const { codes, exact, scales, node, execution } of activations) {
      const input = values.find((event) => event.execution === execution && event.node === inputOf(execution, node));
      expect(Math.max(...codes.map(Math.abs))).toBe(127);
      codes.forEach((code, i) => {
        expect(Math.abs(code - exact[i]!)).toBeLessThanOrEqual(0.5);
        expect(exact[i]! * scales[Math.floor(i / 32)]!).toBeCloseTo(input!.value[i]!, 12);
      });
    }

    function inputOf(execution: number | null, node: number): number {
      const { op } = (execution === null ? graph.root : graph.kinds[0]!.body).nodes[node]!;
      return op.kind === 'linear' ? op.x : Number.NaN;
    }
  });

  test('f32 shows no codes', () => {
    const events: OracleEvent[] = [];
    new Oracle(tinyGraph(), someNumbers, { quant: 'f32', observe: (event) => events.push(event) }).step(5);
    expect(events.length).toBeGreaterThan(0);
    expect(events.filter(({ kind }) => kind === 'activation')).toEqual([]);
  });

  test('a token outside the vocabulary and a full context are refused', () => {
    const graph = tinyGraph({ context: 2 });
    const oracle = new Oracle(graph, someNumbers, { quant: 'f32' });
    for (const token of [31, -1, 0.5]) {
      expect(() => oracle.step(token)).toThrow(`L402 token id ${token} is outside the vocabulary of 31`);
      expect(() => sequence(graph, someNumbers, [token], { quant: 'f32' })).toThrow('L402');
    }
    oracle.step(0);
    oracle.step(1);
    expect(() => oracle.step(2)).toThrow('L403 3 tokens do not fit the context of 2');
    expect(() => sequence(graph, someNumbers, [0, 1, 2], { quant: 'f32' })).toThrow('L403');
  });

  test('a tensor of another size is refused', () => {
    const short = () => new Float32Array(5);
    expect(() => new Oracle(tinyGraph(), short, { quant: 'f32' })).toThrow(
      'model.embed_tokens.weight has 5 elements, not the 744 of [31, 24]',
    );
  });

  test('each tensor is asked for once', () => {
    const graph = tinyGraph();
    const numbers = vi.fn(someNumbers);
    new Oracle(graph, numbers, { quant: 'f32' });
    expect(numbers.mock.calls).toEqual(graph.weights.map((weight) => [weight]));
  });
});
