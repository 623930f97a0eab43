/**
 * Every architecture that can be imported from GGUF: the file gives the same model as the
 * `config.json` of the same checkpoint, and each tensor has the same values.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectures } from '../src/gguf/architectures.ts';
import { openGgufWeights, readGgufDecoder } from '../src/gguf/model.ts';
import { readDecoder } from '../src/huggingface/families.ts';
import { checkpointOf, converted, families } from './gguf-converted.ts';
import { ggufFile, value } from './gguf-file.ts';
import { tinyGraph } from './tiny-graph.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('every architecture of the table is tested', () => {
  expect(new Set(Object.values(families).map(({ architecture }) => architecture))).toEqual(
    new Set(architectures.keys()),
  );
});

describe.each(Object.entries(families))('%s', (_, family) => {
  const tensors = checkpointOf(family);
  const { pairs, tensors: stored } = converted(family, tensors);
  const file = async (...more: Parameters<typeof ggufFile>[0]): Promise<string> => {
    const at = path.join(folder, 'model.gguf');
    await writeFile(at, ggufFile([...pairs, ...more], stored));
    return at;
  };

  test('is the model that its config.json describes', async () => {
    await mkdir(path.join(folder, 'hub'), { recursive: true });
    await writeFile(path.join(folder, 'hub', 'config.json'), JSON.stringify(family.config));
    const { modelType, ...expected } = readDecoder(path.join(folder, 'hub'));
    const { modelType: architecture, ...decoder } = await readGgufDecoder(await file());
    expect(architecture).toBe(family.architecture);
    expect(decoder).toEqual(expected);
  });

  test('has the tensors of the checkpoint, value for value', async () => {
    const opened = await openGgufWeights(await file(), tinyGraph());
    expect([...opened.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
    for (const { name, shape, values } of tensors) {
      expect(opened.tensors.get(name)!.shape).toEqual(shape);
      const read = new Float32Array(values.length);
      await opened.read(name, 0, read);
      // Gemma's gains were rounded when 1 was added
      const most = read.reduce((worst, each, i) => Math.max(worst, Math.abs(each - values[i]!)), 0);
      expect(most).toBeLessThanOrEqual(family.architecture === 'gemma3' && name.endsWith('norm.weight') ? 2e-7 : 0);
    }
    await opened.close();
  });

  test('refuses a key that it does not have', async () => {
    const key = `${family.architecture}.attention.something`;
    await expect(readGgufDecoder(await file([key, value.f32(2)]))).rejects.toThrow(
      new RegExp(`^L206 .*${key} is 2, and what that changes is not known here`),
    );
  });
});
