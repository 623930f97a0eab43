/**
 * Turns a compilation into a package folder: kernels, packed weights in hashed chunks, driver,
 * types, tokenizer, manifest, report. To fill its golden probe, the package is loaded once from its
 * temporary folder, so every finished package has run.
 */
import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import type { Compilation } from '@lamella/compiler/compilation';
import { LamellaError } from '@lamella/graph/diagnostics';
import { modelReport } from '@lamella/report/report';
import type { Manifest, WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import type { FoundTokenizer } from '../model/tokenizer-files.ts';
import { progress } from '../terminal/progress.ts';
import { bundleRuntime, parcelName } from './bundle.ts';
import { type NpmChoices, packageJson, packageName } from './package-json.ts';
import { isPackage } from './package-manifest.ts';
import { packageTypes } from './package-types.ts';
import { probe } from './probe.ts';
import { licence, readme } from './readme.ts';
import { replaceFolder } from './replace-folder.ts';
import { summary } from './summary.ts';

/**
 * Writes the package to `out`, which appears only when complete (see `replaceFolder`). With
 * `weights` null the package has no weights; a package with weights is then replaced only with
 * `force`. Throws L301 if `out` cannot be written, and the errors of reading the weights.
 */
export async function buildPackage(
  compilation: Compilation,
  weights: WeightSource | null,
  tokenizer: FoundTokenizer | null,
  out: string,
  { force = false, ...npm }: NpmChoices & { readonly force?: boolean } = {},
): Promise<Manifest> {
  const replaceable = async (folder: string): Promise<boolean> => {
    if (!(await isPackage(folder))) return false;
    if (weights !== null || force || !(await hasWeights(folder))) return true;
    const reason = 'the package there has weights, and the new one would have none';
    throw new LamellaError('L301', { path: out, reason, remedy: '--weights SOURCE, another --out, or --force' });
  };
  return replaceFolder(out, { replaceable }, (folder) => writePackage(compilation, weights, tokenizer, folder, npm));
}

async function hasWeights(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((file) => /^weights-\d+\.bin$/.test(file));
}

/**
 * Writes the package into `folder`, which exists and is empty. Fails with the file system's errors.
 */
export async function writePackage(
  compilation: Compilation,
  weights: WeightSource | null,
  tokenizer: FoundTokenizer | null,
  folder: string,
  npm: NpmChoices = {},
): Promise<Manifest> {
  const written = new Map<string, string>();
  const write = async (file: string, content: string | Uint8Array) => {
    const hash = createHash('sha256').update(content).digest('hex');
    for (const name of new Set([file, parcelName(file)])) {
      written.set(name, hash);
      await writeFile(join(folder, name), content);
    }
    return hash;
  };
  const modules = await compilation.modules();
  const wasm = [];
  for (const { variant, wasm: code } of modules) {
    const file = `kernels.${variant}.wasm`;
    wasm.push({ file, variant, sha256: await write(file, code) });
  }
  const { gpu } = compilation;
  const wgsl = [];
  for (const { manifest, code } of gpu) {
    const file = `kernels.${manifest.profile}.wgsl`;
    wgsl.push({ file, sha256: await write(file, code) });
  }
  const parts = {
    weights: weights && (await writeWeights(compilation, weights, write)),
    tokenizer: tokenizer && {
      ...tokenizer.files,
      sha256: await write(tokenizer.files.file, tokenizer.tokenizer),
      configSha256: await write(tokenizer.files.config, tokenizer.config),
    },
    wasm,
    wgsl,
  };
  const unproven = compilation.manifest({ ...parts, probe: null });
  const id = (await write('manifest.json', await manifestText(unproven))).slice(0, 16);
  const { name } = compilation.report;
  const files = ['manifest.json', ...[...wasm, ...wgsl, ...(parts.weights ?? [])].map(({ file }) => file)];
  if (tokenizer) files.push(tokenizer.files.file);
  const contents = { name, id, tokenizer: tokenizer !== null, webgpu: gpu.length > 0, files };
  for (const { file, text } of await bundleRuntime(contents)) await write(file, text);
  const packaged = packageName(name, npm);
  for (const file of ['index.d.ts', 'index.d.cts']) await write(file, packageTypes(packaged, unproven));
  await write('README.md', readme(packaged, unproven));
  await write('LICENSE', licence);
  await write('report.html', modelReport(compilation));
  // Only this file makes the scripts ES modules, so it is written before they run.
  const finish = () => writeFile(join(folder, 'package.json'), packageJson(name, summary(unproven), written, npm));
  await finish();
  if (!weights) return unproven;
  const proof = { list: compilation.graph.weights, source: weights };
  const manifest = compilation.manifest({ ...parts, probe: await probe(folder, unproven, proof) });
  await write('manifest.json', await manifestText(manifest));
  await finish();
  return manifest;
}

async function writeWeights(
  compilation: Compilation,
  source: WeightSource,
  write: (file: string, content: Uint8Array) => Promise<string>,
): Promise<WeightChunk[]> {
  const chunks: WeightChunk[] = [];
  const packing = progress('packing weights');
  for await (const { offset, bytes } of compilation.pack((weight) => source.read(weight), packing.update)) {
    const file = `weights-${String(chunks.length).padStart(3, '0')}.bin`;
    chunks.push({ file, offset, bytes: bytes.byteLength, sha256: await write(file, bytes) });
  }
  packing.finish();
  return chunks;
}
