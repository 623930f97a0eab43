/**
 * The inside of a model: in Node it computes in the calling thread, in a page it sends requests to
 * the worker. It receives checked arguments only (`model-of.ts`).
 */
import type * as api from '../api.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { type CountCall, readGenerate } from './generate-call.ts';
import { Generation } from './generation.ts';
import type { Sequences } from './sequences.ts';

export interface Core {
  readonly manifest: Manifest;
  readonly running: api.Running;
  readonly tokenizer: {
    encode(text: string): Promise<number[]>;
    encodePrompt(text: string): Promise<number[]>;
    decode(ids: readonly number[]): Promise<string>;
  } | null;
  readonly sequences: Sequences;
  /** Number of tokens of a prompt. L411, L452. */
  count(prompt: CountCall['prompt'], options: CountCall['options']): Promise<number>;
  logits(tokens: readonly number[]): Promise<Float32Array>;
  logitsAll(tokens: readonly number[], from: number): Promise<Float32Array[]>;
  dispose(): void;
}

/**
 * Begins a generation in the sequence `id` with the arguments of `generate`. `place` is the
 * package's address.
 */
export function generationOf(
  { manifest, sequences }: Core,
  id: number,
  given: Parameters<api.Model['generate']>,
  place: string,
): Generation {
  const call = readGenerate(given, manifest, place);
  return new Generation(sequences.generate(id, call), call, manifest);
}
