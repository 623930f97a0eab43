/**
 * From a compilation to a package folder: kernels, packed weights in hashed chunks, driver, types, tokenizer, manifest, report. The package
 * is loaded once from where it is being written to fill its golden probe, so what is put in place has run.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import type { Compilation } from '@lamella/compiler/pipeline';
import { modelReport } from '@lamella/report/report';
import type { Manifest, WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import { packageTypes } from '@lamella/source/package-types';
import { bundleRuntime } from './bundle.ts';
import { isPackage } from './package-manifest.ts';
import { probe } from './probe.ts';
import { progress } from './progress.ts';
import { replaceFolder } from './replace-folder.ts';
import type { FoundTokenizer } from './tokenizer-files.ts';

/**
 * Writes the package to `out`, which appears only when complete (see `replaceFolder`). `weights` null leaves the weights out. Throws L301
 * when `out` cannot be written, and whatever reading the weights throws.
 */
export async function buildPackage(
  compilation: Compilation,
  weights: WeightSource | null,
  tokenizer: FoundTokenizer | null,
  out: string,
): Promise<Manifest> {
  return replaceFolder(out, { replaceable: isPackage }, (folder) =>
    writePackage(compilation, weights, tokenizer, folder),
  );
}

/** The same into `folder`, which is there, empty and nobody's yet. Fails as the file system does. */
export async function writePackage(
  compilation: Compilation,
  weights: WeightSource | null,
  tokenizer: FoundTokenizer | null,
  folder: string,
): Promise<Manifest> {
  const write = (file: string, content: string | Uint8Array) => writeFile(join(folder, file), content);
  // a process of its own bundles
  const [scripts, modules] = await Promise.all([
    bundleRuntime({ tokenizer: tokenizer !== null, webgpu: compilation.gpu.length > 0 }),
    compilation.modules(),
  ]);
  const wasm = modules.map(({ variant, wasm }) => ({
    file: `kernels.${variant}.wasm`,
    variant,
    sha256: sha256(wasm),
  }));
  const { gpu } = compilation;
  const wgsl = gpu.map(({ manifest: { profile }, code }) => ({
    file: `kernels.${profile}.wgsl`,
    sha256: sha256(new TextEncoder().encode(code)),
  }));
  for (const [i, { file }] of wgsl.entries()) await write(file, gpu[i]!.code);
  for (const [i, { file }] of wasm.entries()) await write(file, modules[i]!.wasm);
  for (const { file, text } of scripts) await write(file, text);
  await write('report.html', modelReport(compilation));
  await write('package.json', json(packageJson(compilation.report.name)));
  if (tokenizer) {
    await write(tokenizer.files.file, tokenizer.tokenizer);
    await write(tokenizer.files.config, tokenizer.config);
  }
  const parts = {
    weights: weights && (await writeWeights(compilation, weights, write)),
    tokenizer: tokenizer && {
      ...tokenizer.files,
      sha256: sha256(tokenizer.tokenizer),
      configSha256: sha256(tokenizer.config),
    },
    wasm,
    wgsl,
  };
  const unproven = compilation.manifest({ ...parts, probe: null });
  await write('index.d.ts', packageTypes(unproven));
  await write('manifest.json', await manifestText(unproven));
  if (!weights) return unproven;
  const proof = { list: compilation.graph.weights, source: weights };
  const manifest = compilation.manifest({ ...parts, probe: await probe(folder, unproven, proof) });
  await write('manifest.json', await manifestText(manifest));
  return manifest;
}

async function writeWeights(
  compilation: Compilation,
  source: WeightSource,
  write: (file: string, content: Uint8Array) => Promise<void>,
): Promise<WeightChunk[]> {
  const chunks: WeightChunk[] = [];
  const packing = progress('packing weights');
  for await (const { offset, bytes } of compilation.pack((weight) => source.read(weight), packing.update)) {
    const file = `weights-${String(chunks.length).padStart(3, '0')}.bin`;
    await write(file, bytes);
    chunks.push({ file, offset, bytes: bytes.byteLength, sha256: sha256(bytes) });
  }
  packing.finish();
  return chunks;
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Makes Node and bundlers take the folder's `.js` files as ES modules wherever it lies. */
function packageJson(name: string) {
  return { name, type: 'module', exports: { '.': { types: './index.d.ts', default: './index.js' } } };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
