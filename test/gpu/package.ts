/**
 * A package with WebGPU kernels, in memory: the runtime's files, with random weights and the probe
 * of its own WASM kernels.
 */
import { createHash } from 'node:crypto';
import { compile } from '@lamella/compiler/pipeline';
import type { FormatName } from '@lamella/compiler/program/ir';
import type { Graph } from '@lamella/graph/ir';
import type { Model } from '@lamella/runtime/api';
import type { KvName } from '@lamella/runtime/choices';
import { load } from '@lamella/runtime/every-part';
import type { Manifest, WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import type { PackageFiles } from '@lamella/runtime/package-files';
import { weightsOf } from '../conformance/weights.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The files; `change` may alter the shaders' text before it is hashed. */
export async function packageOf(
  graph: Graph,
  quant: FormatName,
  change: (code: string) => string = (code) => code,
  kv: KvName = 'f32',
): Promise<PackageFiles> {
  const compilation = await compile(graph, { quant, kv, targets: ['wasm', 'webgpu'] });
  const weightOf = weightsOf(graph);
  const files = new Map<string, Uint8Array>();
  const chunks: WeightChunk[] = [];
  for await (const { offset, bytes } of compilation.pack(async (w) => weightOf(w))) {
    const file = `weights-${chunks.length}.bin`;
    files.set(file, bytes.slice());
    chunks.push({ file, offset, bytes: bytes.length, sha256: sha256(bytes) });
  }
  const wasm = (await compilation.modules()).map(({ variant, wasm }) => {
    const file = `kernels.${variant}.wasm`;
    files.set(file, wasm);
    return { file, variant, sha256: sha256(wasm) };
  });
  const wgsl = compilation.gpu.map(({ manifest, code }) => {
    const file = `kernels.${manifest.profile}.wgsl`;
    const bytes = new TextEncoder().encode(change(code));
    files.set(file, bytes);
    return { file, sha256: sha256(bytes) };
  });
  const put = async (manifest: Manifest) =>
    files.set('manifest.json', new TextEncoder().encode(await manifestText(manifest)));
  const parts = { weights: chunks, tokenizer: null, wasm, wgsl };
  await put(compilation.manifest({ ...parts, probe: null }));
  const place: PackageFiles = {
    place: 'memory',
    read: async (name) => Uint8Array.from(files.get(name) ?? []),
  };
  const tokens = [1, 2, 3, 0, 1];
  const model = await load(place, { device: 'wasm', threads: 1 });
  const logits = await model.logits(tokens);
  model.dispose();
  await put(compilation.manifest({ ...parts, probe: { tokens, indices: [...logits.keys()], logits: [...logits] } }));
  return place;
}

/** Ids that a model generates greedily. */
export async function generated(
  model: Model,
  prompt: readonly number[],
  maxTokens: number,
): Promise<readonly number[]> {
  const generation = model.generate(prompt, { maxTokens });
  for await (const _ of generation);
  return generation.tokens;
}
