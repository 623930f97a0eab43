/**
 * The ring of a sliding window on a GPU, beyond its end, in the loop interpreter: floats, halves
 * and codes, whole and in splits.
 */
import { conservative, type GpuProfile, halves } from '@lamella/compiler/schedule/gpu/profile';
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, stack } from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { expect, test } from 'vitest';
import { Sequence, type Setting, storedKv } from '../conformance/machine.ts';
import { relativeError } from '../conformance/rig.ts';
import { weightsOf } from '../conformance/weights.ts';
import { interpreted } from './machine.ts';

function windowed(window: number, context: number): Graph {
  const { t, d, vocab } = dims({ t: context, d: 4, vocab: 8 });
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), attn: gqa(d, { heads: 1, kvHeads: 1, headDim: 4, window }) }),
    (w, x) => residual(x, (x) => w.attn(w.norm(x))),
  );
  return defineModel(
    'windowed',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(1, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

test.each<[string, number, Setting['kv'], GpuProfile, number]>([
  ['floats, one part', 30, 'f32', conservative, 1e-4],
  ['floats, two parts', 90, 'f32', conservative, 1e-4],
  ['halves', 30, 'f32', halves, 2e-3],
  ['codes, two parts', 90, 'q8', conservative, 0.05],
])('%s: a window of %i', async (_, window, kv, profile, tolerance) => {
  const graph = windowed(window, 400);
  const weightOf = weightsOf(graph);
  const setting = { quant: 'f32', kv } as const;
  const machine = await interpreted(profile)(graph, weightOf, setting);
  const tokens = Array.from({ length: 210 }, (_, i) => (i * 37 + 11) % graph.vocab);
  const wanted = sequence(graph, weightOf, tokens, { quant: 'f32', kv: storedKv(machine) });
  const running = new Sequence(machine);
  const agrees = async (position: number) =>
    expect(relativeError(await running.logits(), wanted[position]!), `position ${position}`).toBeLessThan(tolerance);
  // beyond the end of the ring, which has 128 or 192 positions
  for (const count of window < 34 ? [96, 45] : [96, 95, 9]) {
    const from = running.position;
    running.prefill(tokens.slice(from, from + count));
    for (const row of new Set([0, count - 1])) {
      running.head(row);
      await agrees(from + row);
    }
  }
  for (const token of tokens.slice(running.position, running.position + 2)) {
    running.decode(token);
    await agrees(running.position - 1);
  }
});
