/**
 * Every DSL function refuses invalid arguments: a value of the wrong kind, an unknown option or
 * argument, an invalid name. `loose` removes the types, as running a file without a type checker
 * does.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as dsl from '../src/index.ts';

const { block, defineModel, dims, embedding, gqa, input, linear, mobileLLM, residual, rmsNorm, rope, share, stack } =
  dsl;
const { t, d, ff, vocab } = dims({ t: 16, d: 8, ff: 12, vocab: 20 });
const loose = (f: unknown) => f as (...args: readonly unknown[]) => never;
const heads = { heads: 2, kvHeads: 1, headDim: 4 };

/** A model around one block's body. */
function around(body: (w: Record<string, (x: unknown) => unknown>, x: unknown) => unknown, count = 1): unknown {
  const layer = loose(block)([t, d], () => ({ norm: rmsNorm(d), attn: gqa(d, heads) }), body);
  const init = () => ({ embed: embedding(vocab, d), layers: stack(count, layer) });
  return defineModel('m', {}, init, (m) => m.embed.logits(loose(m.layers)(m.embed(input(t)))));
}
const named = (name: string) =>
  defineModel(
    name,
    {},
    () => ({ embed: embedding(vocab, d) }),
    (m) => m.embed.logits(m.embed(input(t))),
  );
const keyed = (key: string) =>
  loose(defineModel)(
    'm',
    {},
    () => ({ [key]: rmsNorm(d), embed: embedding(vocab, d) }),
    () => 0,
  );

/** The message without its place, which must be in this file. */
function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof LamellaError)) throw error;
    expect(error.site?.file).toBe('packages/dsl/test/arguments.test.ts');
    return error.message.replace(/,?( at \S+)? \(packages\S+\)/, '');
  }
  throw new Error('nothing was thrown');
}

