/** `run` and `logits`: one answer of a model, as `--json` prints it. */
import type { SamplingOptions, TokenIds } from '@lamella/runtime/api';
import type { LogitsReport, RunReport } from '../contract.ts';
import { inWordsOfApi } from './lamella-error.ts';
import { type LoadOptions, loaded, loading } from './load.ts';
import type { AnyModel } from './model.ts';
import { readOptions, requireObject } from './options.ts';

export interface RunOptions extends LoadOptions, SamplingOptions {
  /** The largest number of tokens to generate. Default: all that the context has room for. */
  readonly maxTokens?: number | undefined;
}

/**
 * Loads a model, generates from a text or from token ids, and disposes of the model. Greedy unless
 * a sampling option is given. For several prompts, or a piece at a time, use `load`.
 *
 * Throws like `load` and `generate`: L401 to L403 for tokens, L406 for a text without a tokenizer,
 * L408 and L409 for options. An abort rejects with the signal's reason.
 *
 * @example
 * const { tokens, stats } = await run(graph, [1, 2, 3], { weights: 'random:1', maxTokens: 16 });
 * console.log(tokens, stats.decodeTokensPerSecond);
 */
export function run(model: AnyModel, prompt: string | TokenIds, options: RunOptions = {}): Promise<RunReport> {
  return inWordsOfApi(async () => {
    requireObject(options);
    const [loadOptions, generateOptions] = divided(options);
    const running = await loaded(model, loadOptions, { start: typeof prompt === 'string' ? prompt : [...prompt] });
    try {
      const generation = running.generate(prompt, { ...generateOptions, signal: options.signal });
      const { tokens, text, stats: whole } = await generation.result();
      const { cachedTokens: _, steps: _steps, acceptedTokens: _accepted, ...stats } = whole;
      options.signal?.throwIfAborted();
      return { tokens, text, stats };
    } finally {
      running.dispose();
    }
  });
}

export interface LogitsOptions extends LoadOptions {
  /** Of every position, not only the last. Default: false. */
  readonly all?: boolean | undefined;
}

/**
 * The logits after each of `tokens`, an array for each. Throws like `load`, and L401 to L403 for
 * `tokens`.
 *
 * @example
 * const every = await logits(graph, [1, 2, 3], { weights: 'random:1', all: true });
 * console.log(every.logits.length);
 */
export function logits(
  model: AnyModel,
  tokens: TokenIds,
  options: LogitsOptions & { readonly all: true },
): Promise<{ readonly logits: readonly (readonly number[])[] }>;
/**
 * The logits after the last of `tokens`. Throws like `load`, and L401 to L403 for `tokens`.
 *
 * @example
 * const last = await logits(graph, [1, 2, 3], { weights: 'random:1' });
 * console.log(last.logits.length);
 */
export function logits(
  model: AnyModel,
  tokens: TokenIds,
  options?: LogitsOptions & { readonly all?: false | undefined },
): Promise<{ readonly logits: readonly number[] }>;
export function logits(model: AnyModel, tokens: TokenIds, options: LogitsOptions = {}): Promise<LogitsReport> {
  return inWordsOfApi(async () => {
    requireObject(options);
    const { all = false, ...loadOptions } = options;
    readOptions({ all }, ['all']);
    const running = await loaded(model, loadOptions, { start: [...tokens] });
    try {
      if (!all) return { logits: Array.from(await running.logits(tokens)) };
      return { logits: (await running.logitsAll(tokens)).map((position) => Array.from(position)) };
    } finally {
      running.dispose();
    }
  });
}

/** The options of `load`, and the others. */
function divided(options: RunOptions): [LoadOptions, SamplingOptions] {
  const isLoading = ([name]: [string, unknown]) => loading.some((each) => each === name);
  const entries = Object.entries(options);
  return [
    Object.fromEntries(entries.filter(isLoading)),
    Object.fromEntries(entries.filter((each) => !isLoading(each))),
  ];
}
