/**
 * Measures a device with the packages of `probes.ts`, through the same hosts and the same API as
 * `bench`; `solve.ts` makes figures of the times. Every time is the best of many short runs: other
 * work on the machine lengthens some of them, and shortens none.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { FormatName, Target } from '@lamella/runtime/choices';
import type { Package } from '../api/model.ts';
import type { Host, Measured, Subject, Work } from '../bench/host.ts';
import type { KernelProfile } from '../contract.ts';
import { blocks, calls, one, type Probe } from './probes.ts';
import { figuresOf, type TwoTimings } from './solve.ts';
import { stateBytes, tokenWork } from './work.ts';

/**
 * A measurement ends when this many runs have been as fast as the fastest, apart from a small part,
 * or after a time: on a machine with other work the undisturbed runs are few, and it takes longer
 * to see that nothing is faster.
 */
const CONFIRMED = 4;
const PART = 0.03;
const LONGEST_MS = 4000;
/** It lasts at least this long, because the engine optimises code only after some time. */
const SHORTEST_MS = 200;
/** Milliseconds that the tokens of a run take at least, because clocks of browsers have steps. */
const RUN_MS = 1;
/** Tokens of a prompt, and the position at which keys and values are many. */
const PROMPT = 64;
const SHORT_PROMPT = 8;
const LATE = 192;
/** Bytes of weights of the larger working sets. */
const WORKING_SETS: readonly number[] = [6 << 20, 40 << 20];

/** A probe as a package. */
interface Compiled extends Probe {
  readonly model: Package;
}

/** The packages of one format. */
export interface Probes {
  readonly quant: FormatName;
  readonly one: Compiled;
  readonly calls: Compiled;
  /** By working set, smallest first. */
  readonly blocks: readonly Compiled[];
}

export async function compileProbes(
  quant: FormatName,
  compile: (probe: Probe['graph']) => Promise<Package>,
  workingSets = WORKING_SETS,
): Promise<Probes> {
  const compiled = async (probe: Probe): Promise<Compiled> => ({ ...probe, model: await compile(probe.graph) });
  const smallest = await compiled(blocks(1));
  const block = tokenWork(smallest.model.manifest, 'wasm').reads.find(({ bytes }) => bytes > 1 << 18)!.bytes;
  const sets = workingSets.map((bytes) => Math.round(bytes / block));
  const larger: Compiled[] = [];
  for (const count of sets) if (count > 1) larger.push(await compiled(blocks(count)));
  return { quant, one: await compiled(one), calls: await compiled(calls), blocks: [smallest, ...larger] };
}

/**
 * Profiles the kernels of one format. If no figures explain the times, measures again; throws L316
 * if that does not help.
 */
export async function measureKernels(host: Host, probes: Probes, on: On): Promise<KernelProfile> {
  for (let left = 2; ; left--) {
    try {
      return await measuredOnce(host, probes, on);
    } catch (cause) {
      if (left === 0 || !(cause instanceof LamellaError && cause.code === 'L316')) throw cause;
    }
  }
}

/** The target, and the number of threads. */
interface On {
  readonly device: Target;
  readonly threads: number;
}

async function measuredOnce(host: Host, probes: Probes, on: On): Promise<KernelProfile> {
  const one = await measured(host, probes.one, on);
  const calls = await measured(host, probes.calls, on, true);
  const blocks: Timed[] = [];
  for (const probe of probes.blocks) blocks.push(await measured(host, probe, on, blocks.length === 0));
  const [first, ...larger] = blocks as [Timed, ...Timed[]];
  const { threads, kernels } = first.running;
  return {
    ...{ target: on.device, threads, quant: probes.quant, kernels },
    ...figuresOf({ one, calls, blocks: [first, ...larger] }, probes.quant),
  };
}

interface Timed extends TwoTimings {
  readonly running: Subject['running'];
}

/** The times of one probe; `late` also measures a late position, else that is the early one. */
async function measured(host: Host, { model, macs }: Compiled, on: On, late = false): Promise<Timed> {
  const subject = await host.open(model, on);
  const { manifest, running, loadMs } = subject;
  const { calls, bytes, reads } = tokenWork(manifest, on.device);
  /** A token after a prompt of this length, and after some more tokens. */
  const token = async (promptTokens: number, generatedTokens: number) => {
    const { decodeTokensPerSecond } = await fastest(subject, { promptTokens, generatedTokens });
    return {
      tokenUs: 1e6 / decodeTokensPerSecond,
      stateBytes: stateBytes(manifest, promptTokens + generatedTokens / 2),
    };
  };
  try {
    const { decodeTokensPerSecond } = await subject.run({ promptTokens: SHORT_PROMPT, generatedTokens: 3 });
    const tokens = 3 + Math.ceil((RUN_MS / 1e3) * decodeTokensPerSecond);
    const early = await token(SHORT_PROMPT, Math.min(32, tokens));
    const prompt = await fastest(subject, { promptTokens: PROMPT, generatedTokens: 3 });
    return {
      ...early,
      ...{ calls, bytes, macs, loadMs, running, weightBytes: manifest.memory.weights.bytes },
      // Apart from the first and the last row: the bytes between two reads of the same block.
      workingSetBytes: Math.min(...reads.slice(1, -1).map(({ distance }) => distance)),
      promptUs: 1e6 / prompt.prefillTokensPerSecond,
      late: late ? await token(LATE, 3) : early,
    };
  } finally {
    await subject.close();
  }
}

/** The highest speeds of several runs. */
export async function fastest(subject: Subject, work: Work) {
  const runs: Measured[] = [];
  const fastest = (key: Speed) => Math.max(...runs.map((run) => run[key]));
  const confirmed = (key: Speed) => {
    const enough = fastest(key) * (1 - PART);
    return runs.filter((run) => run[key] >= enough).length >= CONFIRMED;
  };
  const start = performance.now();
  const spentMs = () => performance.now() - start;
  do runs.push(await subject.run(work));
  while (spentMs() < SHORTEST_MS || (spentMs() < LONGEST_MS && !speeds.every(confirmed)));
  return {
    decodeTokensPerSecond: fastest('decodeTokensPerSecond'),
    prefillTokensPerSecond: fastest('prefillTokensPerSecond'),
  };
}

const speeds = ['decodeTokensPerSecond', 'prefillTokensPerSecond'] as const;
type Speed = (typeof speeds)[number];
