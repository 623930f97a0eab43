/**
 * Measures a device with the packages of `probes.ts`, through the same hosts and the same API as
 * `bench`. The figures are solved from the times of tokens:
 *
 *   one token       = token + calls * dispatch + bytes * (time of a byte)
 *
 * Three packages with few calls, many calls and many bytes give the three unknowns; packages with
 * larger working sets then give the time of a byte from there. Every time is the best of many short
 * runs: other work on the machine lengthens some of them, and shortens none.
 */
import type { FormatName, Target } from '@lamella/runtime/choices';
import type { Package } from '../api/model.ts';
import type { Host, Measured, Subject, Work } from '../bench/host.ts';
import type { KernelProfile, ReadSpeed } from '../contract.ts';
import { blocks, CONTEXT, calls, one, type Probe } from './probes.ts';
import { stateBytes, type TokenWork, tokenWork } from './work.ts';

/**
 * A measurement ends when this many runs have been as fast as the fastest, apart from a small part,
 * or after a time: on a machine with other work the undisturbed runs are few, and it takes longer
 * to see that nothing is faster.
 */
const CONFIRMED = 4;
const PART = 0.03;
const LONGEST_MS = 4000;
/** Milliseconds that the tokens of a run take at least, because clocks of browsers have steps. */
const SHORTEST_MS = 1;
/** Tokens of a prompt, and the position at which keys and values are many. */
const PROMPT = 64;
const SHORT_PROMPT = 8;
const LATE = CONTEXT - 64;
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

/** Profiles the kernels of one format. */
export async function measureKernels(
  host: Host,
  probes: Probes,
  on: { readonly device: Target; readonly threads: number },
): Promise<KernelProfile> {
  const measure = async (probe: Compiled, prompts: readonly number[] = []): Promise<Timed> => {
    const subject = await host.open(probe.model, on);
    try {
      return { ...(await timed(subject, prompts)), ...tokenWork(subject.manifest, on.device), probe, subject };
    } finally {
      await subject.close();
    }
  };
  const [smallest, ...larger] = probes.blocks;
  const alone = await measure(probes.one);
  const many = await measure(probes.calls, [PROMPT]);
  const first = await measure(smallest!, [PROMPT, LATE]);
  const rest: Timed[] = [];
  for (const probe of larger) rest.push(await measure(probe));

  const state = (at: number) => stateBytes(first.subject.manifest, at);
  const stateUsPerByte = Math.max(0, first.lateUs - first.tokenUs) / (state(LATE) - state(SHORT_PROMPT));
  const own = (of: Timed): Timed => ({
    ...of,
    tokenUs: of.tokenUs - stateUsPerByte * stateBytes(of.subject.manifest, SHORT_PROMPT),
  });
  const [few, lots, products] = [own(alone), own(many), own(first)];
  const decode = solved(
    [lots, products].map((each) => [each.calls - few.calls, each.bytes - few.bytes, each.tokenUs - few.tokenUs]),
  );
  const tokenUs = Math.max(0, few.tokenUs - few.calls * decode.each - few.bytes * decode.perByte);
  const prefill = solved([lots, products].map((each) => [each.calls, each.bytes, each.promptUs]));
  const perByte = (of: Timed) => (of.tokenUs - tokenUs - of.calls * decode.each) / of.bytes;
  const macsPerByte = smallest!.macs / first.bytes;
  const last = rest.at(-1) ?? first;
  const weights = (of: Timed) => of.subject.manifest.memory.weights.bytes;
  const loadUsPerByte = Math.max(
    0,
    (1e3 * (last.subject.loadMs - first.subject.loadMs)) / Math.max(1, weights(last) - weights(first)),
  );
  return {
    target: on.device,
    threads: first.subject.running.threads,
    quant: probes.quant,
    kernels: first.subject.running.kernels,
    decodeGmacs: macsPerByte / decode.perByte / 1e3,
    prefillGmacs: macsPerByte / prefill.perByte / 1e3,
    weights: [products, ...rest.map(own)].map((of): ReadSpeed => {
      const us = of === products ? decode.perByte : perByte(of);
      return { workingSetBytes: workingSet(of), gbPerSecond: 1e-3 / us };
    }),
    ...(stateUsPerByte > 0 && { stateGbPerSecond: 1e-3 / stateUsPerByte }),
    dispatchUs: decode.each,
    prefillDispatchUs: prefill.each,
    tokenUs,
    loadMs: Math.max(0, first.subject.loadMs - (loadUsPerByte * weights(first)) / 1e3),
    ...(loadUsPerByte > 0 && { loadGbPerSecond: 1e-3 / loadUsPerByte }),
  };
}

interface Timed extends TokenWork {
  readonly probe: Compiled;
  readonly subject: Subject;
  /** Of a token early in the context, of one late in it, and of a prompt's token. */
  readonly tokenUs: number;
  readonly lateUs: number;
  readonly promptUs: number;
}

/** The bytes between two reads of the same block. */
function workingSet({ reads }: TokenWork): number {
  return Math.max(...reads.slice(1, -1).map(({ distance }) => distance));
}

/** Times of a loaded probe; of `prompts` those that the caller needs. */
async function timed(
  subject: Subject,
  prompts: readonly number[],
): Promise<Pick<Timed, 'tokenUs' | 'lateUs' | 'promptUs'>> {
  const work = { promptTokens: SHORT_PROMPT, generatedTokens: 3 };
  const { decodeTokensPerSecond } = await subject.run(work);
  const tokens = 3 + Math.ceil((SHORTEST_MS / 1e3) * decodeTokensPerSecond);
  const early = await fastest(subject, { ...work, generatedTokens: Math.min(32, tokens) });
  const after = async (promptTokens: number) =>
    prompts.includes(promptTokens) ? await fastest(subject, { promptTokens, generatedTokens: 3 }) : early;
  return {
    tokenUs: 1e6 / early.decodeTokensPerSecond,
    promptUs: 1e6 / (await after(PROMPT)).prefillTokensPerSecond,
    lateUs: 1e6 / (await after(LATE)).decodeTokensPerSecond,
  };
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
  do runs.push(await subject.run(work));
  while (performance.now() - start < LONGEST_MS && !speeds.every(confirmed));
  return {
    decodeTokensPerSecond: fastest('decodeTokensPerSecond'),
    prefillTokensPerSecond: fastest('prefillTokensPerSecond'),
  };
}

const speeds = ['decodeTokensPerSecond', 'prefillTokensPerSecond'] as const;
type Speed = (typeof speeds)[number];

/**
 * Solves calls * each + bytes * perByte = us for two equations. A call takes no negative time: if
 * noise says so, the bytes have taken all of it.
 */
function solved(equations: readonly (readonly number[])[]): { readonly each: number; readonly perByte: number } {
  const [[c1, b1, t1], [c2, b2, t2]] = equations as readonly [
    readonly [number, number, number],
    readonly [number, number, number],
  ];
  const each = Math.max(0, (t1 * b2 - t2 * b1) / (c1 * b2 - c2 * b1));
  return { each, perByte: (t2 - c2 * each) / b2 };
}
