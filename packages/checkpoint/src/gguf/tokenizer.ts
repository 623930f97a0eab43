/**
 * Converts the tokenizer of a GGUF file to the contents of `tokenizer.json` and
 * `tokenizer_config.json`. llama.cpp has several tokenizers; two can be read:
 * - "llama": SentencePiece BPE with byte fallback; its pieces have scores.
 * - "gpt2": byte-level BPE; the name of its pre-tokenizer must be known (pre-tokenizers.ts).
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { excerpt, shown } from '../excerpt.ts';
import { checkPieces, maxPieceLength, type Piece, type PieceType } from '../sentencepiece/model.ts';
import { type Json, tokenizerJson } from '../sentencepiece/tokenizer-json.ts';
import type { Metadata, MetadataValue } from './container.ts';
import { TOKEN_TYPE } from './format.ts';
import { preTokenizerJson, preTokenizers } from './pre-tokenizers.ts';

/** Contents of the files, to be written as JSON. */
export interface GgufTokenizer {
  readonly tokenizer: Json;
  readonly config: Json;
  /** The tokens that end an answer, the usual one first. */
  readonly eos: readonly number[];
}

type Refuse = (reason: string, remedy?: string) => LamellaError;

/** Keys of `tokenizer.ggml.` that do not change the ids of a text. */
const passedOver =
  /^(?:token_type_count|(?:unknown|seperator|padding|cls|mask|prefix|suffix|middle|fim_\w+|start_of_image|end_of_image)_token_id|add_sep_token)$/;

/** Whether the file has a tokenizer of any kind. Our export marks a vocabulary that it made up. */
export function hasTokenizer(metadata: Metadata): boolean {
  const model = metadata.get('tokenizer.ggml.model') ?? 'none';
  return model !== 'none' && model !== 'no_vocab' && metadata.get('lamella.vocabulary') !== 'made up';
}

/**
 * The tokenizer in the metadata of `file`; null if there is none. Throws L207 for malformed
 * metadata and for tokenizers that cannot be read.
 */
export function tokenizerOf(metadata: Metadata, file: string): GgufTokenizer | null {
  if (!hasTokenizer(metadata)) return null;
  const refuse: Refuse = (reason, remedy = 'the same model as a folder from Hugging Face, with its tokenizer.json') =>
    new LamellaError('L207', { file, reason, remedy });
  const read = new TokenizerKeys(metadata, refuse);
  const tokens = tokensOf(read, refuse);
  const model = read.text('model');
  switch (model) {
    case 'llama':
      return finished(read, sentencePiece(read, tokens, refuse), refuse);
    case 'gpt2':
      return finished(read, byteLevel(read, tokens, refuse), refuse);
    default:
      throw refuse(`its tokenizer is ${excerpt(model)}, and llama and gpt2 are read`);
  }
}

function finished(read: TokenizerKeys, contents: GgufTokenizer, refuse: Refuse): GgufTokenizer {
  const unknown = read.unread();
  if (unknown !== null)
    throw refuse(`it has tokenizer.ggml.${shown(unknown)}, and what that changes is not known here`);
  return contents;
}

interface Token {
  readonly text: string;
  readonly type: PieceType | 'unused';
  readonly score: number;
}

const types: ReadonlyMap<unknown, Token['type']> = new Map([
  [TOKEN_TYPE.normal, 'normal'],
  [TOKEN_TYPE.unknown, 'unknown'],
  [TOKEN_TYPE.control, 'control'],
  [TOKEN_TYPE.userDefined, 'user-defined'],
  [TOKEN_TYPE.unused, 'unused'],
  [TOKEN_TYPE.byte, 'byte'],
]);

