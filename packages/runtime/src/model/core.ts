/**
 * The inside of a model: in Node it computes in the calling thread, in a page it sends requests to
 * the worker. `modelOf` makes the object that apps hold of either.
 */
import type * as api from '../api.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { Conversation } from './conversation.ts';
import { type CountCall, readCount } from './generate-call.ts';
import { readIndex, readTokens } from './options.ts';
import type { Sequences } from './sequences.ts';

/** The sequence of `model.generate`, which a model has from the first. */
export const OWN = 0;

export interface Core {
  readonly manifest: Manifest;
  readonly running: api.Running;
  readonly tokenizer: api.Tokenizer | null;
  readonly sequences: Sequences;
  /** Number of tokens of a prompt. L411, L452. */
  count(prompt: CountCall['prompt'], options: CountCall['options']): Promise<number>;
  logits(tokens: readonly number[]): Promise<Float32Array>;
  logitsAll(tokens: readonly number[], from: number): Promise<Float32Array[]>;
  dispose(): void;
}

/** `place` is the package's address. */
export function modelOf(core: Core, place: string): api.Model {
  const { manifest, tokenizer, sequences, dispose } = core;
  const model: Omit<api.Model, typeof Symbol.dispose> = {
    manifest,
    get running() {
      return core.running;
    },
    tokenizer,
    generate: (...given) => sequences.generate(OWN, given),
    session: async () => new Conversation(core, await sequences.open(), place),
    count: async (...given) => {
      const { prompt, options } = readCount(given, manifest, place);
      return core.count(prompt, options);
    },
    logits: async (tokens) => core.logits(readTokens(tokens, manifest)),
    logitsAll: async (given, from = 0) => {
      const tokens = readTokens(given, manifest);
      return core.logitsAll(tokens, readIndex('from', from, tokens.length - 1));
    },
    dispose,
  };
  // Older engines have no such symbol, although the types say so. They may have it added before the
  // package is loaded.
  if (Symbol.dispose) Object.defineProperty(model, Symbol.dispose, { value: dispose });
  return model as api.Model;
}
