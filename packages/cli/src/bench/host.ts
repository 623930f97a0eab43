/**
 * The measured work and its hosts. Every host does the same work, through the API that apps use.
 */
import type { GenerateOptions, LoadOptions, Model, Running } from '@lamella/runtime/api';
import type { Manifest } from '@lamella/runtime/manifest';
import type { Package } from '../api/model.ts';
import type { BenchSample, DeviceProfile, MeasuringHost, ReadSpeed } from '../contract.ts';
import type { ReadWork } from '../profile/read-speed.ts';
import type { Shown } from './orders.ts';

/** Runs packages in one environment. */
export interface Host {
  readonly name: MeasuringHost;
  /** Loads a package, cold; a text is its folder. */
  open(model: Package | string, on: On): Promise<Subject>;
  about(): Promise<Pick<DeviceProfile, 'device' | 'engine' | 'cores'>>;
  /** Shows progress or the result where the packages run; absent where nobody looks. */
  show?(shown: Shown): Promise<void>;
  /** Plain reads (`profile/reads.ts`). */
  reads(work: ReadWork): Promise<readonly ReadSpeed[]>;
  close(): Promise<void>;
}

/** The device to compute on, and the largest number of threads. */
export type On = Required<Pick<LoadOptions, 'device' | 'threads'>>;

/** A loaded package. */
export interface Subject {
  readonly manifest: Manifest;
  readonly loadMs: number;
  /** What computes; it may differ from `On`. */
  readonly running: Running;
  run(work: Work): Promise<Measured>;
  close(): Promise<void>;
}

export interface Work {
  readonly promptTokens: number;
  readonly generatedTokens: number;
}

export interface Measured extends Omit<BenchSample, 'loadMs'> {
  readonly plannedBytes: number;
  readonly peakBytes: number;
}

/**
 * A token that begins no measured prompt. Computing it makes the model compute the whole of the
 * next prompt, although the one before was the same.
 */
export const OTHER = 0;

/**
 * A prompt of token ids spread over the vocabulary, with greedy options that ignore end tokens.
 * Every token takes a step of its own, even where the answer repeats itself.
 */
export function request({ promptTokens, generatedTokens }: Work, vocab: number): [number[], GenerateOptions] {
  const prompt = Array.from({ length: promptTokens }, (_, i) => (1 + i * 7919) % vocab);
  return [prompt, { maxTokens: generatedTokens, eos: [], lookup: false }];
}

/** Measures one sequence. The time includes choosing tokens. */
export async function measured(model: Model, work: Work): Promise<Measured> {
  await model.logits([OTHER]);
  const generation = model.generate(...request(work, model.manifest.vocab));
  for await (const _ of generation);
  const { prefillTokensPerSecond, decodeTokensPerSecond, plannedBytes, peakBytes } = generation.stats;
  return { prefillTokensPerSecond, decodeTokensPerSecond, plannedBytes, peakBytes };
}
