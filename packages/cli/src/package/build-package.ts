/**
 * Turns a compilation into a package: kernels, packed weights in hashed chunks, driver, types,
 * tokenizer, manifest, report. Its files go to a folder or stay in memory. To fill its golden probe,
 * the package is loaded once from its temporary folder or from memory, so every finished package has
 * run.
 */
import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import type { Compilation } from '@lamella/compiler/compilation';
import { LamellaError } from '@lamella/graph/diagnostics';
import { modelReport } from '@lamella/report/report';
import type { Model } from '@lamella/runtime/api';
import type { Manifest, WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import type { PackageInMemory } from '../api/model.ts';
import type { Observed } from '../api/options.ts';
import type { FoundTokenizer } from '../model/tokenizer-files.ts';
import { bundleFace, bundleRuntime, bundles, parcelName } from './bundle.ts';
import { facesOf, faceTypes } from './faces.ts';
import { openFiles, openPackage } from './open-package.ts';
import { type NpmChoices, packageJson, packageName } from './package-json.ts';
import { isPackage } from './package-manifest.ts';
import { packageTypes } from './package-types.ts';
import { probe } from './probe.ts';
import { licence, readme } from './readme.ts';
import { replaceFolder } from './replace-folder.ts';
import { summary } from './summary.ts';

/** What a package is made from. With `weights` null it has no weights. */
export interface PackageParts {
  readonly compilation: Compilation;
  readonly weights: WeightSource | null;
  readonly tokenizer: FoundTokenizer | null;
}

/** How a package is written. */
export interface Writing extends NpmChoices, Pick<Observed, 'onProgress' | 'signal'> {
  /** Replace even a package with weights by one without. */
  readonly force?: boolean | undefined;
}

/**
 * Writes the package to `out`, which appears only when complete (see `replaceFolder`). A package
 * with weights is replaced by one without only with `force`. Throws L301 if `out` cannot be
 * written, and the errors of reading the weights.
 */
export function buildPackage(parts: PackageParts, out: string, writing: Writing = {}): Promise<Manifest> {
  return replacePackage(out, parts.weights !== null, writing, (folder) =>
    writePackage(parts, inFolder(folder), writing),
  );
}

/** Writes the files of a package in memory to `out`. Throws L301 like `buildPackage`. */
export function writeFiles({ manifest, files }: PackageInMemory, out: string, writing: Writing = {}): Promise<void> {
  return replacePackage(out, manifest.weights !== null, writing, async (folder) => {
    for (const [name, content] of Object.entries(files)) {
      writing.signal?.throwIfAborted();
      await writeFile(join(folder, name), content);
    }
  });
}

function replacePackage<T>(
  out: string,
  weighted: boolean,
  { force = false }: Writing,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  const replaceable = async (folder: string): Promise<boolean> => {
    if (!(await isPackage(folder))) return false;
    if (weighted || force || !(await hasWeights(folder))) return true;
    const reason = 'the package there has weights, and the new one would have none';
    throw new LamellaError('L301', { path: out, reason, remedy: '--weights SOURCE, another --out, or --force' });
  };
  return replaceFolder(out, { replaceable }, write);
}

async function hasWeights(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((file) => /^weights-\d+\.bin$/.test(file));
}

/** Where the files of a package go. */
interface Destination {
  write(file: string, content: string | Uint8Array): Promise<void>;
  /** Loads the package from the files that were written. */
  open(): Promise<Model>;
}

/** A folder, which exists and is empty. Writing fails with the file system's errors. */
export function inFolder(folder: string): Destination {
  return {
    write: (file, content) => writeFile(join(folder, file), content),
    open: () => openPackage(folder, plain),
  };
}

/** Makes the package in memory. Throws the errors of reading the weights. */
export async function memoryPackage(parts: PackageParts, writing: Writing = {}): Promise<PackageInMemory> {
  const files: Record<string, Uint8Array> = {};
  const text = new TextEncoder();
  const manifest = await writePackage(
    parts,
    {
      write: async (file, content) => {
        files[file] = typeof content === 'string' ? text.encode(content) : content;
      },
      open: () => openFiles(parts.compilation.report.name, files, plain),
    },
    writing,
  );
  return { manifest, files };
}

/** The kernels of the probe. */
const plain = { device: 'wasm', threads: 1 } as const;

/** Writes the package to `destination`. */
export async function writePackage(
  { compilation, weights, tokenizer }: PackageParts,
  destination: Destination,
  { onProgress, signal, ...npm }: Writing = {},
): Promise<Manifest> {
  const written = new Map<string, string>();
  const write = async (file: string, content: string | Uint8Array) => {
    signal?.throwIfAborted();
    const hash = createHash('sha256').update(content).digest('hex');
    for (const name of new Set([file, parcelName(file)])) {
      written.set(name, hash);
      await destination.write(name, content);
    }
    return hash;
  };
  const { gpu } = compilation;
  const chat = tokenizer?.chat?.note === null ? tokenizer.chat : null;
  const kinds = { tokenizer: tokenizer !== null, chat: chat !== null, webgpu: gpu.length > 0 };
  const faces = facesOf(kinds);
  // esbuild works on the scripts while the kernels are assembled.
  bundles(kinds);
  for (const face of faces) bundleFace(face);
  const modules = await compilation.modules();
  const wasm = [];
  for (const { variant, wasm: code } of modules) {
    const file = `kernels.${variant}.wasm`;
    wasm.push({ file, variant, sha256: await write(file, code) });
  }
  const wgsl = [];
  for (const { manifest, code } of gpu) {
    const file = `kernels.${manifest.profile}.wgsl`;
    wgsl.push({ file, sha256: await write(file, code) });
  }
  const parts = {
    weights: weights && (await writeWeights(compilation, weights, write, onProgress)),
    tokenizer: tokenizer && {
      ...tokenizer.files,
      sha256: await write(tokenizer.files.file, tokenizer.packed),
      configSha256: await write(tokenizer.files.config, tokenizer.config),
      ...(chat && {
        chat: { file: chat.file, sha256: await write(chat.file, chat.template), variables: chat.variables },
      }),
    },
    wasm,
    wgsl,
  };
  const unproven = compilation.manifest({ ...parts, probe: null });
  const id = (await write('manifest.json', await manifestText(unproven))).slice(0, 16);
  const { name } = compilation.report;
  const files = ['manifest.json', ...[...wasm, ...wgsl, ...(parts.weights ?? [])].map(({ file }) => file)];
  if (tokenizer) files.push(tokenizer.files.file);
  if (chat) files.push(chat.file);
  for (const { file, text } of await bundleRuntime({ ...kinds, name, id, files })) await write(file, text);
  const packaged = packageName(name, npm);
  for (const file of ['index.d.ts', 'index.d.cts']) await write(file, packageTypes(packaged, unproven));
  for (const face of faces) {
    await write(`${face.name}.js`, (await bundleFace(face)).text);
    await write(`${face.name}.d.ts`, faceTypes(face));
  }
  await write('README.md', readme(packaged, unproven));
  await write('LICENSE', licence);
  await write('report.html', modelReport(compilation));
  // Only this file makes the scripts ES modules, so it is written before they run.
  const finish = () => destination.write('package.json', packageJson(name, summary(unproven), written, faces, npm));
  await finish();
  if (!weights) return unproven;
  const proof = { list: compilation.graph.weights, source: weights };
  signal?.throwIfAborted();
  const manifest = compilation.manifest({ ...parts, probe: await probe(await destination.open(), unproven, proof) });
  await write('manifest.json', await manifestText(manifest));
  await finish();
  return manifest;
}

async function writeWeights(
  compilation: Compilation,
  source: WeightSource,
  write: (file: string, content: Uint8Array) => Promise<string>,
  onProgress: Observed['onProgress'],
): Promise<WeightChunk[]> {
  const chunks: WeightChunk[] = [];
  const packed = (done: number, total: number) => onProgress?.({ step: 'packing weights', done, total });
  for await (const { offset, bytes } of compilation.pack((weight) => source.read(weight), packed)) {
    const file = `weights-${String(chunks.length).padStart(3, '0')}.bin`;
    chunks.push({ file, offset, bytes: bytes.byteLength, sha256: await write(file, bytes) });
  }
  return chunks;
}
