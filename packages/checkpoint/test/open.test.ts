import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { checkpointTensors, type Graph } from '@lamella/graph/ir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWeights } from '../src/open.ts';
import { randomTensor } from '../src/random.ts';
import { writeSafetensors } from '../src/write-safetensors.ts';
import { tinyGraph } from './tiny-graph.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-open-'));
});
afterAll(() => rm(folder, { recursive: true }));

const graph = tinyGraph();
type Tensor = { readonly name: string; readonly shape: readonly number[] };

/**
 * A checkpoint folder with these tensors; values are those of random:1 for the name in `like`, or
 * for the tensor's own name.
 */
async function checkpoint(name: string, tensors: readonly (Tensor & { readonly like?: string })[]): Promise<string> {
  const dir = path.join(folder, name);
  await mkdir(dir);
  const read = (t: Tensor & { readonly like?: string }) =>
    randomTensor(1, { name: t.like ?? t.name, shape: t.shape, role: 'matrix' });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors, read);
  return dir;
}

async function message(spec: string, of = graph, ignore: readonly string[] = []): Promise<string> {
  const error = await openWeights(spec, of, ignore).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
  if (!(error instanceof LamellaError)) throw error;
  return error.message.replaceAll(folder, '');
}

test('a folder and the file in it give the same values', async () => {
  const dir = await checkpoint('good', graph.weights);
  for (const spec of [dir, path.join(dir, 'model.safetensors')]) {
    const source = await openWeights(spec, graph);
    for (const weight of graph.weights) {
      expect(await source.read(weight)).toEqual(randomTensor(1, { ...weight, role: 'matrix' }));
    }
    await source.close();
  }
});

test('a folder of shards gives the same values', async () => {
  const dir = path.join(folder, 'sharded');
  await mkdir(dir);
  const shards = { 'model-1.safetensors': graph.weights.slice(0, 2), 'model-2.safetensors': graph.weights.slice(2) };
  const read = (weight: Tensor) => randomTensor(1, { ...weight, role: 'matrix' });
  for (const [file, weights] of Object.entries(shards)) await writeSafetensors(path.join(dir, file), weights, read);
  const places = Object.entries(shards).flatMap(([file, weights]) => weights.map(({ name }) => [name, file]));
  const index = JSON.stringify({ weight_map: Object.fromEntries(places) });
  await writeFile(path.join(dir, 'model.safetensors.index.json'), index);
  const source = await openWeights(dir, graph);
  for (const weight of graph.weights) expect(await source.read(weight)).toEqual(read(weight));
  await source.close();
});

test('random:SEED needs no files', async () => {
  const source = await openWeights('random:7', graph);
  expect(await source.read(graph.weights[3]!)).toEqual(randomTensor(7, graph.weights[3]!));
  await source.close();
});

test.each(['', 'x', '-1', '1.5', '1e3', '4294967296', ' 1', '1\n'])('random:%s is not a seed', async (seed) => {
  expect(await message(`random:${seed}`)).toMatch(/^L208 /);
});

test('a mismatch is a table of every missing, extra and wrong-shape tensor', async () => {
  const dir = await checkpoint('misfit', [
    { name: 'model.embed_tokens.weight', shape: [6, 4] },
    { name: 'model.layers.0.projection.weight', shape: [4, 4] },
    { name: 'model.layers.1.projection.weight', shape: [4, 4] },
    { name: 'model.norm.weight', shape: [4] },
    { name: 'model.norm.bias', shape: [4] },
  ]);
  expect(await message(dir)).toMatchInlineSnapshot(`
    "L201 the checkpoint does not fit the graph:
                   tensor                                        graph   checkpoint
      missing      model.layers.*.proj.weight (2 tensors)        [4, 4]  -           perhaps model.layers.0.projection.weight
      extra        model.layers.*.projection.weight (2 tensors)  -       [4, 4]
      extra        model.norm.bias                               -       [4]
      wrong shape  model.embed_tokens.weight                     [5, 4]  [6, 4]
      2 missing, 3 extra, 1 of the wrong shape, at /misfit. Try the graph this checkpoint was made for, or keys and sizes in the graph that match the table"
  `);
});