function tokensOf(read: TokenizerKeys, refuse: Refuse): readonly Token[] {
  const texts = read.list('tokens');
  if (texts === null || texts.length === 0) throw refuse('it has no tokens');
  const kinds = read.list('token_type');
  const scores = read.list('scores');
  for (const [what, list] of Object.entries({ token_type: kinds, scores })) {
    if (list === null || list.length === texts.length) continue;
    throw refuse(`it has ${texts.length} tokens and ${list.length} of tokenizer.ggml.${what}`);
  }
  const seen = new Set<string>();
  return texts.map((text, id): Token => {
    if (typeof text !== 'string' || text === '') throw refuse(`its token ${id} is ${excerpt(text)}`);
    if (text.length > maxPieceLength) throw refuse(`its token ${id} is longer than ${maxPieceLength} characters`);
    if (seen.has(text)) throw refuse(`it has the token ${shown(text)} twice`);
    seen.add(text);
    const type = types.get(kinds?.[id] ?? TOKEN_TYPE.normal);
    if (type === undefined) throw refuse(`its token ${id} is of type ${excerpt(kinds?.[id])}, which does not exist`);
    const score = scores?.[id] ?? 0;
    if (typeof score !== 'number' || !Number.isFinite(score))
      throw refuse(`the score of token ${id} is ${excerpt(score)}`);
    return { text, type, score };
  });
}

function sentencePiece(read: TokenizerKeys, tokens: readonly Token[], refuse: Refuse): GgufTokenizer {
  read.text('pre');
  if ((read.list('precompiled_charsmap') ?? []).length > 0) {
    throw refuse('it rewrites characters (precompiled_charsmap), and only text as it is is read');
  }
  // a control token is never found in text
  const pieces = tokens.map((token): Piece => ({ ...token, type: token.type === 'unused' ? 'control' : token.type }));
  checkPieces(pieces, (reason) => refuse(reason));
  const config = configOf(read, tokens, { addsBos: true }, refuse);
  const unk = pieces.find(({ type }) => type === 'unknown')!.text;
  const model = {
    pieces,
    dummyPrefix: read.flag('add_space_prefix', true),
    removesSpaces: read.flag('remove_extra_whitespaces', false),
    ...{ bos: '<s>', eos: '</s>', unk },
  };
  const made = tokenizerJson(model, { unk_token: unk, ...config }, (reason) => refuse(reason));
  return { tokenizer: made.tokenizer, config: made.config, eos: read.ends(tokens.length) };
}

function byteLevel(read: TokenizerKeys, tokens: readonly Token[], refuse: Refuse): GgufTokenizer {
  const name = read.text('pre');
  const pre = preTokenizers.find(({ names }) => typeof name === 'string' && names.includes(name));
  if (!pre) {
    const known = preTokenizers.flatMap(({ names }) => names).join(', ');
    const named = name === undefined ? 'missing' : excerpt(name);
    throw refuse(`its pre-tokenizer (tokenizer.ggml.pre) is ${named}, and these are known: ${known}`);
  }
  const merges = read.list('merges');
  if (merges === null) throw refuse('it has no merges');
  const wrong = merges.find((merge) => typeof merge !== 'string' || !/^[^ ]+ [^ ]+$/.test(merge));
  if (wrong !== undefined) throw refuse(`one of its merges is ${excerpt(wrong)}`);
  // byte-level BPE does not change spaces
  for (const key of ['add_space_prefix', 'remove_extra_whitespaces']) {
    if (read.flag(key, false)) throw refuse(`tokenizer.ggml.${key} is true`);
  }
  const last = tokens.findLastIndex(({ type }) => type === 'normal');
  const vocab = tokens.slice(0, last + 1).map(({ text }, id): [string, number] => [text, id]);
  const added_tokens = tokens.flatMap(({ text, type }, id) => {
    if (type === 'normal') return [];
    if (type === 'byte' || type === 'unknown') throw refuse(`its token ${id} is of a type that byte-level BPE has not`);
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content: text, ...flags, special: type !== 'user-defined' }];
  });
  const byteLevelDecoder = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens,
      normalizer: pre.normalizer,
      pre_tokenizer: preTokenizerJson(pre),
      post_processor: null,
      decoder: byteLevelDecoder,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: pre.ignoresMerges,
        vocab: Object.fromEntries(vocab),
        merges,
      },
    },
    config: { tokenizer_class: 'PreTrainedTokenizerFast', ...configOf(read, tokens, pre, refuse) },
    eos: read.ends(tokens.length),
  };
}

