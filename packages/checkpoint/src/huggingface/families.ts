/**
 * The families that `lamella import` reads, by `model_type`: one row each. A reader takes every key
 * that changes the maths; a key that nothing reads and `neutral-keys.ts` does not list is refused
 * by name. How a family is added: docs/models.md.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Decoder } from '../decoder/decoder.ts';
import { type Config, readConfig } from './config-file.ts';
import { gemma, gemma2, gemma3 } from './families/gemma.ts';
import { gptNeoX } from './families/gpt-neox.ts';
import { lfm2 } from './families/lfm2.ts';
import {
  granite,
  graniteHybrid,
  llama,
  mistral,
  mobileLlm,
  nandi,
  olmo2,
  qwen2,
  qwen3,
  smolLm3,
} from './families/llama.ts';
import { llama4 } from './families/llama4.ts';
import { phi3 } from './families/phi3.ts';

const families: Readonly<Record<string, (config: Config) => Decoder>> = {
  gemma,
  gemma2,
  gemma3_text: gemma3,
  gpt_neox: gptNeoX,
  granite,
  granitemoehybrid: graniteHybrid,
  lfm2,
  llama,
  llama4_text: llama4,
  mistral,
  mobilellm: mobileLlm,
  nandi,
  olmo2,
  phi3,
  qwen2,
  qwen3,
  smollm3: smolLm3,
};

/** The `model_type`s that have a reader. */
export const modelTypes: readonly string[] = Object.keys(families);

/**
 * The decoder of the Hugging Face checkpoint in `dir`. Throws L302 when its `config.json` cannot be
 * read, and L206 with key and value for what cannot be imported.
 */
export function readDecoder(dir: string): Decoder {
  const config = readConfig(dir);
  const modelType = config.value('model_type');
  const read = typeof modelType === 'string' && Object.hasOwn(families, modelType) ? families[modelType] : undefined;
  if (!read) throw config.refusalOf('model_type', byHand(config));
  const decoder = read(config);
  config.finish(String(modelType));
  return decoder;
}

/**
 * A remedy for a `model_type` without a row: which keys of the config some family reads, and which
 * none does. It names no family to use instead: equal keys can mean other maths.
 */
function byHand(config: Config): string {
  const known = modelTypes.join(', ');
  const attempts = Object.values(families).map((read) => {
    const attempt = config.fresh();
    try {
      read(attempt);
    } catch (error) {
      if (!(error instanceof LamellaError)) throw error;
    }
    return new Set(attempt.unread());
  });
  const unread = config.unread().filter((key) => key !== 'model_type' && attempts.every((keys) => keys.has(key)));
  const features =
    unread.length > 0 ? `nothing here reads ${unread.join(', ')}` : 'its keys are known, but not what they mean in it';
  return `a checkpoint of model_type ${known}, or writing the graph by hand: ${features}`;
}
