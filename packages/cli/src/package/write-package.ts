/**
 * Turns a compilation into a package: kernels, packed weights in hashed chunks, driver, types,
 * tokenizer, manifest, report. To fill its golden probe, the package is loaded once, so every
 * finished package has run. It runs in Node and in the studio's page: the caller provides what only
 * one of them has, the place of the files and the runtime's texts.
 */
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import type { Compilation } from '@lamella/compiler/compilation';
import { modelReport } from '@lamella/report/report';
import type { Model } from '@lamella/runtime/api';
import type { Manifest, WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import { sha256 } from '@lamella/runtime/sha256';
import type { Observed } from '../api/options.ts';
import type { FoundTokenizer } from '../model/tokenizer-files.ts';
import { type Face, facesOf } from './faces.ts';
import { type NpmChoices, packageJson, packageName } from './package-json.ts';
import { packageTypes } from './package-types.ts';
import { probe } from './probe.ts';
import { licence, readme } from './readme.ts';
import { type Parts, parcelName, type Script, withHeaders } from './scripts.ts';
import { summary } from './summary.ts';

export type { Script } from './scripts.ts';
export { packageName };

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

/** Where the files of a package go. */
export interface Destination {
  write(file: string, content: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Loads the package from the files that were written. */
  open(): Promise<Model>;
}

/** The texts of a package that are made from the runtime's sources, equal for all models. */
export interface RuntimeTexts {
  /** The scripts of a package with these parts, without their headers. */
  bundles(parts: Parts): Promise<readonly Script[]>;
  /** The script of a face. */
  face(face: Face): Promise<Script>;
  /** The types that every package has. */
  readonly apiTypes: string;
  /** The types of a face. */
  faceTypes(face: Face): string;
}

/** The kernels of the probe. */
export const plain = { device: 'wasm', threads: 1 } as const;

/** Writes the package to `destination`. */
export async function writePackage(
  { compilation, weights, tokenizer }: PackageParts,
  destination: Destination,
  texts: RuntimeTexts,
  { onProgress, signal, ...npm }: Writing = {},
): Promise<Manifest> {
  const written = new Map<string, string>();
  const write = async (file: string, content: string | Uint8Array) => {
    signal?.throwIfAborted();
    // No content is in shared memory.
    const bytes = typeof content === 'string' ? encoded(content) : (content as Uint8Array<ArrayBuffer>);
    const hash = await sha256(bytes);
    for (const name of new Set([file, parcelName(file)])) {
      written.set(name, hash);
      await destination.write(name, bytes);
    }
    return hash;
  };
  const { gpu } = compilation;
  const chat = tokenizer?.chat?.note === null ? tokenizer.chat : null;
  const kinds = { tokenizer: tokenizer !== null, chat: chat !== null, webgpu: gpu.length > 0 };
  const faces = facesOf(kinds);
  // In Node, esbuild works on the scripts while the kernels are assembled.
  const bundles = texts.bundles(kinds);
  const faceScripts = faces.map((face) => texts.face(face));
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
  const contents = { ...kinds, name, id, files };
  for (const { file, text } of withHeaders(await bundles, contents)) await write(file, text);
  const packaged = packageName(name, npm);
  for (const file of ['index.d.ts', 'index.d.cts']) await write(file, packageTypes(packaged, unproven, texts.apiTypes));
  for (const { file, text } of await Promise.all(faceScripts)) await write(file, text);
  for (const face of faces) await write(`${face.name}.d.ts`, texts.faceTypes(face));
  await write('README.md', readme(packaged, unproven));
  await write('LICENSE', licence);
  await write('report.html', modelReport(compilation));
  // Only this file makes the scripts ES modules, so it is written before they run.
  const finish = async () => {
    const text = await packageJson(name, summary(unproven), written, faces, npm);
    await destination.write('package.json', encoded(text));
  };
  await finish();
  if (!weights) return unproven;
  const proof = { list: compilation.graph.weights, source: weights };
  signal?.throwIfAborted();
  const manifest = compilation.manifest({ ...parts, probe: await probe(await destination.open(), unproven, proof) });
  await write('manifest.json', await manifestText(manifest));
  await finish();
  return manifest;
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
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