/**
 * The contents of `tokenizer_config.json`: special tokens, tokens around a prompt, chat templates.
 */
function configOf(
  read: TokenizerKeys,
  tokens: readonly Token[],
  { addsBos }: { readonly addsBos: boolean },
  refuse: Refuse,
): Json {
  const text = (key: string): string | null => {
    const id = read.id(key, tokens.length);
    return id === null ? null : tokens[id]!.text;
  };
  const bos_token = text('bos_token_id');
  const eos_token = text('eos_token_id');
  const add_bos_token = read.flag('add_bos_token', addsBos && bos_token !== null);
  const add_eos_token = read.flag('add_eos_token', false);
  if (add_bos_token && bos_token === null) throw refuse('it begins prompts with a token that it does not name');
  return { bos_token, eos_token, add_bos_token, add_eos_token, ...read.chatTemplates() };
}

/** Reads the tokenizer's keys and records which were read. */
class TokenizerKeys {
  readonly #metadata: Metadata;
  readonly #refuse: Refuse;
  readonly #read = new Set<string>();

  constructor(metadata: Metadata, refuse: Refuse) {
    this.#metadata = metadata;
    this.#refuse = refuse;
  }

  text(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#refuse(`tokenizer.ggml.${key} is ${excerpt(value)}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.#value(key) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw this.#refuse(`tokenizer.ggml.${key} is ${excerpt(value)}`);
  }

  list(key: string): readonly MetadataValue[] | null {
    const value = this.#value(key) ?? null;
    if (value === null || Array.isArray(value)) return value;
    throw this.#refuse(`tokenizer.ggml.${key} is ${excerpt(value)}`);
  }

  /** The id of a token; null if there is none. llama.cpp writes 2^32 - 1 for none. */
  id(key: string, count: number): number | null {
    const value = this.#value(key) ?? null;
    if (value === null || value === 0xffffffff) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < count) return value;
    throw this.#refuse(`tokenizer.ggml.${key} is ${excerpt(value)}, and it has ${count} tokens`);
  }

  /** The tokens that end an answer. */
  ends(count: number): readonly number[] {
    const ids = ['eos_token_id', 'eot_token_id', 'eom_token_id'].map((key) => this.id(key, count));
    return [...new Set(ids.filter((id) => id !== null))];
  }

  /** Chat templates as in `tokenizer_config.json`: one text, or several with names. */
  chatTemplates(): { readonly chat_template?: unknown } {
    const start = 'tokenizer.chat_template';
    const template = this.#metadata.get(start);
    const named = [...this.#metadata].filter(([key]) => key.startsWith(`${start}.`));
    if (named.length === 0) return template === undefined ? {} : { chat_template: template };
    const all = [...(template === undefined ? [] : [[start, template] as const]), ...named];
    return {
      chat_template: all.map(([key, text]) => ({ name: key.slice(start.length + 1) || 'default', template: text })),
    };
  }

  /** The first key that was not read and that may change ids; null if there is none. */
  unread(): string | null {
    for (const key of this.#metadata.keys()) {
      if (!key.startsWith('tokenizer.ggml.')) continue;
      const name = key.slice('tokenizer.ggml.'.length);
      if (!this.#read.has(name) && !passedOver.test(name)) return name;
    }
    return null;
  }

  #value(key: string): MetadataValue | undefined {
    this.#read.add(key);
    return this.#metadata.get(`tokenizer.ggml.${key}`);
  }
}