describe('L124: a wrong kind of value', () => {
  test.each<readonly [() => unknown, string]>([
    [
      () => gqa(d, loose(Object)({ ...heads, rope: 10_000 })),
      'gqa takes a rotary embedding as rope, not 10000. Try rope(10_000)',
    ],
    [() => gqa(d, loose(Object)({ ...heads, heads: '9' })), "gqa takes a number as heads, not '9'. Try heads: 9"],
    [
      () => gqa(d, loose(Object)({ heads: 2, kvHeads: 1 })),
      'gqa takes a number as headDim, not undefined. Try headDim: 64',
    ],
    [
      () =>
        stack(
          2,
          loose(block)(
            [t, d],
            () => ({}),
            () => 0,
          ),
          loose(String)('immediate'),
        ),
      "stack takes a sharing order as sharing, not 'immediate'. Try share.immediate(2), share.cycle(2), share.reverse() or share.order([0, 1, 0])",
    ],
    [
      () =>
        loose(stack)(
          loose(block)(
            [t, d],
            () => ({}),
            () => 0,
          ),
          3,
        ),
      'stack takes a number as count, not a Block. Try stack(4, layer)',
    ],
    [
      () => loose(stack)(2, () => undefined),
      'stack takes a block as block 0, not undefined. Try stack(4, layer), where layer = block(...)',
    ],
    [
      () => loose(stack)(2, rmsNorm(d)),
      'stack takes a block, or a function of the index that returns one as blocks, not a function. Try stack(4, layer), where layer = block(...)',
    ],
    [
      () => loose(rmsNorm)('d'),
      "rmsNorm takes an axis of dims as d, not 'd'. Try const { t, d } = dims({ t: 512, d: 128 })",
    ],
    [
      () => loose(rmsNorm)(d, 1e-6),
      'rmsNorm takes an object of options as options, not 0.000001. Try rmsNorm(d, { eps: 1e-6 })',
    ],
    [() => loose(embedding)(vocab), 'embedding takes an axis of dims as d, not undefined. Try embedding(vocab, d)'],
    [() => loose(dims)(), 'dims takes an object of sizes as sizes, not undefined. Try dims({ t: 512, d: 128 })'],
    [() => loose(dims)({ t: '512' }), "dims takes a number as t, not '512'. Try dims({ t: 512 })"],
    [() => loose(rope)(), 'rope takes a number as theta, not undefined. Try rope(10_000)'],
    [() => loose(share.cycle)(), 'share.cycle takes a number as repeats, not undefined. Try share.cycle(2)'],
    [() => loose(rmsNorm)(d, { eps: '1' }), "rmsNorm takes a number as eps, not '1'. Try eps: 1e-6"],
    [() => loose(mobileLLM)({ name: 'm', layers: 2 }), 'mobileLLM takes a number as d, not undefined. Try d: 576'],
    [() => around((_, x) => loose(dsl.scale)(x)), 'scale takes a number as by, not undefined. Try scale(x, 0.5)'],
    [
      () => loose(share.order)(2),
      'share.order takes a list of numbers without gaps as indices, not 2. Try share.order([0, 1, 0])',
    ],
    [
      () => share.order(Array(2)),
      'share.order takes a list of numbers without gaps as indices, not a list. Try share.order([0, 1, 0])',
    ],
    [
      () => rmsNorm(loose(Object)({ ...d, heads: 2 })),
      'rmsNorm takes an axis of dims as d, not an object. Try const { t, d } = dims({ t: 512, d: 128 })',
    ],
    [
      () => gqa(d, loose(Object)({ ...heads, rope: { base: 10_000 } })),
      'gqa takes a rotary embedding as rope, not an object. Try rope(10_000)',
    ],
    [() => loose(block)(Array(2)), 'block takes two axes as axes, not a list. Try [t, d]'],
    [
      () => around((_, x) => loose(dsl.rotate)(x, { theta: 10_000, site: 1, pairing: 'half' }, heads)),
      'rotate takes a rotary embedding as spec, not an object. Try rope(10_000)',
    ],
    [
      () =>
        loose(stack)(
          2,
          block(
            [t, d],
            () => ({}),
            (_, x) => x,
          ),
          { ...share.reverse(), executions: () => 1 },
        ),
      'stack takes a sharing order as sharing, not an object. Try share.immediate(2), share.cycle(2), share.reverse() or share.order([0, 1, 0])',
    ],
    ...(
      [
        [{ d: 64, heads: 3 }, 64, 3, 'heads: 2'],
        [{ d: 64, heads: 64 }, 64, 64, 'heads: 32'],
        [{ d: 9, heads: 3 }, 9, 3, 'd: 12'],
      ] as const
    ).map(
      ([sizes, width, count, remedy]) =>
        [
          () => mobileLLM({ name: 'm', layers: 1, kvHeads: 1, ffn: 8, ...sizes }),
          `mobileLLM takes a number as heads with an even d / heads (d=${width}), not ${count}. Try ${remedy}`,
        ] as const,
    ),
    [
      () => loose(defineModel)('m', () => ({})),
      "defineModel takes an object of options as options, not a function. Try { prefix: 'model' }, or {}",
    ],
    [
      () => around((w) => w.norm!(undefined)),
      "rmsNorm takes a value of the model as x, not undefined. Try passing on the body's input or what a layer returned",
    ],
    [
      () => around((_, x) => loose(residual)(x, async () => x)),
      "residual takes a value of the model as what its function returns, not a promise. Try passing on the body's input or what a layer returned",
    ],
    [
      () => around((_, x) => loose(residual)(x, class {})),
      'residual takes a function as f, not a class. Try residual(x, (x) => w.mlp(w.norm(x)))',
    ],
    [
      () => around((_, x) => loose(residual)(x, () => {})),
      "residual takes a value of the model as what its function returns, not undefined. Try passing on the body's input or what a layer returned",
    ],
  ])('%#', (run, expected) => expect(message(run)).toBe(`L124 ${expected}`));
});

describe('L125: an option or argument that is not taken', () => {
  test.each<readonly [() => unknown, string]>([
    [
      () => gqa(d, loose(Object)({ ...heads, slidingWindow: 512 })),
      'gqa does not take option slidingWindow. Try heads, kvHeads, headDim, rope, scale, window, softcap',
    ],
    [() => gqa(d, loose(Object)({ ...heads, windows: 512 })), 'gqa does not take option windows. Try window'],
    [
      () => around((_, x) => loose(dsl.attention)(x, loose(dsl.cache)(x, x, { kvHeads: 2 }), { softCap: 5 })),
      'attention does not take option softCap. Try softcap',
    ],
    [() => around((_, x) => loose(dsl.cache)(x, x, { kvHead: 2 })), 'cache does not take option kvHead. Try kvHeads'],
    [
      () => around((_, x) => loose(dsl.rotate)(x, rope(10_000), { heads: 2, headDim: 4 })),
      'rotate does not take option headDim. Try heads',
    ],
    [
      () => gqa(d, loose(Object)({ heads: 2, kvheads: 1, headDim: 4 })),
      'gqa does not take option kvheads. Try kvHeads',
    ],
    [() => rmsNorm(d, loose(Object)({ epsilon: 1 })), 'rmsNorm does not take option epsilon. Try eps, offset'],
    [() => linear(d, ff, loose(Object)({ biass: true })), 'linear does not take option biass. Try bias'],
    [() => mobileLLM(loose(Object)({ name: 'm', layer: 3 })), 'mobileLLM does not take option layer. Try layers'],
    [
      () =>
        loose(defineModel)(
          'm',
          { prefx: '' },
          () => ({}),
          () => 0,
        ),
      'defineModel does not take option prefx. Try prefix',
    ],
    [
      () => gqa(d, loose(Object)({ ...heads, rope: { ...rope(10_000), scaling: 8 } })),
      'gqa does not take option scaling of rope. Try rope(10_000)',
    ],
    [
      () =>
        loose(stack)(
          2,
          block(
            [t, d],
            () => ({}),
            (_, x) => x,
          ),
          { ...share.reverse(), times: 2 },
        ),
      'stack does not take option times of sharing. Try share.immediate(2), share.cycle(2), share.reverse() or share.order([0, 1, 0])',
    ],
    [() => loose(rope)(10_000, { dim: 16 }), 'rope does not take option dim. Try dims'],
    [() => loose(share.reverse)(2), 'share.reverse does not take argument 1, 2. Try share.reverse()'],
  ])('%#', (run, expected) => expect(message(run)).toBe(`L125 ${expected}`));

  test('map hands an index to a function of values', () => {
    const layer = block(
      [t, d],
      () => ({ norm: rmsNorm(d) }),
      (w, x) => residual(x, (x) => [x].map(w.norm)[0]!),
    );
    const init = () => ({ embed: embedding(vocab, d), layers: stack(1, layer) });
    expect(defineModel('m', {}, init, (m) => m.embed.logits(m.layers(m.embed(input(t))))).kinds).toHaveLength(1);
  });
});

