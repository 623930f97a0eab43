/**
 * Measures our packages on this machine's GPU, in each profile it supports: the models in turn,
 * rounds alternating in direction. Each model is made here from random weights, which needs no
 * network, and passes its self-test on loading.
 */
import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestText } from '@lamella/runtime/manifest-file';
import { measured, type Work } from 'lamella/bench/host';
import { openPackage } from 'lamella/open-package';
import { manifestAt } from 'lamella/package-manifest';
import { buildVariant, type Model, modelsFolder } from '../models.ts';
import { type Failure, reasonOf, within } from '../patience.ts';
import { turns } from '../statistics.ts';
import type { GpuSeries } from './results.ts';

/** What is measured of every model; rates are tokens/s. */
export interface Extent {
  /** The models of a group are measured in turn. */
  readonly groups: readonly (readonly Model[])[];
  readonly rounds: number;
  /** The prompt's rate comes from the first, the rate of further tokens from the second. */
  readonly prefill: Work;
  readonly decode: Work;
}

/** A package on the GPU, and its results so far. */
interface Subject {
  readonly series: GpuSeries & { readonly prefill: number[]; readonly decode: number[] };
  /** Tokens/s of the prompt, and of further tokens. */
  run(work: Work): Promise<{ readonly prefillTokensPerSecond: number; readonly decodeTokensPerSecond: number }>;
  close(): void;
}

/**
 * Builds and measures a group. A model that cannot be loaded, fails or hangs is reported to `fail`;
 * the others continue.
 */
export async function measureGroup(
  models: readonly Model[],
  profiles: readonly string[],
  { rounds, prefill, decode }: Extent,
  fail: (failure: Failure) => void,
): Promise<readonly GpuSeries[]> {
  const subjects: Subject[] = [];
  const failed = new Set<Subject>();
  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await within(work());
      return true;
    } catch (cause) {
      fail({ what, reason: reasonOf(cause) });
      return false;
    }
  };
  for (const model of models) {
    const { folder } = await buildVariant({ model, quant: 'q4', kv: 'f32' }, ['wasm', 'webgpu']);
    for (const profile of profiles)
      await attempt(`${model}, ${profile} profile`, async () => {
        subjects.push(await opened(model, profile, join(modelsFolder, folder)));
      });
  }
  // round 0 is not counted
  for (let round = 0; round <= rounds; round++) {
    for (const i of turns(subjects.length, round)) {
      const subject = subjects[i]!;
      const { series, run } = subject;
      if (failed.has(subject)) continue;
      const ran = await attempt(`${series.model}, ${series.profile} profile`, async () => {
        const rates = [(await run(prefill)).prefillTokensPerSecond, (await run(decode)).decodeTokensPerSecond] as const;
        if (round === 0) return;
        series.prefill.push(rates[0]);
        series.decode.push(rates[1]);
      });
      if (!ran) failed.add(subject);
    }
  }
  for (const { close } of subjects) close();
  return subjects.filter((subject) => !failed.has(subject)).map(({ series }) => series);
}

/**
 * Opens the package on the GPU with kernels of one profile only. A fallback to anything else, now
 * or later, is an error.
 */
async function opened(model: Model, profile: string, folder: string): Promise<Subject> {
  const began = performance.now();
  const loaded = await openPackage(await withProfile(folder, profile), { device: 'webgpu', threads: 1 });
  const loadMs = performance.now() - began;
  const { why, device } = loaded.running;
  if (device !== 'webgpu') {
    loaded.dispose();
    throw new Error(why);
  }
  const { webgpu, slowMemoryBytesPerToken } = loaded.manifest.report;
  const { dispatchesPerToken } = webgpu!;
  return {
    series: {
      model,
      profile,
      loadMs,
      dispatchesPerToken,
      bytesPerToken: slowMemoryBytesPerToken,
      prefill: [],
      decode: [],
    },
    async run(work) {
      const rates = await measured(loaded, work);
      if (loaded.running.why !== why) throw new Error(loaded.running.why);
      return rates;
    },
    close: () => loaded.dispose(),
  };
}

/** A folder with the same files and a manifest with only one profile. */
async function withProfile(folder: string, profile: string): Promise<string> {
  const own = `${folder}-${profile}`;
  await rm(own, { recursive: true, force: true });
  await mkdir(own);
  for (const file of await readdir(folder)) await link(join(folder, file), join(own, file));
  const manifest = await manifestAt(folder);
  const webgpu = manifest.webgpu!.filter((target) => target.profile === profile);
  await rm(join(own, 'manifest.json'));
  await writeFile(join(own, 'manifest.json'), await manifestText({ ...manifest, webgpu }));
  return own;
}
