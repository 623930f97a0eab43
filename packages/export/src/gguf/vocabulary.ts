/**
 * The tokenizer as GGUF metadata. llama.cpp has a fixed set of tokenizers; two of them can express
 * a Hugging Face `tokenizer.json` with a BPE model:
 * - "llama": SentencePiece BPE with byte fallback. Tokens have scores, and the adjacent tokens that join to the highest score join
 *   first. The score is minus the rank of the first merge that makes the token, which gives the order of the merges.
 * - "gpt2": byte-level BPE. Tokens and merges are unchanged. The pattern that splits a text into words is selected by name
 *   (checkpoint's `gguf/pre-tokenizers.ts`): GPT-2's, Llama 3's, Qwen's, SmolLM's and others.
 * A `tokenizer.json` that we made from SentencePiece's own file contains the scores. For any other
 * tokenizer, and without one, the vocabulary is made up: bytes and pieces `t300`. Such a file runs,
 * but its text is meaningless.
 */
import { TOKEN_TYPE } from '@lamella/checkpoint/gguf/format';
import { preTokenizerLike, splitsOf } from '@lamella/checkpoint/gguf/pre-tokenizers';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Metadata } from './container.ts';
import { type Json, list, record, text } from './json.ts';
import { type Expressed, type Prompt, promptMetadata } from './prompt.ts';

/** The tokenizer of a checkpoint. */
export interface TokenizerJson extends Prompt {
  /** The file's name, for messages. */
  readonly file: string;
  /** Text of `tokenizer.json`. */
  readonly json: string;
}

export interface Vocabulary extends Expressed {
  /** The reason why the tokens are made up; null if they come from the tokenizer. */
  readonly madeUp: string | null;
}

/** SentencePiece's mark for a space. */
const SPACE = '\u2581';

/**
 * Metadata for a vocabulary of `size` tokens. Throws L207 if the tokenizer is not JSON or has more
 * tokens than the model.
 */
export function vocabularyOf(tokenizer: TokenizerJson | null, size: number): Vocabulary {
  if (!tokenizer) return { metadata: madeUp(size), notes: [], madeUp: 'there is no tokenizer' };
  const json = parse(tokenizer);
  const form = formOf(json);
  if (typeof form === 'string') return { metadata: madeUp(size), notes: [], madeUp: form };
  const prompt = promptMetadata(tokenizer, (content) => idOf(json, content));
  return {
    metadata: { ...form.metadata, ...tokensOf(tokenizer, json, form, size), ...prompt.metadata },
    notes: [...prompt.notes, ...lostFlags(json)],
    madeUp: null,
  };
}

/** The id of a token by its text; null if there is none. */
function idOf(json: Json, content: string): number | null {
  const added = list(json.added_tokens).map(record);
  const id = record(record(json.model).vocab)[content] ?? added.find((token) => token.content === content)?.id;
  return typeof id === 'number' ? id : null;
}

/** What changes without these flags of added tokens, which GGUF does not have. */
const flags: Readonly<Record<string, string>> = {
  single_word: 'such a token is also found inside words',
  lstrip: 'the white space before such a token stays text',
  rstrip: 'the white space after such a token stays text',
  normalized: 'such a token is found in the text before it is normalized',
};

function lostFlags(json: Json): readonly string[] {
  // NFC, the one normalizer of byte-level BPE, does not change these texts.
  const normalizes = steps(json.normalizer, 'normalizers').some(({ type }) => type !== 'NFC');
  // Special tokens are not searched in text.
  const searched = list(json.added_tokens)
    .map(record)
    .filter(({ special }) => special !== true);
  return Object.entries(flags).flatMap(([flag, consequence]) => {
    const having = searched.filter((token) =>
      flag === 'normalized' ? normalizes && token.normalized !== false : token[flag] === true,
    );
    if (having.length === 0) return [];
    const names = having.slice(0, 3).map(({ content }) => JSON.stringify(content));
    const more = having.length > names.length ? ` and ${having.length - names.length} more` : '';
    return `${flag} of ${names.join(', ')}${more} is not in the file, because GGUF has no such flag: ${consequence}`;
  });
}

/** One of llama.cpp's tokenizers. */
interface Form {
  readonly bytesHaveNames: boolean;
  readonly metadata: Metadata;
}

