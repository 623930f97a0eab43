/**
 * The goldens: every stage of one tiny model as text, beside the model (`tiny-ls.ts`). Another sharing order is shown as what it changes:
 * rows of a table, and nothing else. `npm run golden` writes them again; the diff is the review.
 */

import { printKernel } from '@lamella/compiler/loops/print';
import { type Compilation, compile, lower } from '@lamella/compiler/pipeline';
import { schedule } from '@lamella/compiler/schedule/schedule';
import { share } from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { createTwoFilesPatch } from 'diff';
import tinyLs, { inOrder } from './tiny-ls.ts';

/** Files of test/golden/tiny-ls, by name. */
export async function goldens(): Promise<ReadonlyMap<string, string>> {
  const base = await compile(tinyLs, { quant: 'f32' });
  const files = new Map<string, string>([
    ['1-graph.txt', base.stages.graph()],
    ['2-fused.txt', base.stages.fused()],
    ['3-plan.txt', base.stages.plan()],
    ['4-loops.txt', base.stages.loops()],
    ['5-model.wat', base.stages.wat()],
  ]);
  for (const [name, order] of [
    ['cycle', share.cycle(2)],
    ['reverse', share.reverse()],
    ['order', share.order([1, 0, 0])],
  ] as const)
    files.set(`${name}.diff`, await changes(base, inOrder(order), name));

  // one operation in the integer formats: codes, exact dots, scales
  for (const [name, quant, features] of [
    ['q8', 'q8', []],
    ['q4', 'q4', []],
    ['q4-relaxed', 'q4', ['relaxed']],
  ] as const) {
    const kernels = schedule(lower(tinyLs, { quant }).plan, new Set(features)).flatMap((k) => k.decode);
    const o = kernels.find((k) => k.name.endsWith('o_proj.decode'));
    if (!o) throw new Error(`no o_proj kernel among ${kernels.map((k) => k.name).join(', ')}`);
    files.set(`${name}-o_proj.txt`, `${printKernel(o)}\n`);
  }
  return files;
}

/** What another sharing order changes in every stage's text. */
async function changes(base: Compilation, graph: Graph, name: string): Promise<string> {
  const other = await compile(graph, { quant: 'f32' });
  const stages = Object.keys(base.stages) as (keyof Compilation['stages'])[];
  return stages
    .map((stage) => {
      const [before, after] = [base.stages[stage](), other.stages[stage]()];
      if (before === after) return `${stage}: no change\n`;
      return createTwoFilesPatch(`${stage} immediate`, `${stage} ${name}`, before, after, '', '', { context: 0 });
    })
    .join('\n');
}
