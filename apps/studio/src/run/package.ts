/**
 * Makes a package in the page: the files that the runtime reads of a package of `lamella compile
 * --weights`, held in memory and handed over once.
 */
import { randomTensor } from '@lamella/checkpoint/random';
import type { Compilation } from '@lamella/compiler/compilation';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Weight } from '@lamella/graph/ir';
import { bytes } from '@lamella/report/units';
import type { TokenizerFiles, WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import type { PackageFiles } from '@lamella/runtime/package-files';
import { sha256 } from '@lamella/runtime/sha256';
import { packTokenizer } from '@lamella/runtime/tokenizer/pack';

/** The most bytes of weights that are made in a page, which briefly holds them twice. */
const MOST = 1 << 30;

/**
 * Throws L304 for a model whose weights are too large to be made in a page, before anything is
 * allocated.
 */
export function refuseIfTooLarge({ report, plan }: Compilation, doing: 'running' | 'downloading'): void {
  const { bytes: size } = plan.memory.weights;
  if (size <= MOST) return;
  const what = `${doing} ${report.name} in this page`;
  const reason = `its weights are ${bytes(size)}, and a page makes at most ${bytes(MOST)}`;
  throw new LamellaError('L304', {
    what,
    reason,
    remedy: 'weights as q4, fewer layers, or lamella compile --weights random:1',
  });
}

/** The values of weights, and the tokenizer that belongs to them. */
export interface Weights {
  /** Weight `index` of the graph: f32, row-major. */
  read(weight: Weight, index: number): Promise<Float32Array>;
  readonly tokenizer: FoundTokenizer | null;
}

/** A tokenizer, and how the runtime uses its files. */
export interface FoundTokenizer {
  readonly files: Omit<TokenizerFiles, 'sha256' | 'configSha256'>;
  /** The texts of `tokenizer.json` and `tokenizer_config.json`. */
  readonly tokenizer: string;
  readonly config: string;
}

/** `random:SEED`, without a tokenizer. */
export function randomWeights(seed: number): Weights {
  return { read: async (weight) => randomTensor(seed, weight), tokenizer: null };
}

/** Packs weights and reports progress in bytes to `onProgress`. Each file can be read once. */
export async function packageOf(
  compilation: Compilation,
  { read, tokenizer }: Weights,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<PackageFiles> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const add = async (file: string, content: Uint8Array) => {
    const own = content as Uint8Array<ArrayBuffer>;
    files.set(file, own);
    return { file, sha256: await sha256(own) };
  };
  const { gpu } = compilation;
  const wasm = [];
  for (const { variant, wasm: content } of await compilation.modules())
    wasm.push({ ...(await add(`kernels.${variant}.wasm`, content)), variant });
  const wgsl = [];
  for (const { manifest, code } of gpu)
    wgsl.push(await add(`kernels.${manifest.profile}.wgsl`, new TextEncoder().encode(code)));
  const weights: WeightChunk[] = [];
  const indexes = new Map(compilation.graph.weights.map(({ name }, index) => [name, index]));
  const values = (weight: Weight) => read(weight, indexes.get(weight.name)!);
  for await (const piece of compilation.pack(values, onProgress)) {
    const { offset, bytes } = piece;
    weights.push({ offset, bytes: bytes.byteLength, ...(await add(`weights-${weights.length}.bin`, bytes)) });
  }
  const encode = (text: string) => new TextEncoder().encode(text);
  const packed = tokenizer && {
    ...tokenizer.files,
    sha256: (await add(tokenizer.files.file, packTokenizer(JSON.parse(tokenizer.tokenizer)))).sha256,
    configSha256: (await add(tokenizer.files.config, encode(tokenizer.config))).sha256,
  };
  const manifest = compilation.manifest({ weights, tokenizer: packed, probe: null, wasm, wgsl });
  await add('manifest.json', new TextEncoder().encode(await manifestText(manifest)));
  return {
    place: `${manifest.name}, made in this page`,
    async read(name) {
      const content = files.get(name);
      if (!content) throw new Error('there is no such file');
      files.delete(name);
      return content;
    },
  };
}