describe('what bodies and inits return', () => {
  test.each<readonly [() => unknown, string]>([
    [
      () => around(async (_, x) => x),
      'L108 a block must return the axes it takes: it takes [t=16, d=8] and returns a promise. Try a body without async',
    ],
    [
      () => around(() => {}),
      'L108 a block must return the axes it takes: it takes [t=16, d=8] and returns nothing. Try a return in the body: return residual(...)',
    ],
    [
      () =>
        loose(defineModel)(
          'm',
          {},
          () => ({}),
          async () => 0,
        ),
      'L109 a model must return logits over its vocabulary: a promise was returned. Try a body without async',
    ],
    [
      () =>
        loose(defineModel)(
          'm',
          {},
          async () => ({}),
          () => 0,
        ),
      'L119 what init returns is not a module but a promise. Try linear, rmsNorm, gqa, swiglu, embedding or stack(count, block)',
    ],
  ])('%#', (run, expected) => expect(message(run)).toBe(expected));
});

describe('L126: names', () => {
  test.each([
    ['wörter', 'worter'],
    ['my layer', 'my-layer'],
    ['"""', 'my-model'],
    ['**//', 'my-model'],
    ['../x', 'x'],
    ['', 'my-model'],
    ['__proto__', 'proto__'],
    ['a\nb', 'a-b'],
    ['x'.repeat(10_000), 'x'.repeat(100)],
    ['模型', 'my-model'],
  ])('a model cannot be called %j', (name, better) => {
    expect(message(() => named(name))).toMatch(/^L126 a model cannot have the name '.{0,42}\. Try letters, digits/);
    expect(message(() => named(name))).toContain(`such as '${better}'`);
    expect(named(better).name).toBe(better);
  });

  test.each(['node_modules', 'favicon.ico', 'con', 'NUL', 'aux.v2', 'com1'])('nor %j, which a system keeps', (name) => {
    expect(message(() => named(name))).toBe(
      `L126 a model cannot have the name '${name}'. Try a name that no system reserves, such as 'my-${name}'`,
    );
    expect(named(`my-${name}`).name).toBe(`my-${name}`);
  });

  test.each(['console', 'null', 'com', 'node_modules-2'])('but %j is a name', (name) =>
    expect(named(name).name).toBe(name),
  );

  test.each(['my layer', '"""', '../x', '', '__proto__', 'a\nb', 'wörter', 'a..b', 'x'.repeat(10_000)])(
    'a module cannot be called %j',
    (key) => expect(message(() => keyed(key))).toMatch(/^L126 a module cannot have the name/),
  );

  test.each(['my axis', '"""', '', 'x-y', 'x'.repeat(10_000)])('an axis cannot be called %j', (name) => {
    expect(message(() => dims({ [name]: 2 }))).toMatch(/^L126 an axis cannot have the name/);
  });

  test('those of prototypes are names like others', () => {
    expect(named('constructor').name).toBe('constructor');
    const { constructor: width } = dims({ constructor: 8 }) as unknown as Record<string, typeof d>;
    expect(width).toEqual({ name: 'constructor', size: 8 });
  });

  test('a tree that holds itself ends', () => {
    const tree: Record<string, unknown> = {};
    tree.self = tree;
    expect(
      message(() =>
        loose(defineModel)(
          'm',
          {},
          () => tree,
          () => 0,
        ),
      ),
    ).toMatch(/^L126 /);
  });
});

describe('L127: sizes that are slips of the keyboard', () => {
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d) }),
    (w, x) => residual(x, w.norm),
  );
  const model = (layers: () => ReturnType<typeof stack<typeof layer>>) =>
    defineModel(
      'm',
      {},
      () => ({ embed: embedding(vocab, d), layers: layers() }),
      (m) => m.embed.logits(m.layers(m.embed(input(t)))),
    );

  test.each<readonly [string, () => unknown, string]>([
    ['weight sets', () => model(() => stack(1_000_000, layer)), '4096 weight sets in a stack: 1000000'],
    [
      'repeats',
      () => model(() => stack(10, layer, share.immediate(1e12))),
      '16384 executions in a stack: 10000000000000',
    ],
    [
      'an order',
      () => model(() => stack(10, layer, share.order(Array.from({ length: 1e6 }, (_, i) => i % 10)))),
      '16384 executions in a stack: 1000000',
    ],
    [
      'taps',
      () =>
        model(() =>
          stack(
            1,
            block(
              [t, d],
              () => ({ conv: dsl.causalConv(d, 100_000) }),
              (w, x) => w.conv(x),
            ) as never,
          ),
        ),
      '64 taps of a convolution: 100000',
    ],
    [
      'heads',
      () =>
        model(() =>
          stack(
            1,
            block(
              [t, d],
              () => ({ attn: dsl.gqa(d, { heads: 4096, kvHeads: 2, headDim: 8 }) }),
              (w, x) => w.attn(x),
            ) as never,
          ),
        ),
      '128 query heads for each head of keys and values: 2048',
    ],
    [
      'operations',
      () => around((_, x) => Array.from({ length: 1e5 }).reduce((x: unknown) => loose(dsl.silu)(x), x)),
      '4096 operations in a body: 4097',
    ],
  ])('%s', (_, run, expected) => expect(message(run)).toContain(`L127 there can be at most ${expected}`));

  test('the deepest stack there can be is defined', () => {
    expect(model(() => stack(4096, layer, share.cycle(4))).stacks[0]?.executions).toHaveLength(16_384);
  });
});

