/**
 * From SentencePiece's `tokenizer.model` to the `tokenizer.json` that the runtime reads, so that a checkpoint released with only the
 * former (MobileLLM's are) becomes a package with a tokenizer. Ids are those of SentencePiece itself: the tests hold them against
 * `spm_encode`. The conventions are LLaMA's: a ▁ before the text, ▁ for spaces, bytes for characters that are no piece.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { mergesOf } from './merges.ts';
import { readModel, type SentencePieceModel } from './model.ts';
import type { Refuse } from './protobuf.ts';

type Json = Readonly<Record<string, unknown>>;

/** Contents of the two files, to be written as JSON. */
export interface TokenizerContents {
  readonly tokenizer: Json & { readonly added_tokens: readonly AddedToken[] };
  readonly config: Json;
}

/** A token that is found in the text as a whole (if it is not special) and never made by merging. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Put in by id only: the runtime does not look for it in text. */
  readonly special: boolean;
  /** Looked for after ▁ has replaced the spaces, so that the text around it is not taken for the start of another. */
  readonly normalized: boolean;
}

/**
 * `tokenizer.json` and `tokenizer_config.json` for the SentencePiece model in `model`, the content of `file`. `config` is the content of
 * the `tokenizer_config.json` beside it: its `added_tokens_decoder` adds tokens to the model's, `add_prefix_space: false` turns the ▁
 * before the text off, and whatever it does not say about BOS, EOS and UNK is filled in as the model and LLaMA have it.
 *
 * A user-defined symbol in text is found as SentencePiece finds it, with one exception: a text that is exactly such a symbol gets no ▁.
 *
 * Throws L207 when the model is malformed, not BPE with byte fallback and identity normalisation, or not the one that `config` is for.
 */
export function sentencePieceToTokenizerJson(model: Uint8Array, config: Json | null, file: string): TokenizerContents {
  const refuse: Refuse = (reason) =>
    new LamellaError('L207', {
      file,
      reason,
      remedy: 'the tokenizer.json of the same model beside it, which is used instead',
    });
  const read = readModel(model, refuse);
  const given = config ?? {};
  const added = addedTokens(read, given, refuse);
  const prefixed = read.dummyPrefix && given.add_prefix_space !== false;
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: {
        type: 'Sequence',
        normalizers: [
          ...(prefixed ? [prefixUnless(added.filter((token) => !token.special).map((token) => token.content))] : []),
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
        type: 'BPE',
        dropout: null,
        unk_token: read.unk,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: true,
        ignore_merges: false,
        vocab: Object.fromEntries(read.pieces.map((piece, id) => [piece.text, id])),
        merges: mergesOf(read.pieces, refuse),
      },
    },
    config: {
      tokenizer_class: 'LlamaTokenizer',
      add_bos_token: true,
      add_eos_token: false,
      bos_token: controlPiece(read, read.bos),
      eos_token: controlPiece(read, read.eos),
      unk_token: read.unk,
      ...given,
    },
  };
}

/**
 * Puts ▁ before a text. The library normalises the added tokens as well as the text, and must find them without the ▁: where there are
 * any that text may contain, a text that is one of them is left alone. (The character that must follow keeps V8 from finding the start of
 * the text in the middle of a surrogate pair.)
 */
function prefixUnless(symbols: readonly string[]): Json {
  if (symbols.length === 0) return { type: 'Prepend', prepend: '▁' };
  const escaped = symbols.map((symbol) => symbol.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  return { type: 'Replace', pattern: { Regex: `\\A(?!(?:${escaped.join('|')})\\z)(?=[\\s\\S])` }, content: '▁' };
}

/** The pieces that are no product of merging (UNK, control, user-defined), and the tokens that `config` adds. */
function addedTokens({ pieces }: SentencePieceModel, config: Json, refuse: Refuse): AddedToken[] {
  const tokens = new Map<number, AddedToken>();
  const add = (id: number, content: string, special: boolean): void => {
    tokens.set(id, { id, content, special, normalized: !special });
  };
  pieces.forEach(({ text, type }, id) => {
    if (type !== 'normal' && type !== 'byte') add(id, text, type !== 'user-defined');
  });
  const texts = new Set(pieces.map((piece) => piece.text));
  for (const [key, entry] of Object.entries(record(config.added_tokens_decoder))) {
    const id = Number(key);
    const { content, special } = record(entry);
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
    texts.add(content);
    add(id, content, special === true);
  }
  return [...tokens.values()].sort((a, b) => a.id - b.id);
}

/** The text of a special piece, or null when the vocabulary is without it. */
function controlPiece(model: SentencePieceModel, text: string): string | null {
  return model.pieces.some((piece) => piece.text === text && piece.type === 'control') ? text : null;
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
