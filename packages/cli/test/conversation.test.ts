/**
 * Conversations on compiled packages: with keys and values kept from turn to turn, in a session,
 * and after saving and loading, every answer equals the one that a fresh model computes from the
 * whole prompt. The reduced graphs have full attention, a window whose ring is crossed several
 * times, and convolutions.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '@lamella/runtime/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPackage } from '../src/package/open-package.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  await writeFile(join(home.path, 'mixed.ts'), graph);
});
afterAll(() => home?.remove());

const graph = `import { block, causalConv, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, share, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 420, d: 64, ff: 96, vocab: 300 });
const attending = (window) => block([t, d],
  () => ({ norm: rmsNorm(d), attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000), ...window }), ffn_norm: rmsNorm(d), mlp: swiglu(d, ff) }),
  (w, x) => { x = residual(x, (x) => w.attn(w.norm(x))); return residual(x, (x) => w.mlp(w.ffn_norm(x))); });
const convolved = block([t, d], () => ({ norm: rmsNorm(d), conv: causalConv(d, 3) }), (w, x) => residual(x, (x) => w.conv(w.norm(x))));
const layers = [attending({}), attending({ window: 20 }), convolved];
export default defineModel('mixed', { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(3, (i) => layers[i], share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))));
`;

const made = new Set<string>();

/** Returns a loader of the package compiled in this format. */
async function compiled(quant: string, kv: string): Promise<() => Promise<Model>> {
  const out = join(home.path, `${quant}-${kv}`);
  if (made.has(out)) return () => openPackage(out, { threads: 1 });
  made.add(out);
  const { code, stderr } = await home.lamella(
    'compile',
    'mixed.ts',
    '--weights',
    'random:5',
    '--quant',
    quant,
    '--kv',
    kv,
    '--out',
    out,
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return () => openPackage(out, { threads: 1 });
}

test.each([
  ['f32', 'f32'],
  ['q8', 'q8'],
  ['q4', 'f32'],
])('%s, KV %s: each of 20 turns computes only what is new, and answers as without what was kept', async (quant, kv) => {
  const open = await compiled(quant, kv);
  const [model, fresh] = await Promise.all([open(), open()]);
  let sequence: number[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const said = Array.from({ length: 1 + ((turn * 5) % 9) }, (_, i) => (turn * 31 + i * 7) % 300);
    const prompt = [...sequence, ...said];
    const options = { maxTokens: 12, seed: turn, temperature: turn % 2 };
    const { tokens, stats } = await model.generate(prompt, options).result();
    // One computed token of another sequence keeps nothing of the last turn.
    await fresh.logits([299]);
    const alone = await fresh.generate(prompt, options).result();
    expect(alone.stats.cachedTokens).toBe(0);
    expect(tokens).toEqual(alone.tokens);
    expect(stats.cachedTokens).toBe(sequence.length);
    sequence = [...prompt, ...tokens];
    // Also computes the answer's last token.
    const [kept, whole] = [await model.logits(sequence), await fresh.logits(sequence)];
    // f32 sums of a tile and of a token have another order; integer formats give the same bits.
    if (quant === 'f32') for (const [id, logit] of whole.entries()) expect(kept[id]).toBeCloseTo(logit, 5);
    else expect(kept).toEqual(whole);
  }
});

test('sessions on one set of weights: by turns, cloned, saved and loaded in another process', async () => {
  const open = await compiled('q8', 'f32');
  const [model, fresh] = await Promise.all([open(), open()]);
  const bytesBefore = process.memoryUsage().arrayBuffers;
  const sessions = await Promise.all(Array.from({ length: 4 }, () => model.session()));
  const taken = process.memoryUsage().arrayBuffers - bytesBefore;
  const one = model.manifest.memory.state.bytes;
  // Four sessions, and the model's own sequence, which has to make room.
  expect(taken).toBeGreaterThanOrEqual(5 * one);
  expect(taken).toBeLessThan(5 * one + 200_000);
  const alone = async (prompt: readonly number[]) => (await fresh.generate(prompt, { maxTokens: 5 }).result()).tokens;
  for (let turn = 0; turn < 24; turn++) {
    const session = sessions[turn % 4]!;
    await session.append([turn, 3 * turn]);
    const prompt = session.tokens;
    const { tokens, stats } = await session.generate(undefined, { maxTokens: 5 }).result();
    expect(tokens).toEqual(await alone(prompt));
    expect(stats.cachedTokens).toBe(prompt.length - 1);
  }
  const copy = await sessions[1]!.clone();
  await copy.rewind(copy.tokens.length - 3);
  expect((await copy.generate(undefined, { maxTokens: 5 }).result()).tokens).toEqual(
    await alone(copy.tokens.slice(0, -5)),
  );
  const saved = await (await open()).session();
  await saved.load(await sessions[2]!.save());
  expect(saved.tokens).toEqual(sessions[2]!.tokens);
  const { tokens, stats } = await saved.generate(undefined, { maxTokens: 5 }).result();
  expect(tokens).toEqual(await alone(sessions[2]!.tokens));
  expect(stats.cachedTokens).toBe(sessions[2]!.tokens.length - 1);
});

test.each([
  ['f32', 'f32'],
  ['q8', 'q8'],
])('%s, KV %s: a saved session has the rows of its tokens, and goes on in another process', async (quant, kv) => {
  const open = await compiled(quant, kv);
  const [model, other, fresh] = await Promise.all([open(), open(), open()]);
  const [session, loaded, filled] = [await model.session(), await other.session(), await model.session()];
  const ids = (count: number, step: number) => Array.from({ length: count }, (_, i) => (i * step + 5) % 300);
  await filled.append(ids(419, 7));
  const full = await filled.save();
  // Two executions each with full attention, with a window and with a convolution. A row has keys
  // and
  // values of two heads: 16 numbers, and with q8 a scale; inputs of convolutions are f32. Both
  // rings
  // have 128 rows: fewer tokens than that, as many, more, and the whole context.
  const row = 4 * (kv === 'q8' ? 16 + 4 : 16 * 4);
  const sizeOf = (count: number) => 512 + 4 * count + 2 * (row * count + (row + 64 * 4) * Math.min(count, 128));
  for (const count of [1, 9, 127, 128, 200, 410]) {
    const tokens = ids(count, 11);
    // Rows of other tokens lie in both drivers.
    await session.load(full);
    await session.rewind(0);
    await session.append(tokens);
    await loaded.load(full);
    const bytes = await session.save();
    expect(bytes.length).toBe(sizeOf(count));
    await loaded.load(bytes);
    const options = { maxTokens: 5 };
    const { tokens: answer, stats } = await loaded.generate(undefined, options).result();
    expect(stats.cachedTokens).toBe(count - 1);
    expect(answer).toEqual((await fresh.generate(tokens, options).result()).tokens);
    await loaded.rewind(Math.max(1, count - 3));
    const again = await loaded.generate(undefined, options).result();
    expect(again.tokens).toEqual((await fresh.generate(loaded.tokens.slice(0, -5), options).result()).tokens);
  }
});
