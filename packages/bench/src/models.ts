/**
 * The measured models, made in every run from the same weights, `random:1`: our packages, and the
 * same model in the peers' formats.
 */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomWeights } from '@lamella/checkpoint/random';
import { compile } from '@lamella/compiler/pipeline';
import { mobileLLM } from '@lamella/dsl';
import { exportGguf } from '@lamella/export/gguf/export';
import type { Graph } from '@lamella/graph/ir';
import type { KvName, Target } from '@lamella/runtime/choices';
import type { Manifest } from '@lamella/runtime/manifest';
import { buildPackage } from 'lamella/build-package';
import { loadGraph } from 'lamella/load-graph';
import { writeDynamicInt8 } from './onnx/dynamic-int8.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Git ignores this folder. */
export const modelsFolder = join(root, '.cache', 'bench');

/** The longest sequence, for all contenders. */
export const CONTEXT = 1024;

export const source = randomWeights(1);

export type Model = 'tiny' | '125m' | '125m-ls' | '125m-60' | '350m' | '350m-ls' | '600m' | '1b';

/**
 * `125m-60` has 60 different blocks: 125m-ls without sharing. `tiny` is for trying a measurement.
 */
export function graphOf(model: Model): Promise<Graph> | Graph {
  if (model === 'tiny') {
    return mobileLLM({ name: 'mobilellm-tiny', layers: 2, d: 96, heads: 3, kvHeads: 1, ffn: 128, vocab: 512 });
  }
  if (model === '125m-60') {
    return mobileLLM({ name: 'mobilellm-125m-60', layers: 60, d: 576, heads: 9, kvHeads: 3, ffn: 1536 });
  }
  return loadGraph(join(root, 'graphs', `mobilellm-${model}.ts`));
}

/** A package, and its folder in `modelsFolder`. */
export interface Built {
  readonly folder: string;
  readonly manifest: Manifest;
  /** f32 [width]: the residual that executions read and write. */
  readonly residual: { readonly address: number; readonly width: number };
}

export interface Variant {
  readonly model: Model;
  readonly quant: 'q4' | 'q8';
  readonly kv: KvName;
}

/** Compiles a package. */
export async function buildVariant(
  { model, quant, kv }: Variant,
  targets: readonly Target[] = ['wasm'],
): Promise<Built> {
  const folder = `${model}-${quant}${kv === 'q8' ? '-kv8' : ''}`;
  const compilation = await compile(await graphOf(model), { quant, kv, context: CONTEXT, targets });
  const { program, bufferAddress } = compilation.plan;
  const [x] = program.carried as readonly [number];
  const residual = { address: bufferAddress[x]!, width: program.buffers[x]!.width };
  return {
    folder,
    manifest: await buildPackage({ compilation, weights: source, tokenizer: null }, join(modelsFolder, folder)),
    residual,
  };
}

/**
 * Writes MobileLLM-125M as GGUF with Q4_0 throughout, including table and head: llama.cpp's fastest
 * form. Returns the file's name.
 */
export async function buildGguf(): Promise<string> {
  const name = '125m.q4_0.gguf';
  await mkdir(modelsFolder, { recursive: true });
  const file = await open(join(modelsFolder, name), 'w');
  try {
    await exportGguf(await graphOf('125m'), source, { type: 'q4_0' }, (bytes) => file.appendFile(bytes));
  } finally {
    await file.close();
  }
  return name;
}

/** Writes MobileLLM-125M as dynamic int8 ONNX. Returns the file's name. */
export async function buildOnnx(): Promise<string> {
  const name = '125m.int8.onnx';
  await mkdir(modelsFolder, { recursive: true });
  await writeDynamicInt8(join(modelsFolder, name), await graphOf('125m'), source);
  return name;
}