/** The form for this tokenizer, or the reason why there is none. */
function formOf(json: Json): Form | string {
  const model = record(json.model);
  if (model.type === 'SentencePieceBPE') return sentencePiece(json);
  if (model.type !== 'BPE') return `its model is ${text(model.type)}, not BPE`;
  if (model.byte_fallback === true) return sentencePiece(json);
  return byteLevel(json, model);
}

function sentencePiece(json: Json): Form | string {
  const prefix = spacePrefix(steps(json.normalizer, 'normalizers'), steps(json.pre_tokenizer, 'pretokenizers'));
  if (prefix === null) return "its normalizer is not LLaMA's";
  return {
    bytesHaveNames: true,
    metadata: {
      'tokenizer.ggml.model': { type: 'string', value: 'llama' },
      'tokenizer.ggml.pre': { type: 'string', value: 'default' },
      'tokenizer.ggml.add_space_prefix': { type: 'bool', value: prefix },
    },
  };
}

/**
 * Whether a space is put before the text, if the tokenizer only marks spaces as SentencePiece does;
 * otherwise null.
 */
function spacePrefix(normalizers: readonly Json[], preTokenizers: readonly Json[]): boolean | null {
  const [only, ...more] = preTokenizers;
  // Gemma's cuts at spaces, but its normalizer leaves none
  if (only && !isCutAtSpaces(only)) {
    const marks = only.type === 'Metaspace' && only.replacement === SPACE && only.split === false;
    if (!marks || more.length > 0 || normalizers.length > 0) return null;
    return only.prepend_scheme !== 'never';
  }
  const replaces = normalizers.at(-1);
  const marks = replaces?.type === 'Replace' && record(replaces.pattern).String === ' ' && replaces.content === SPACE;
  const [prepends] = normalizers;
  if (!marks || normalizers.length > 2 || more.length > 0) return null;
  if (normalizers.length === 1) return false;
  return prepends?.type === 'Prepend' && prepends.prepend === SPACE ? true : null;
}

function isCutAtSpaces({ type, pattern }: Json): boolean {
  return type === 'Split' && record(pattern).String === ' ';
}

/** Byte-level BPE has a form if llama.cpp has a name for the pattern that splits its words. */
function byteLevel(json: Json, model: Json): Form | string {
  const preTokenizer = steps(json.pre_tokenizer, 'pretokenizers');
  if (preTokenizer.at(-1)?.add_prefix_space === true) return 'it puts a space before the text';
  const splits = splitsOf(preTokenizer);
  if (splits === null) return 'llama.cpp does not have its pre-tokenizer';
  const normalizers = steps(json.normalizer, 'normalizers');
  if (normalizers.some(({ type }) => type !== 'NFC')) return 'its normalizer is not NFC';
  const affix = ['continuing_subword_prefix', 'end_of_word_suffix'].find((key) => text(model[key]) !== '');
  if (affix !== undefined) return `its parts of words are marked (${affix})`;
  const merges = mergesOf(model);
  // Without merges every byte is a token, so splitting changes nothing.
  const name = merges.length === 0 ? 'gpt-2' : nameOf(splits, model, normalizers.length > 0);
  if (name === null) return 'llama.cpp has no name for the pattern of its pre-tokenizer';
  return {
    bytesHaveNames: false,
    metadata: {
      'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
      'tokenizer.ggml.pre': { type: 'string', value: name },
      'tokenizer.ggml.merges': { type: 'strings', value: merges.map((pair) => pair.join(' ')) },
    },
  };
}

function nameOf(splits: readonly string[], model: Json, normalizes: boolean): string | null {
  return preTokenizerLike({ splits, ignoresMerges: model.ignore_merges === true, normalizes })?.names[0] ?? null;
}

