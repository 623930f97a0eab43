/** The models and lengths of conformance, for every target and every implementation. */
import { readdirSync } from 'node:fs';
import { openWeights } from '@lamella/checkpoint/open';
import type { FormatName, KvName } from '@lamella/compiler/program/ir';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { loadGraph } from 'lamella/load-graph';
import type { Extent } from './conformance.ts';
import type { Setting } from './machine.ts';
import { model, orders, type Shape } from './models.ts';
import { reduced } from './reduced.ts';
import { weightsOf } from './weights.ts';

export interface Case {
  readonly name: string;
  readonly setting: Setting;
  readonly extent: Extent;
  make(): Promise<{ readonly graph: Graph; readonly weightOf: WeightOf }>;
}

/** Past the end of the first tile, which tokens decoded one by one cross too. */
const usual: Extent = { prompt: 62, decoded: 4, generated: 4, stepped: 3, witnessed: 5 };
/** Past the first split of a context with several splits. */
const long: Extent = { ...usual, prompt: 130, decoded: 2 };

function tiny(quant: FormatName, name: string, shape: Partial<Shape>, kv: KvName = 'f32'): Case {
  return {
    name: `${quant}${kv === 'q8' ? ', KV q8' : ''}: ${name}`,
    setting: { quant, kv },
    extent: (shape.context ?? 0) > 128 ? long : usual,
    async make() {
      const graph = model(shape);
      return { graph, weightOf: weightsOf(graph) };
    },
  };
}

/** Formats, sharing orders, sizes that need padding, contexts long enough for several splits. */
export const tinyCases: readonly Case[] = [
  tiny('f32', 'plain', {}),
  tiny('f32', 'immediate(2)', { layers: 3, share: orders.immediate }),
  tiny('f32', 'reverse(), untied', { layers: 3, share: orders.reverse, tied: false }),
  tiny('f32', 'headDim 6, untied', { headDim: 6, heads: 4, kvHeads: 4, tied: false }),
  tiny('f32', 'no RoPE, headDim 10', { rope: false, headDim: 10 }),
  tiny('f32', 'vocab 3, d 30, ff 50', { vocab: 3, d: 30, ff: 50 }),
  tiny('f32', 'headDim 64, context 300', { headDim: 64, heads: 3, kvHeads: 1, context: 300 }),
  tiny('f16', 'immediate(2)', { layers: 3, share: orders.immediate }),
  tiny('f16', 'headDim 6, untied', { headDim: 6, heads: 4, kvHeads: 4, tied: false }),
  tiny('f16', 'vocab 3, d 30, ff 50', { vocab: 3, d: 30, ff: 50 }),
  tiny('f16', 'context 300', { context: 300 }),
  tiny('q8', 'cycle(2), untied', { layers: 3, share: orders.cycle, tied: false }),
  tiny('q8', 'd 30, ff 50, vocab 257', { d: 30, ff: 50, vocab: 257 }),
  tiny('q8', 'headDim 10', { headDim: 10 }),
  tiny('q8', 'context 300', { context: 300 }),
  tiny('q4', 'immediate(2)', { layers: 3, share: orders.immediate }),
  tiny('q4', 'headDim 52', { headDim: 52, heads: 2, kvHeads: 1, d: 104 }),
  tiny('q4', 'd 30, ff 300', { d: 30, ff: 300 }),
  tiny('q4', 'context 300', { context: 300 }),
  tiny('f32', 'groups of 3, headDim 64', { heads: 3, kvHeads: 1, headDim: 64, context: 90 }, 'q8'),
  tiny('f16', 'headDim 10, context 150', { headDim: 10, context: 150 }, 'q8'),
  tiny('q8', 'headDim 10, context 300', { headDim: 10, context: 300 }, 'q8'),
  tiny('q4', 'headDim 20, shared, context 150', { headDim: 20, share: orders.immediate, context: 150 }, 'q8'),
];

const folder = new URL('../../graphs/', import.meta.url);
/** The files of `graphs/`, except the assistant, which runs unchanged. */
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'assistant.ts')
  .sort();

const formats = ['f32', 'q8', 'q4'] as const;
const short: Extent = { prompt: 10, decoded: 2, generated: 6, stepped: 1, witnessed: 3 };

/** Every graph of `graphs/`, reduced; and the shipped assistant with its own weights. */
export const graphCases: readonly Case[] = [
  ...files.flatMap((file) =>
    formats.map(
      (quant): Case => ({
        name: `${quant}: ${file}`,
        setting: { quant, kv: 'f32' },
        extent: short,
        async make() {
          const whole = await loadGraph(new URL(file, folder).pathname);
          const graph = reduced(whole, { weightSets: 2, width: 8, vocab: 320, context: 160 });
          return { graph, weightOf: weightsOf(graph) };
        },
      }),
    ),
  ),
  ...formats.map(
    (quant): Case => ({
      name: `${quant}: the assistant`,
      setting: { quant, kv: 'f32' },
      extent: short,
      async make() {
        const graph = await loadGraph(new URL('assistant.ts', folder).pathname);
        const source = await openWeights(new URL('assistant/', folder).pathname, graph);
        const tensors = await Promise.all(graph.weights.map((weight) => source.read(weight)));
        await source.close();
        return { graph, weightOf: ({ id }) => tensors[id]! };
      },
    }),
  ),
];
