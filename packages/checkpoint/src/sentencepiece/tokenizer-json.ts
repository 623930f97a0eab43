/**
 * Converts SentencePiece's `tokenizer.model` to a `tokenizer.json` that the runtime reads, so that
 * a checkpoint released with only the former (as MobileLLM's are) becomes a package with a
 * tokenizer. The ids are SentencePiece's own.
 *
 * Hugging Face's model "BPE" cannot express SentencePiece exactly. It merges pairs in the order of
 * a list; SentencePiece merges by the score of the resulting piece, and the leftmost pair first if
 * scores are equal, as they are for LLaMA's runs of spaces. So the written model is a type of our
 * own, "SentencePieceBPE", with the original pieces and scores. The rest of the file is Hugging
 * Face's format.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { readModel, type SentencePieceModel } from './model.ts';
import type { Refuse } from './protobuf.ts';

export type Json = Readonly<Record<string, unknown>>;

/** The contents of the two files, to be written as JSON. */
export interface TokenizerContents {
  readonly tokenizer: Json & { readonly added_tokens: readonly AddedToken[] };
  readonly config: Json;
}

/** A token that is only inserted by id: the runtime does not search text for it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: true;
  readonly normalized: false;
}

/**
 * Returns `tokenizer.json` and `tokenizer_config.json` for the SentencePiece model in `model`, the
 * content of `file`. `config` is the content of the `tokenizer_config.json` beside it. Its
 * `added_tokens_decoder` adds tokens to the model's; `add_prefix_space: false` omits the ▁ before
 * the text; if it does not name BOS, EOS or UNK (an empty text counts as not named), the model's
 * and LLaMA's are used. Tokens that `config` adds without calling them special are found in text,
 * like the model's own user-defined symbols.
 *
 * Throws L207 if the model is malformed, is not BPE with byte fallback and identity normalisation,
 * or does not match `config`.
 */
export function sentencePieceToTokenizerJson(model: Uint8Array, config: Json | null, file: string): TokenizerContents {
  const refuse: Refuse = (reason) =>
    new LamellaError('L207', {
      file,
      reason,
      remedy: 'the tokenizer.json of the same model beside it, which is used instead',
    });
  return tokenizerJson(readModel(model, refuse), config ?? {}, refuse);
}

/**
 * The same for a model that has been read already, from any kind of file. Throws `refuse(reason)`
 * if it does not match `given`.
 */
export function tokenizerJson(read: SentencePieceModel, given: Json, refuse: Refuse): TokenizerContents {
  const { special, symbols } = tokensBesides(read, given, refuse);
  const prefixed = read.dummyPrefix && given.add_prefix_space !== false;
  const pieces = read.pieces.map((piece, id): [string, number] => [piece.text, id]);
  const vocab = [...pieces, ...symbols, ...special.map(({ content, id }): [string, number] => [content, id])];
  const bos_token = controlPiece(read, read.bos);
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: special,
      normalizer: {
        type: 'Sequence',
        normalizers: [
          ...(read.removesSpaces ? spacesRemoved : []),
          ...(prefixed ? [{ type: 'Prepend', prepend: '▁' }] : []),
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      post_processor: null,
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          ...(prefixed ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
        ],
      },
      model: {
        type: 'SentencePieceBPE',
        unk_token: read.unk,
        vocab: Object.fromEntries(vocab),
        scores: Object.fromEntries(
          read.pieces.filter(({ type }) => type === 'normal').map(({ text, score }) => [text, score]),
        ),
        symbols: [...symbols.keys()],
      },
    },
    config: {
      tokenizer_class: 'LlamaTokenizer',
      add_bos_token: (said.bos_token ?? bos_token) !== null,
      add_eos_token: false,
      bos_token,
      eos_token: controlPiece(read, read.eos),
      unk_token: read.unk,
      ...said,
    },
  };
}

/**
 * SentencePiece's `remove_extra_whitespaces`: at the end of the text it treats ▁ as the space that
 * it becomes.
 */
const spacesRemoved: readonly Json[] = [
  { type: 'Replace', pattern: { Regex: '\\A +' }, content: '' },
  { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
  { type: 'Replace', pattern: { Regex: '[ ▁]+\\z' }, content: '' },
];

/**
 * Tokens that merging never produces: those inserted by id, and those found in text (with ▁ for
 * spaces), by their texts.
 */
function tokensBesides({ pieces }: SentencePieceModel, config: Json, refuse: Refuse) {
  const special = new Map<number, AddedToken>();
  const symbols = new Map<string, number>();
  const add = (id: number, content: string, isSpecial: boolean): void => {
    if (isSpecial) special.set(id, { id, content, special: true, normalized: false });
    else symbols.set(content.replaceAll(' ', '▁'), id);
  };
  pieces.forEach(({ text, type }, id) => {
    if (type !== 'normal' && type !== 'byte') add(id, text, type !== 'user-defined');
  });
  const texts = new Set(pieces.map((piece) => piece.text));
  for (const [key, entry] of Object.entries(record(config.added_tokens_decoder))) {
    const id = Number(key);
    const { content, special: isSpecial, single_word, lstrip, rstrip } = record(entry);
    if (!Number.isSafeInteger(id) || id < 0 || typeof content !== 'string' || content === '') {
      throw refuse(`tokenizer_config.json has an added token ${key} without a number or a text`);
    }
    const piece = pieces[id];
    if (piece !== undefined && piece.text !== content) {
      throw refuse(`tokenizer_config.json calls token ${id} ${content}, and here it is ${piece.text}`);
    }
    if (piece === undefined && texts.has(content)) {
      throw refuse(`tokenizer_config.json adds ${content}, which is there already`);
    }
    if (isSpecial !== true && (single_word || lstrip || rstrip)) {
      throw refuse(`tokenizer_config.json adds ${content} with single_word, lstrip or rstrip, which is not understood`);
    }
    texts.add(content);
    add(id, content, isSpecial === true);
  }
  return { special: [...special.values()].sort((a, b) => a.id - b.id), symbols };
}

/** The text of a special piece, or null if the vocabulary does not contain it. */
function controlPiece(model: SentencePieceModel, text: string): string | null {
  return model.pieces.some((piece) => piece.text === text && piece.type === 'control') ? text : null;
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
