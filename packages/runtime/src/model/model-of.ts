/**
 * The object that apps hold of a model, in Node and in a page. It checks and copies every argument,
 * so the core receives only checked ones.
 */
import type * as api from '../api.ts';
import { Conversation } from './conversation.ts';
import { type Core, generationOf } from './core.ts';
import { readCount } from './generate-call.ts';
import { readIds, readIndex, readText, readTokens } from './options.ts';
import { OWN } from './sequence.ts';

/** `place` is the package's address. */
export function modelOf(core: Core, place: string): api.Model {
  const { manifest, tokenizer, sequences, dispose } = core;
  const model: Omit<api.Model, typeof Symbol.dispose> = {
    manifest,
    get running() {
      return core.running;
    },
    tokenizer: tokenizer && {
      encode: async (text) => tokenizer.encode(readText(text)),
      encodePrompt: async (text) => tokenizer.encodePrompt(readText(text)),
      decode: async (ids) => tokenizer.decode(readIds(ids, manifest)),
    },
    generate: (...given) => generationOf(core, OWN, given, place),
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