test('long lists are cut, with a count', async () => {
  const extra = Array.from({ length: 40 }, (_, i) => ({
    name: `x${String.fromCharCode(97 + (i % 26)).repeat(1 + i / 26)}`,
    shape: [1],
  }));
  const dir = await checkpoint('long', [...graph.weights, ...extra]);
  const lines = (await message(dir)).split('\n');
  expect(lines).toHaveLength(1 + 1 + 12 + 1 + 1);
  expect(lines.at(-2)).toMatch(/and 28 more extra/);
});

test.each([
  ['begin with', 'wrapped', 'base.', 'model.'],
  ['lack', 'bare', '', 'model.'],
])('names that %s another prefix are noticed', async (words, name, prefix, graphPrefix) => {
  const dir = await checkpoint(name, tinyGraph(prefix + (prefix && graphPrefix)).weights);
  expect(await message(dir, tinyGraph(graphPrefix))).toContain(
    `the checkpoint's names ${words} ${prefix || graphPrefix}`,
  );
});

test('a tied model may store its embedding again as the head, and old RoPE buffers', async () => {
  const tensors = [
    ...graph.weights,
    { name: 'lm_head.weight', shape: [5, 4], like: 'model.embed_tokens.weight' },
    { name: 'model.layers.0.self_attn.rotary_emb.inv_freq', shape: [2] },
  ];
  const source = await openWeights(await checkpoint('tied', tensors), graph);
  await source.close();
});

test('buffers of GPT-NeoX are no weights; a bias under their name is', async () => {
  const named = (part: string) => `gpt_neox.layers.0.attention.${part}`;
  const buffers = [
    { name: named('bias'), shape: [1, 1, 8, 8] },
    { name: named('masked_bias'), shape: [] },
    { name: named('rotary_emb.inv_freq'), shape: [2] },
  ];
  await (await openWeights(await checkpoint('neox', [...graph.weights, ...buffers]), graph)).close();
  for (const [name, shape] of [
    ['bias', [8]],
    ['masked_bias', [8]],
  ] as const) {
    const dir = await checkpoint(`neox-${name}`, [...graph.weights, { name: named(name), shape }]);
    expect(await message(dir)).toMatch(/^L201 .*0 missing, 1 extra/s);
  }
});

describe('superfluous tensors', () => {
  const masks = [0, 1].map((layer) => ({ name: `model.layers.${layer}.attention.mask`, shape: [3] }));
  let dir: string;
  beforeAll(async () => {
    dir = await checkpoint('masks', [...graph.weights, ...masks, { name: 'scale', shape: [1] }]);
  });

  test('are refused with the options that ignore them', async () => {
    const remedy = /Try (?:.*, or )(.*) if no model needs these tensors/.exec(await message(dir))?.[1] ?? '';
    expect(remedy).toBe("--ignore 'model.layers.*.attention.mask' --ignore 'scale'");
    const patterns = [...remedy.matchAll(/'(.*?)'/g)].map(([, pattern]) => pattern!);
    const source = await openWeights(dir, graph, patterns);
    for (const weight of graph.weights) {
      expect(await source.read(weight)).toEqual(randomTensor(1, { ...weight, role: 'matrix' }));
    }
    await source.close();
  });

  test('a pattern that would match a needed tensor is not suggested', async () => {
    const extra = { name: 'model.layers.7.proj.weight', shape: [1] };
    const near = await checkpoint('near', [...graph.weights, extra]);
    expect(await message(near)).toContain("or --ignore 'model.layers.7.proj.weight' if");
    await (await openWeights(near, graph, [extra.name])).close();
  });

  test('patterns of some tensors leave the others refused', async () => {
    expect(await message(dir, graph, ['*.attention.mask'])).toMatch(/^L201 .*extra +scale .*--ignore 'scale' if/s);
  });

  test.each([
    ['*.mask.', /^L305 --ignore '\*\.mask\.': no tensor of .* has such a name\. Try leaving it out$/],
    ['model.norm', /^L305 --ignore 'model\.norm': no tensor of/],
    ['model.*', /^L305 --ignore 'model\.\*': the model needs model\.embed_tokens\.weight\. Try a longer pattern$/],
    ['model.norm.weight', /^L305 .*the model needs model\.norm\.weight/],
  ])('the pattern %s is refused', async (pattern, expected) => {
    expect(await message(dir, graph, ['*.mask', 'scale', pattern])).toMatch(expected);
  });

  test('random weights have none', async () => {
    expect(await message('random:1', graph, ['*.mask'])).toMatch(/^L305 .*no tensor of random:1 has such a name/);
  });
});

