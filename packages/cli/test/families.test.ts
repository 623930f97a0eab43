/** The graphs of released families and of sharing studies: published parameter counts, and what `lamella check` accepts. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '@lamella/compiler/check';
import { parameterCount } from '@lamella/graph/ir';
import { expect, test } from 'vitest';
import { loadGraph } from '../src/model/load-graph.ts';

const graphs = fileURLToPath(new URL('../../../graphs/', import.meta.url));

/** Parameters, and executions of a token. */
const released: Readonly<Record<string, readonly [parameters: number, executions: number]>> = {
  'families/gemma-3-270m': [268_098_176, 18],
  'families/granite-4.0-350m': [352_379_904, 28],
  'families/lfm2-350m': [354_483_968, 16],
  'families/llama-3.2-1b': [1_235_814_400, 16],
  'families/mobilellm-flash': [410_716_800, 32],
  'families/mobilellm-pro': [1_084_453_120, 30],
  'families/mobilellm-r1-140m': [140_248_512, 15],
  'families/mobilellm-r1-360m': [359_431_168, 15],
  'families/mobilellm-r1-950m': [949_685_760, 22],
  'families/nandi-150m': [153_412_928, 32],
  'families/olmo-2-1b': [1_484_916_736, 16],
  'families/phi-3-mini': [3_821_079_552, 32],
  'families/pythia-70m': [70_426_624, 6],
  'families/qwen2.5-0.5b': [494_032_768, 24],
  'families/qwen3-0.6b': [596_049_920, 28],
  'families/smollm2-135m': [134_515_008, 30],
  'families/smollm2-360m': [361_821_120, 32],
  'families/smollm3-3b': [3_075_098_624, 36],
  'studies/albert-groups': [39_673_152, 30],
  'studies/kv-per-set': [124_635_456, 60],
  'studies/middle-cycle': [50_293_440, 30],
  'studies/mobillama': [47_663_424, 30],
  'studies/ouro-loop': [1_434_650_624, 96],
  'studies/relaxed-recursive': [23_209_920, 15],
};

test('every graph of these folders is in the table', () => {
  const files = ['families', 'studies'].flatMap((folder) =>
    readdirSync(join(graphs, folder)).map((file) => `${folder}/${file.replace('.ts', '')}`),
  );
  expect(files.sort()).toEqual(Object.keys(released).sort());
});

test.each(Object.entries(released))('graphs/%s.ts', async (name, [parameters, executions]) => {
  const graph = await loadGraph(join(graphs, `${name}.ts`));
  expect(graph.name).toBe(name.split('/')[1]);
  expect(parameterCount(graph)).toBe(parameters);
  expect(graph.stacks.reduce((sum, stack) => sum + stack.executions.length, 0)).toBe(executions);
  // as q8 a WASM memory holds all but the largest
  await check(graph, { quant: parameters > 3.5e9 ? 'q4' : 'q8' });
});
