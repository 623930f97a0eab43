/**
 * The goldens: every stage of one tiny model as text, beside the model (`tiny-ls.ts`). For another
 * sharing order they show the differences: rows of a table, and nothing else. `npm run golden`
 * writes them again; review the diff.
 */

import type { Compilation } from '@lamella/compiler/compilation';
import { printKernel } from '@lamella/compiler/loops/print';
import { compile, lower, lowerGpu } from '@lamella/compiler/pipeline';
import type { FormatName, KvName } from '@lamella/compiler/program/ir';
import { schedule } from '@lamella/compiler/schedule/cpu/schedule';
import { conservative, halves } from '@lamella/compiler/schedule/gpu/profile';
import { printShader } from '@lamella/compiler/targets/webgpu/print';
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
    ['q8-vnni', 'q8', ['relaxed', 'vnni']],
    ['q4-sdot', 'q4', ['relaxed', 'sdot']],
  ] as const) {
    const kernels = schedule(lower(tinyLs, { quant }).plan, new Set(features)).flatMap((k) => k.decode);
    const o = kernels.find((k) => k.name.endsWith('o_proj.decode'));
    if (!o) throw new Error(`no o_proj kernel among ${kernels.map((k) => k.name).join(', ')}`);
    files.set(`${name}-o_proj.txt`, `${printKernel(o)}\n`);
  }
  for (const [name, text] of shaders()) files.set(name, text);
  // attention over codes: encoding, chunks, merging
  const coded = schedule(lower(tinyLs, { quant: 'q8', kv: 'q8' }).plan, new Set()).flatMap((k) => k.decode);
  const attention = coded.filter((k) => /self_attn[.]/.test(k.name)).map(printKernel);
  files.set('kv-q8-attention.txt', `${attention.join('\n\n')}\n`);
  return files;
}

/**
 * WGSL: every shader of one token in f32; one shader of a tile; one operation in the integer
 * formats; attention over codes and halves.
 */
function shaders(): ReadonlyMap<string, string> {
  const of = (
    quant: FormatName,
    wanted: (name: string) => boolean,
    kv: KvName = 'f32',
    profile = conservative,
  ): string => {
    const { plan, kernels } = lowerGpu(tinyLs, { quant, kv }, profile);
    const all = kernels.kinds.flatMap(({ kind, decode, prefill }) =>
      [...decode, ...prefill].map((kernel) => ({ kernel, kind })),
    );
    const end = plan.program.kinds.at(-1)!;
    return [...all, ...[kernels.argmax, kernels.draw, kernels.candidates].map((kernel) => ({ kernel, kind: end }))]
      .filter(({ kernel }) => wanted(kernel.name))
      .map(({ kernel, kind }) => printShader(kernel, plan, kind, profile).code)
      .join('\n');
  };
  return new Map([
    ['decode.wgsl', of('f32', (name) => name.endsWith('.decode'))],
    ['prefill.wgsl', of('f32', (name) => /up_proj.operand.prefill|o_proj.prefill/.test(name))],
    ['q8-o_proj.wgsl', of('q8', (name) => name.endsWith('o_proj.decode'))],
    ['q4-o_proj.wgsl', of('q4', (name) => name.endsWith('o_proj.decode'))],
    ['kv-q8-attention.wgsl', of('q8', (name) => /self_attn.*decode/.test(name), 'q8')],
    ['f16-attention.wgsl', of('f32', (name) => name.endsWith('self_attn.decode'), 'f32', halves)],
  ]);
}

/** The differences that another sharing order makes in every stage's text. */
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