test('a head that is not the embedding is not ignored', async () => {
  const tensors = [...graph.weights, { name: 'lm_head.weight', shape: [5, 4] }];
  expect(await message(await checkpoint('untied', tensors))).toMatchInlineSnapshot(`
    "L201 the checkpoint does not fit the graph:
      tied in the graph  model.embed_tokens.weight  0.02057477831840515
      but not the same   lm_head.weight             0.007543712854385376
      these are the values at [0, 0], at /untied. Try an untied head in the graph: lm_head: linear(d, vocab) beside the model"
  `);
  const wide = [...graph.weights, { name: 'lm_head.weight', shape: [6, 4] }];
  expect(await message(await checkpoint('wide', wide))).toMatch(/extra +lm_head.weight +- +\[6, 4\]/);
});

test('a folder without a checkpoint: the message lists what is there', async () => {
  const dir = path.join(folder, 'torch');
  await mkdir(dir);
  await writeFile(path.join(dir, 'adapter_model.bin'), '');
  expect(await message(dir)).toMatch(/^L204 no checkpoint in \/torch: it has neither .*, only adapter_model.bin/);
  expect(await message(path.join(folder, 'nowhere'))).toMatch(/^L204 .*there is no such file/);
});

test('an unsupported dtype is refused before any data is read', async () => {
  const header = JSON.stringify(
    Object.fromEntries([
      ...graph.weights.map(({ name, shape }, i) => [
        name,
        {
          dtype: 'F32',
          shape,
          data_offsets: [
            [0, 80],
            [80, 144],
            [144, 208],
            [208, 224],
          ][i],
        },
      ]),
    ]),
  ).replace('"F32","shape":[4],"data_offsets":[208,224]', '"F64","shape":[4],"data_offsets":[208,240]');
  const bytes = new Uint8Array(8 + header.length + 240);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  await writeFile(path.join(folder, 'f64.safetensors'), bytes);
  expect(await message(path.join(folder, 'f64.safetensors'))).toMatch(
    /^L205 tensor model.norm.weight in .* has dtype F64/,
  );
});

describe('a weight that is a part of a tensor', () => {
  const rows = { first: 1, count: 1, groups: 2, stride: 3 };
  const parts: Graph = {
    ...graph,
    weights: graph.weights.map((weight, i) => {
      if (i !== 2) return weight;
      const shape = [6, ...weight.shape.slice(1)];
      return { ...weight, shape: [2, ...weight.shape.slice(1)], stored: { tensor: 'fused', shape, rows, plus: 0.5 } };
    }),
  };
  const part = parts.weights[2]!;
  const { shape } = part.stored!;
  const width = shape[1]!;

  test('is read from its rows only, plus its number', async () => {
    const dir = await checkpoint('fused', checkpointTensors(parts));
    const source = await openWeights(dir, parts);
    const whole = randomTensor(1, { name: 'fused', shape, role: 'matrix' });
    const wanted = [1, 4].flatMap((row) => [...whole.subarray(row * width, (row + 1) * width)]);
    expect([...(await source.read(part))]).toEqual(wanted.map((value) => Math.fround(value + 0.5)));
    await source.close();
  });

  test('of random:SEED has the values of that tensor, centred by its role', async () => {
    const source = await openWeights('random:3', parts);
    const whole = randomTensor(3, { name: 'fused', shape, role: part.role });
    const wanted = [1, 4].flatMap((row) => [...whole.subarray(row * width, (row + 1) * width)]);
    expect([...(await source.read(part))]).toEqual(wanted);
  });

  test('is looked up in a checkpoint as that tensor', async () => {
    const dir = await checkpoint('unfused', graph.weights);
    const said = await message(dir, parts);
    expect(said).toMatch(/missing +fused/);
    expect(said).toContain('1 missing, 1 extra');
    const small = checkpointTensors(parts).map((tensor) =>
      tensor.name === 'fused' ? { ...tensor, shape: [5, width] } : tensor,
    );
    expect(await message(await checkpoint('small', small), parts)).toMatch(
      new RegExp(`wrong shape +fused +\\[6, ${width}\\] +\\[5, ${width}\\]`),
    );
  });
});
