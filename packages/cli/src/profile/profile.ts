/**
 * What a device can do, measured with small compiled packages: the reading speed of its memories,
 * and the kernels of every format with each number of threads.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FormatName, formatNames, targets } from '@lamella/runtime/choices';
import { compile } from '../api/compile.ts';
import { LamellaError } from '../api/lamella-error.ts';
import type { Observed } from '../api/options.ts';
import type { Host } from '../bench/host.ts';
import type { DeviceProfile, KernelProfile } from '../contract.ts';
import { compileProbes, measureKernels } from './measure.ts';
import { one } from './probes.ts';
import { fastMemory, readWork } from './reads.ts';

export interface ProfileOptions extends Pick<Observed, 'onProgress' | 'signal'> {
  /** The numbers of threads to measure. Default: 1, 2 and so on, doubled up to the cores. */
  readonly threads?: readonly number[] | undefined;
  /** The formats to measure. Default: all. */
  readonly quants?: readonly FormatName[] | undefined;
}

/** The largest number of threads of a package. */
const MOST_THREADS = 8;

/**
 * Measures the device of a host, in about a minute. Best of many short runs, so other work on the
 * device lengthens the measurement more than it changes the figures. Throws L301 if the packages
 * cannot be written, L412 for threads that the host cannot start.
 */
export async function profile(
  host: Host,
  { threads, quants = formatNames, onProgress, signal }: ProfileOptions = {},
): Promise<DeviceProfile> {
  const about = await host.about();
  const counts = threads ?? powersOfTwo(Math.min(about.cores ?? 1, MOST_THREADS));
  const folder = await mkdtemp(join(tmpdir(), 'lamella-profile-'));
  const total = 1 + quants.length * (1 + counts.length);
  let done = 0;
  const advance = async () => {
    onProgress?.({ step: 'measuring', done: ++done, total });
    await host.show?.({ line: `measuring, ${done} of ${total}`, share: done / total });
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  };
  try {
    const reads = await host.reads(await readWork());
    await advance();
    const kernels: KernelProfile[] = [];
    const target = (await hasGpu(host)) ? targets : (['wasm'] as const);
    for (const quant of quants) {
      const probes = await compileProbes(quant, (graph) =>
        compile(graph, { weights: 'random:1', quant, target, out: join(folder, `${quant}-${graph.name}`) }),
      );
      await advance();
      for (const count of counts) {
        kernels.push(await measureKernels(host, probes, { device: 'wasm', threads: count }));
        await advance();
      }
      if (target === targets) kernels.push(await measureKernels(host, probes, { device: 'webgpu', threads: 1 }));
    }
    return {
      format: 'lamella-profile/1',
      ...about,
      fastMemoryBytes: fastMemory(reads),
      threads: bestThreads(kernels),
      reads,
      kernels: kernels.map((each) => withBarrier(each, kernels)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether a package that is asked to compute on a GPU does so; the CPU as an adapter does not count. */
async function hasGpu(host: Host): Promise<boolean> {
  const model = await compile(one.graph, { weights: 'random:1', target: 'webgpu' });
  try {
    const subject = await host.open(model, { device: 'webgpu', threads: 1 });
    await subject.close();
    return subject.running.device === 'webgpu';
  } catch (cause) {
    // Node without the package `webgpu`.
    if (cause instanceof LamellaError && cause.code === 'L412') return false;
    throw cause;
  }
}

function powersOfTwo(most: number): readonly number[] {
  return Array.from({ length: 1 + Math.floor(Math.log2(most)) }, (_, power) => 2 ** power);
}

/** The number of threads that reads the largest working set fastest, of the last format. */
function bestThreads(kernels: readonly KernelProfile[]): number {
  const speed = ({ weights }: KernelProfile) => weights.at(-1)!.gbPerSecond;
  const same = kernels.filter(({ quant, target }) => quant === kernels.at(-1)!.quant && target === 'wasm');
  return same.reduce((best, each) => (speed(each) > speed(best) ? each : best)).threads;
}

/** The part of a call that one thread does not have. The work of a call is divided by the threads. */
function withBarrier(kernels: KernelProfile, all: readonly KernelProfile[]): KernelProfile {
  const one = all.find((each) => each.threads === 1 && each.quant === kernels.quant && each.target === kernels.target);
  if (kernels.threads === 1 || !one) return kernels;
  const barrierUs = Math.max(0, kernels.dispatchUs! - one.dispatchUs! / kernels.threads);
  return { ...kernels, barrierUs };
}
