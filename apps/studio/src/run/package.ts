/**
 * Makes a package in the page: the files that `lamella compile --weights random:SEED` writes, held
 * in memory and handed over once.
 */
import { randomTensor } from '@lamella/checkpoint/random';
import type { Compilation } from '@lamella/compiler/compilation';
import { LamellaError } from '@lamella/graph/diagnostics';
import { bytes } from '@lamella/report/units';
import type { WeightChunk } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import type { PackageFiles } from '@lamella/runtime/package-files';
import { sha256 } from '@lamella/runtime/sha256';

/** The most bytes of weights that are made in a page, which briefly holds them twice. */
const MOST = 1 << 30;

/**
 * Throws L304 for a model whose weights are too large to be made in a page, before anything is
 * allocated.
 */
export function refuseIfTooLarge({ report, plan }: Compilation): void {
  const { bytes: size } = plan.memory.weights;
  if (size <= MOST) return;
  const what = `running ${report.name} in this page`;
  const reason = `its weights are ${bytes(size)}, and a page makes at most ${bytes(MOST)}`;
  throw new LamellaError('L304', {
    what,
    reason,
    remedy: 'weights as q4, fewer layers, or lamella compile --weights random:1',
  });
}

/**
 * Packs random weights and reports progress in bytes to `onProgress`. Each file can be read once.
 */
export async function packageOf(
  compilation: Compilation,
  seed: number,
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
  for await (const piece of compilation.pack(async (weight) => randomTensor(seed, weight), onProgress)) {
    const { offset, bytes } = piece;
    weights.push({ offset, bytes: bytes.byteLength, ...(await add(`weights-${weights.length}.bin`, bytes)) });
  }
  const manifest = compilation.manifest({ weights, tokenizer: null, probe: null, wasm, wgsl });
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