/** Texts, kinds and scores of all tokens; ids that the tokenizer lacks are marked unused. */
function tokensOf(tokenizer: TokenizerJson, json: Json, form: Form, size: number): Metadata {
  const model = record(json.model);
  const scores = scoresOf(model);
  const lowest = Array.from(scores.values()).reduce((low, score) => Math.min(low, score), 0);

  const texts = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = Array.from<number>({ length: size }).fill(TOKEN_TYPE.unused);
  const put = (id: unknown, content: string, type: number): void => {
    if (typeof id !== 'number') return;
    if (id >= size) {
      const reason = `token ${id} is outside the model's vocabulary of ${size}`;
      throw new LamellaError('L207', { file: tokenizer.file, reason, remedy: "the model's own tokenizer" });
    }
    texts[id] = content;
    types[id] = type;
  };
  for (const [content, id] of Object.entries(record(model.vocab))) {
    const isByte = form.bytesHaveNames && /^<0x[0-9A-F]{2}>$/.test(content);
    put(id, content, content === model.unk_token ? TOKEN_TYPE.unknown : isByte ? TOKEN_TYPE.byte : TOKEN_TYPE.normal);
  }
  for (const added of list(json.added_tokens).map(record)) {
    const content = text(added.content);
    // Gemma 3 has one for images, beyond the vocabulary of its small models
    if (added.special === true && Number(added.id) >= size) continue;
    const kind = added.special === true ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
    put(added.id, content, content === model.unk_token ? TOKEN_TYPE.unknown : kind);
  }
  for (const symbol of list(model.symbols).map(text)) put(record(model.vocab)[symbol], symbol, TOKEN_TYPE.userDefined);
  return tokens(
    texts,
    types,
    texts.map((content) => scores.get(content) ?? lowest - 1),
  );
}

/**
 * The score of each token that a merge makes: the model's, or minus the rank of the first merge
 * that makes it.
 */
function scoresOf(model: Json): Map<string, number> {
  const scores = new Map<string, number>();
  for (const [content, score] of Object.entries(record(model.scores))) {
    if (typeof score === 'number') scores.set(content, score);
  }
  for (const [rank, pair] of mergesOf(model).entries()) {
    if (!scores.has(pair.join(''))) scores.set(pair.join(''), -rank);
  }
  return scores;
}

/**
 * LLaMA's first 259 tokens (unknown, begin, end, the bytes), as far as `size` allows, then pieces
 * named after their ids.
 */
function madeUp(size: number): Metadata {
  const head = ['<unk>', '<s>', '</s>'];
  const kinds = [TOKEN_TYPE.unknown, TOKEN_TYPE.control, TOKEN_TYPE.control];
  const byte = (id: number) => `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>`;
  const ids = Array.from({ length: size }, (_, id) => id);
  return {
    // our own key, which llama.cpp ignores; import then treats the file as one without a tokenizer
    'lamella.vocabulary': { type: 'string', value: 'made up' },
    'tokenizer.ggml.model': { type: 'string', value: 'llama' },
    'tokenizer.ggml.pre': { type: 'string', value: 'default' },
    ...tokens(
      ids.map((id) => head[id] ?? (id < 259 ? byte(id) : `${SPACE}t${id}`)),
      ids.map((id) => kinds[id] ?? (id < 259 ? TOKEN_TYPE.byte : TOKEN_TYPE.normal)),
      ids.map((id) => -Math.max(0, id - 259)),
    ),
    'tokenizer.ggml.bos_token_id': { type: 'u32', value: 1 },
    'tokenizer.ggml.eos_token_id': { type: 'u32', value: 2 },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    'tokenizer.ggml.add_eos_token': { type: 'bool', value: false },
  };
}

function tokens(texts: readonly string[], types: readonly number[], scores: readonly number[]): Metadata {
  return {
    'tokenizer.ggml.tokens': { type: 'strings', value: texts },
    'tokenizer.ggml.scores': { type: 'f32s', value: scores },
    'tokenizer.ggml.token_type': { type: 'i32s', value: types },
  };
}

/** Merges in either form: `"a b"` or `["a", "b"]`. */
function mergesOf(model: Json): (readonly string[])[] {
  return list(model.merges).map((merge) => (typeof merge === 'string' ? merge.split(' ') : list(merge).map(text)));
}

/** A pipeline step, a sequence of steps (under `key`), or nothing, as a list. */
function steps(value: unknown, key: string): readonly Json[] {
  if (value === null || value === undefined) return [];
  const step = record(value);
  return step.type === 'Sequence' ? list(step[key]).map(record) : [step];
}

function parse({ file, json }: TokenizerJson): Json {
  try {
    return record(JSON.parse(json));
  } catch (error) {
    const reason = `not JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new LamellaError('L207', { file, reason, remedy: 'fetching it again' });
  }
}