/** Values of every kind, right and wrong. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    0,
    -1,
    2.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    9n,
    '',
    '9',
    Symbol('s'),
    [],
    {},
    [t, d],
    new Date(),
    new Map(),
    Promise.resolve(),
    () => {},
    () => undefined,
    () => d,
    async () => {},
    t,
    d,
    ff,
    vocab,
    rope(10_000),
    share.reverse(),
    share.cycle(Number.NaN),
    rmsNorm(d),
    linear(d, ff),
    block(
      [t, d],
      () => ({}),
      (_, x) => x,
    ),
    { heads: 2, kvHeads: 1, headDim: 4 },
    { eps: -1 },
    { bias: 'yes' },
    { heads: Number.NaN, kvHeads: 1, headDim: 4, rope: null },
    { name: 'd', size: 8 },
    { name: 'd', size: -8 },
    { name: '', size: 8 },
    Object.create(null),
    class {},
    new Proxy({}, {}),
  ),
  fc.integer({ min: -3, max: 5 }),
  fc.string({ maxLength: 5 }),
);

/** Runs `run`, which may only throw a diagnostic with a place. */
function refusesOrWorks(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LamellaError);
    expect((error as LamellaError).site).not.toBeNull();
  }
}

const functions: readonly (readonly [string, unknown])[] = Object.entries(dsl).flatMap(([name, f]) =>
  typeof f === 'function'
    ? [[name, f] as readonly [string, unknown]]
    : Object.entries(f).map(([key, g]): readonly [string, unknown] => [`${name}.${key}`, g]),
);

test.each(functions)('%s, called with anything, is refused at its line or works', (_, f) => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 5 }), (args) => {
      refusesOrWorks(() => loose(f)(...args));
      refusesOrWorks(() => around((_, x) => loose(f)(...args, x)));
      refusesOrWorks(() => around((_, x) => loose(f)(x, ...args)));
      refusesOrWorks(() => around((w) => w.attn!(loose(f)(...args))));
      refusesOrWorks(() => {
        const made = loose(f)(...args);
        return loose(defineModel)(
          'm',
          {},
          () => ({ made, embed: embedding(vocab, d) }),
          (m: { made: unknown; embed: unknown }) => {
            const x = loose(m.embed)(input(t));
            return typeof m.made === 'function' ? m.made(x) : x;
          },
        );
      });
    }),
    { numRuns: 30 },
  );
});

test('there are functions to call', () => expect(functions.length).toBeGreaterThan(20));
