/**
 * Converts text to token ids and back, as defined by Hugging Face's `tokenizer.json`; the ids equal
 * those of the Rust library that defines the format. Packages contain that file in a packed form
 * (`tokenizer/pack.ts`). The modules under `tokenizer/` list the supported types and keys of each
 * part; anything else is refused by name, when a package is compiled and again when it is loaded.
 * Only packages with a tokenizer load this module.
 *
 * One difference is deliberate: special tokens are not looked for in text, because a user might
 * write `<eos>` as text. They are added by id, where the tokenizer itself or the package's prompt
 * prefix and suffix contain them, and removed when decoding. (Added tokens that are not special are
 * part of the vocabulary, and are found.)
 */
import { readChecked } from '../files/checked-file.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { TokenizerFiles } from '../manifest/manifest.ts';
import type { AddedTexts, Rendered } from './chat-template.ts';
import { Detokenizer } from './detokenizer.ts';
import { type AddedToken, AddedTokenFinder, addedTokensOf, type Section } from './tokenizer/added-tokens.ts';
import { byteCharacters } from './tokenizer/byte-level.ts';
import { ByteReader } from './tokenizer/byte-reader.ts';
import { decoderOf, tokenBytesOf } from './tokenizer/decoder.ts';
import { type Model, modelOf } from './tokenizer/model.ts';
import { mayDropStart, type Normalizer, normalizerOf } from './tokenizer/normalizer.ts';
import { allow, partOf, refuse } from './tokenizer/part.ts';
import { literal } from './tokenizer/pattern.ts';
import { type Added, addedBy } from './tokenizer/post-processor.ts';
import { marksStart, type PreTokenizer, preTokenizerOf } from './tokenizer/pre-tokenizer.ts';

/** The form of a request in the manifest. */
type Prompt = Pick<TokenizerFiles, 'before' | 'after' | 'promptPrefix' | 'promptSuffix'>;

/**
 * Number of prompt ids kept for decoding an answer: more than an incomplete character has bytes.
 */
const idsBefore = 8;
/** Words encoded between two pauses. */
const wordsPerStep = 4096;
/** Number of words whose ids are cached, and their greatest length. */
const maxRemembered = 10_000;
const maxRememberedLength = 64;

const encoder = new TextEncoder();
/** The bytes of U+FFFD. */
const replacement = encoder.encode('\ufffd');

export class Tokenizer {
  /** The ids that the tokenizer's own post-processor adds before and after every text. */
  readonly added: Added;
  /** Special tokens: text to id. */
  readonly special: ReadonlyMap<string, number>;
  /** Added tokens, special or not, by text. */
  readonly addedTokens: ReadonlyMap<string, AddedToken>;
  /** All ids are below this. */
  readonly end: number;
  readonly #specialIds: ReadonlySet<number>;
  readonly #addedById: ReadonlyMap<number, AddedToken>;
  readonly #prompt: Prompt;
  readonly #normalize: Normalizer;
  readonly #cut: PreTokenizer;
  readonly #model: Model;
  readonly #decode: (tokens: readonly string[]) => string;
  readonly #tokenBytes: ReturnType<typeof tokenBytesOf>;
  /** Whether the decoder's alphabet is that of bytes. */
  readonly #decodesBytes: boolean;
  readonly #inText: AddedTokenFinder;
  /** The same with special tokens. */
  readonly #inTemplate: AddedTokenFinder;
  readonly #inNormalized: AddedTokenFinder;
  readonly #remembered = new Map<string, readonly number[]>();

