/** What is measured and where: the same work in every host, through the face that apps use. */
import type { GenerateOptions, LoadOptions, Model, Running } from '@lamella/runtime/api';
import type { Manifest } from '@lamella/runtime/manifest';
import type { BenchSample } from '../terminal/json-output.ts';

/** Where packages run. */
export interface Host {
  /** Loads the package in `folder`, cold. */
  open(folder: string, on: On): Promise<Subject>;
  close(): Promise<void>;
}

/** What a package is to compute on, with at most so many threads. */
export type On = Required<Pick<LoadOptions, 'device' | 'threads'>>;

/** A loaded package. */
export interface Subject {
  readonly manifest: Manifest;
  readonly loadMs: number;
  /** What computes, which may be something else than was asked for. */
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

/** Token ids spread over the vocabulary, and how the answer is made: greedy, and no end token ends it. */
export function request({ promptTokens, generatedTokens }: Work, vocab: number): [number[], GenerateOptions] {
  const prompt = Array.from({ length: promptTokens }, (_, i) => (1 + i * 7919) % vocab);
  return [prompt, { maxTokens: generatedTokens, eos: [] }];
}

/** One sequence. Picking a token is part of its time. */
export async function measured(model: Model, work: Work): Promise<Measured> {
  const generation = model.generate(...request(work, model.manifest.vocab));
  for await (const _ of generation);
  const { prefillTokensPerSecond, decodeTokensPerSecond, plannedBytes, peakBytes } = generation.stats;
  return { prefillTokensPerSecond, decodeTokensPerSecond, plannedBytes, peakBytes };
}
