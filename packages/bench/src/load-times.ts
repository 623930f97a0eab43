/** Loads our package and its peers in turn, each time in a browser that has just started. */
import { inThreads } from './contender.ts';
import { loadedVariant, threadCounts } from './extent.ts';
import { openHost } from './host.ts';
import { attempt, type Journal } from './journal.ts';
import { onnxTitle, titleOf, wllamaTitle } from './line-up.ts';
import { type Load, loadLamella, loadPeer, type PeerLoad } from './loading.ts';
import { type ModelFiles, site } from './model-files.ts';
import { quiet } from './quiet.ts';
import type { Results } from './results.ts';
import { turns } from './statistics.ts';

/** The longest wait for a quiet machine, before each load. */
const PATIENCE_MS = 1500;

interface Loader {
  readonly contender: string;
  readonly threads: number;
  load(): Promise<Load | PeerLoad>;
}

/** Loads each `count` times. */
export async function loadTimes(files: ModelFiles, count: number, journal: Journal): Promise<Results['loads']> {
  const host = await openHost(site);
  try {
    const loaders = loadersOf(host.origin, files);
    const loads = loaders.map((): (Load | PeerLoad)[] => []);
    for (let round = 0; round < count; round++) {
      for (const i of turns(loaders.length, round)) {
        const { contender, threads, load } = loaders[i]!;
        await quiet(PATIENCE_MS);
        const loaded = await attempt(journal, `${contender}, ${inThreads(threads)}, loading`, load);
        if (loaded) loads[i]!.push(loaded);
      }
    }
    return loaders.map(({ contender, threads }, i) => ({ contender, threads, loads: loads[i]! }));
  } finally {
    await host.close();
  }
}

function loadersOf(origin: string, { built, gguf, onnx }: ModelFiles): Loader[] {
  const title = titleOf(loadedVariant);
  return threadCounts.flatMap((threads) => [
    { contender: title, threads, load: () => loadLamella(origin, built.get(title)!, threads) },
    { contender: wllamaTitle, threads, load: () => loadPeer(origin, 'wllama', gguf, threads) },
    { contender: onnxTitle, threads, load: () => loadPeer(origin, 'onnx', onnx, threads) },
  ]);
}