  /**
   * `packed` is what `packTokenizer` returned. Throws NotUnderstood with the place and the fault.
   */
  constructor(packed: Uint8Array, prompt: Prompt) {
    const tables = new ByteReader(packed);
    const file = partOf(jsonOf(tables.bytes(tables.number())), 'tokenizer.json');
    allow(
      file,
      ...['version', 'truncation', 'padding', 'added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor'],
      ...['decoder', 'model'],
    );
    const { added_tokens, normalizer, pre_tokenizer, post_processor, decoder, model } = file.json;
    this.#normalize = normalizerOf(normalizer);
    this.#cut = preTokenizerOf(pre_tokenizer);
    this.#model = modelOf(model, tables);
    tables.end();
    this.#decode = decoderOf(decoder);
    this.#tokenBytes = decoder ? tokenBytesOf(decoder) : null;
    this.added = addedBy(post_processor);
    this.#prompt = prompt;

    // Hugging Face's library marks the start only if the text's first character is still there.
    if (marksStart(pre_tokenizer) && mayDropStart(normalizer)) {
      refuse('pre_tokenizer', 'prepend_scheme "first" after a normalizer that may drop the start of the text');
    }

    const added = addedTokensOf(added_tokens ?? [], this.#model.vocabulary);
    this.addedTokens = new Map(added.map((token) => [token.content, token]));
    const found = added.filter((token) => !token.special);
    const asWritten = (tokens: readonly AddedToken[]) => new AddedTokenFinder(tokens, (content) => content);
    this.#inText = asWritten(found.filter((token) => !token.normalized));
    this.#inTemplate = asWritten(added.filter((token) => token.special || !token.normalized));
    this.#inNormalized = new AddedTokenFinder(
      found.filter((token) => token.normalized),
      this.#normalize,
    );
    this.special = new Map(added.filter((token) => token.special).map((token) => [token.content, token.id]));
    this.#specialIds = new Set(this.special.values());

    this.#addedById = new Map(added.map((token) => [token.id, token]));
    this.end = added.reduce((end, { id }) => Math.max(end, id + 1), this.#model.vocabulary.end);
    this.#decodesBytes = (decoder as { type?: unknown } | null | undefined)?.type === 'ByteLevel';
  }

  /** Texts of the added tokens. */
  get addedTexts(): AddedTexts {
    const tokens = [...this.addedTokens.values()];
    const texts = (special: boolean) =>
      tokens.filter((token) => token.special === special).map(({ content }) => content);
    const normalized = tokens
      .filter((token) => !token.special && token.normalized)
      .map(({ content }): [string, string] => [content, this.#normalize(content)])
      .filter(([, form]) => form !== '');
    return { special: texts(true), others: texts(false), normalized: new Map(normalized), normalize: this.#normalize };
  }

  /** The id of a token, special or not, by its text; null if there is none. */
  idOf(token: string): number | null {
    return this.addedTokens.get(token)?.id ?? this.#model.vocabulary.idOf(token) ?? null;
  }

  /** The text of a token that can be the id of a piece of text; null for special tokens. */
  textOf(id: number): string | null {
    const added = this.#addedById.get(id);
    if (added) return added.special ? null : added.content;
    return this.#model.vocabulary.textOf(id) ?? null;
  }

  /**
   * The bytes that a token adds to a text, by id: null for special tokens and ids without a token.
   * null if the decoder's texts depend on the tokens around.
   */
  tokenBytes(): ((id: number) => ArrayLike<number> | null) | null {
    const bytesOf = this.#tokenBytes;
    return (
      bytesOf &&
      ((id) => {
        const text = this.textOf(id);
        if (text === null) return null;
        // As in `decode`, the characters of an added token are not an alphabet of bytes.
        return this.#addedById.has(id) && this.#decodesBytes ? encoder.encode(text) : bytesOf(text);
      })
    );
  }

  /** Ids of plain text; nothing is added. */
  encode(text: string): number[] {
    return finish(this.encoding(text));
  }

  /** `encode` in steps of some milliseconds, so that a long text does not block. */
  encoding(text: string): Generator<undefined, number[]> {
    return this.#encodingSections(this.#inText.split(text));
  }

  /**
   * Ids of a rendered chat template, in steps like `encoding`. Its own added tokens are found, special
   * ones too; the tokens that its messages contain are hidden, and stay text.
   */
  encodingTemplate({ text, show }: Rendered): Generator<undefined, number[]> {
    return this.#encodingSections(this.#inTemplate.split(text), show);
  }

  *#encodingSections(sections: readonly Section[], show?: Rendered['show']): Generator<undefined, number[]> {
    const ids: number[] = [];
    let words = 0;
    for (const section of sections) {
      if ('id' in section) {
        ids.push(section.id);
        continue;
      }
      for (const part of this.#partsOf(section.text, show)) {
        if ('id' in part) {
          ids.push(part.id);
          continue;
        }
        const first = section.start === 0 && part.start === 0;
        for (const word of this.#cut([{ text: part.text, first }])) {
          if (++words % wordsPerStep === 0) yield;
          for (const id of this.#remembered.get(word.text) ?? (yield* this.#encodeWord(word.text))) ids.push(id);
        }
      }
    }
    return ids;
  }

  /**
   * The parts of a text between tokens, normalized. Hidden tokens are shown before the normalizer
   * runs, as long as it then contains no token that must be told apart from them.
   */
  #partsOf(text: string, show?: Rendered['show']): readonly Section[] {
    const shown = show?.(text) ?? text;
    if (shown === '') return [];
    const parts = this.#inNormalized.split(this.#normalize(shown));
    if (!show || shown === text || !parts.some((part) => 'id' in part)) return parts;
    return this.#inNormalized
      .split(this.#normalize(text))
      .map((part) => ('id' in part ? part : { ...part, text: show(part.text) }))
      .filter((part) => 'id' in part || part.text !== '');
  }

  *#encodeWord(word: string): Generator<undefined, readonly number[]> {
    const ids = yield* this.#model.encode(word);
    if (word.length <= maxRememberedLength) {
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
      this.#remembered.set(word, ids);
    }
    return ids;
  }

  /** Ids of a request in the form that the manifest defines. */
  encodePrompt(text: string): number[] {
    return finish(this.encodingPrompt(text));
  }

  /** `encodePrompt` in steps, like `encoding`; `prefix` is the beginning of the answer. */
  *encodingPrompt(text: string, prefix = ''): Generator<undefined, number[]> {
    const { before, after, promptPrefix, promptSuffix } = this.#prompt;
    let ids: readonly number[] = before;
    // Adjacent texts are encoded as one, so that the text gets the same tokens as in a document.
    let run = '';
    for (const part of [...this.#parts(promptPrefix), text, ...this.#parts(promptSuffix), prefix]) {
      if (typeof part === 'string') run += part;
      else {
        ids = [...ids, ...(yield* this.encoding(run)), part];
        run = '';
      }
    }
    return ids.concat(yield* this.encoding(run), after);
  }

  /** Text of ids; special tokens have none. */
  decode(ids: readonly number[]): string {
    const tokens = ids.flatMap((id) => {
      const text = this.textOf(id);
      if (text === null) return [];
      // A byte decoder would interpret the characters of an added token as bytes, so they are
      // written in its alphabet.
      return this.#decodesBytes && this.#addedById.has(id) ? byteCharacters(text) : text;
    });
    return tokens.length === 0 ? '' : this.#decode(tokens);
  }

  /**
   * A detokenizer for ids that follow those of `prompt`. It continues the prompt's text, unless a
   * special token lies in between, or `isWhole` and the prompt ends inside a character.
   */
  detokenizer(prompt: readonly number[], isWhole = false): Detokenizer {
    const text = prompt.slice(prompt.findLastIndex((id) => this.#specialIds.has(id)) + 1).slice(-idsBefore);
    const endsInside = this.decode(text).endsWith('\ufffd') && !this.#endsInReplacement(text);
    const before = isWhole && endsInside ? [] : text;
    return new Detokenizer((ids) => this.decode(ids), before, endsInside && before.length > 0);
  }

  /** Whether the bytes of `ids` end with those of U+FFFD, which is then no sign of an incomplete character. */
  #endsInReplacement(ids: readonly number[]): boolean {
    const bytesOf = this.tokenBytes();
    if (!bytesOf) return false;
    const last = ids.flatMap((id) => Array.from(bytesOf(id) ?? [])).slice(-3);
    return last.length === 3 && replacement.every((byte, i) => byte === last[i]);
  }

  /**
   * Template text, cut into plain texts and the ids of the special tokens written in it; of several
   * that match, the longest.
   */
  #parts(template: string): (string | number)[] {
    const names = [...this.special.keys()].sort((a, b) => b.length - a.length);
    if (names.length === 0) return [template];
    const pattern = new RegExp(`(${names.map(literal).join('|')})`);
    return template.split(pattern).map((part) => this.special.get(part) ?? part);
  }
}

/** The settings: JSON in UTF-8. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return refuse('tokenizer.json', reasonOf(error));
  }
}

function finish<T>(steps: Generator<undefined, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

/**
 * Reads a package's tokenizer. L407 if it is not one, or not the one that was compiled; throws the
 * errors of `readChecked`.
 */
export async function loadTokenizer(
  spec: TokenizerFiles,
  files: PackageFiles,
  signal?: AbortSignal,
): Promise<Tokenizer> {
  const bytes = await readChecked(files, spec, { signal });
  try {
    return new Tokenizer(bytes, spec);
  } catch (cause) {
    throw new LamellaError('L407', { file: spec.file, reason: reasonOf(cause) }, files.place);
  }
}
