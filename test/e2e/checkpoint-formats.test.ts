/**
 * The same weights in every published file format give the same package, byte for byte: `.bin` and
 * `.safetensors`, whole and in shards, with the tied head omitted, stored again, or sharing the
 * embedding's storage.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openWeights } from '@lamella/checkpoint/open';
import { type StoredValues, safetensorsFile, torchFile } from '@lamella/checkpoint/test/torch-file';
import { compile } from '@lamella/compiler/pipeline';
import type { FormatName } from '@lamella/compiler/program/ir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { model } from '../conformance/models.ts';
import { weightsOf } from '../conformance/weights.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-formats-'));
});
afterAll(() => rm(folder, { recursive: true }));

const graph = model();
const embedding = 'model.embed_tokens.weight';

/** The weights in bf16: upper halves of f32. */
const tensors: readonly StoredValues[] = graph.weights.map((weight) => {
  const f32 = weightsOf(graph)(weight);
  const halves = new Uint16Array(f32.buffer, f32.byteOffset, 2 * f32.length).filter((_, i) => i % 2 === 1);
  return { name: weight.name, shape: weight.shape, dtype: 'BF16', data: new Uint8Array(halves.buffer) };
});
const embedded = tensors.find(({ name }) => name === embedding)!;
const withHead = (data: Uint8Array) => [...tensors, { ...embedded, name: 'lm_head.weight', data }];

/** Writes a folder of two shards and their index. */
async function shards(
  name: string,
  extension: string,
  index: string,
  file: (tensors: readonly StoredValues[]) => Uint8Array,
) {
  const half = Math.ceil(tensors.length / 2);
  const parts = [tensors.slice(0, half), tensors.slice(half)];
  const files = parts.map((_, i) => `${name}-0000${i + 1}-of-00002.${extension}`);
  const weight_map = Object.fromEntries(parts.flatMap((part, i) => part.map((tensor) => [tensor.name, files[i]])));
  return {
    ...Object.fromEntries(parts.map((part, i) => [files[i], file(part)])),
    [index]: new TextEncoder().encode(JSON.stringify({ weight_map })),
  };
}

/** A hash of all results of `pack` for the checkpoint in these files. */
async function packed(quant: FormatName, name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const dir = path.join(folder, `${name}-${quant}`);
  await mkdir(dir);
  for (const [file, bytes] of Object.entries(files)) await writeFile(path.join(dir, file), bytes);
  const source = await openWeights(dir, graph);
  const hash = createHash('sha256');
  const { pack } = await compile(graph, { quant });
  for await (const { bytes } of pack((weight) => source.read(weight))) hash.update(bytes);
  await source.close();
  return hash.digest('hex');
}

test.each(['q8', 'f32'] as const)('%s packages do not depend on the file the weights came in', async (quant) => {
  const safe = 'model.safetensors';
  const torch = 'pytorch_model.bin';
  const first = await packed(quant, 'safetensors', { [safe]: safetensorsFile(tensors) });
  const others = {
    'sharded safetensors': await shards('model', 'safetensors', `${safe}.index.json`, safetensorsFile),
    'safetensors, head again': { [safe]: safetensorsFile(withHead(embedded.data.slice())) },
    bin: { [torch]: torchFile(tensors) },
    'sharded bin': await shards('pytorch_model', 'bin', `${torch}.index.json`, torchFile),
    'bin, head again': { [torch]: torchFile(withHead(embedded.data.slice())) },
    'bin, head shared': { [torch]: torchFile(withHead(embedded.data)) },
  };
  for (const [name, files] of Object.entries(others))
    expect([name, await packed(quant, name, files)]).toEqual([name, first]);
  const changed = tensors.map((tensor) => ({
    ...tensor,
    data: tensor.data.map((byte, i) => (i === 1 ? byte ^ 128 : byte)),
  }));
  expect(await packed(quant, 'another', { [torch]: torchFile(changed) })).not.toBe(first);
});
