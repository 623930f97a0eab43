/**
 * A package whose model has a sliding window and keys and values that several executions read: it
 * loads and runs past its ring, and `inspect` says what it keeps.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch } from './lamella.ts';

const graph = `import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, share, stack } from '@lamella/dsl';

const { t, d, vocab } = dims({ t: 700, d: 16, vocab: 40 });
const layer = (window: { window?: number }) =>
  block(
    [t, d],
    () => ({ norm: rmsNorm(d), attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 8, rope: rope(10_000), ...window }) }),
    (w, x) => residual(x, (x) => w.attn(w.norm(x))),
  );
const blocks = [layer({ window: 10 }), layer({})];

export default defineModel(
  'kept',
  {},
  () => ({ embed: embedding(vocab, d), layers: stack(2, (i) => blocks[i]!, share.immediate(2), { kv: 'perSet' }), norm: rmsNorm(d) }),
  (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
);
`;

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  await writeFile(join(home.path, 'kept.ts'), graph);
  const compiled = await home.lamella(
    'compile',
    'kept.ts',
    '--weights',
    'random:1',
    '--quant',
    'f32',
    '--target',
    'wasm,webgpu',
  );
  expect(compiled).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

test('it runs, and a prompt longer than the ring goes on as if it had been decoded', async () => {
  const tokens = Array.from({ length: 300 }, (_, i) => (i * 37 + 11) % 40);
  const logits = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await home.lamella('logits', 'out/kept', '--json', ...args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return (JSON.parse(stdout) as { logits: number[] }).logits;
  };
  const last = await logits(['--tokens', tokens.join(',')]);
  expect(last.every(Number.isFinite)).toBe(true);
  const { code, stdout } = await home.lamella(
    'run',
    'out/kept',
    '--tokens',
    tokens.slice(0, 250).join(','),
    '--max-tokens',
    '60',
    '--json',
  );
  expect(code).toBe(0);
  expect((JSON.parse(stdout) as { tokens: number[] }).tokens).toHaveLength(60);
});

test('inspect of the graph and of the package: slots, the window and who reads', async () => {
  for (const model of ['kept.ts', 'out/kept']) {
    const { stdout } = await home.lamella('inspect', model);
    expect(stdout).toMatch(/weight sets +2\n/);
    expect(stdout).toMatch(/executions +4\n/);
    expect(stdout).toMatch(/state slots +2\n/);
    // 2 heads of 8 features, keys and values, f32: a ring of a window and a tile in whole chunks,
    // and the context
    expect(stdout).toContain(
      "1 slot of 16.0 KiB for a window of 10 tokens, in a ring of 128; 1 of 88.0 KiB; 2 executions read an earlier one's",
    );
    expect(stdout).toContain('each weight set 2 times in a row');
  }
});
