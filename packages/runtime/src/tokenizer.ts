/**
 * Text to token ids and back, through Hugging Face's `tokenizer.json`. This module and the library behind it are loaded only for
 * packages that have a tokenizer.
 *
 * The library matches added tokens wherever they appear, and would let a user's text contain `<eos>` as one token. So it is built
 * without the special ones: what a user writes is text. They are put in by id, where the package's own prompt prefix and suffix name
 * them, and left out again when decoding. (Added tokens that are not special are vocabulary, and stay.)
 */
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers';
import { LamellaError } from './lamella-error.ts';
import type { TokenizerFiles } from './manifest.ts';
import { readFresh, reasonOf } from './manifest-file.ts';
import type { PackageFiles } from './package-files.ts';

/** The part of the library's tokenizer that is used; its own declarations do not resolve in strict ES modules. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: readonly number[] };
  decode(ids: readonly number[], options: { clean_up_tokenization_spaces: boolean }): string;
  id_to_token(id: number): string | undefined;
}

interface TokenizerJson {
  readonly added_tokens: readonly { readonly id: number; readonly content: string; readonly special?: boolean }[];
}

/** What the manifest says a request looks like. */
type Prompt = Pick<TokenizerFiles, 'bos' | 'promptPrefix' | 'promptSuffix'>;

export class Tokenizer {
  readonly #library: Library;
  /** Special tokens: text to id. */
  readonly #special: ReadonlyMap<string, number>;
  readonly #specialIds: ReadonlySet<number>;
  readonly #prompt: Prompt;

  /** `json` is the content of `tokenizer.json`, `config` that of `tokenizer_config.json`. Throws what the library throws. */
  constructor(json: TokenizerJson, config: object, prompt: Prompt) {
    const special = json.added_tokens.filter((token) => token.special);
    const library: Library = new HuggingFace(
      { ...json, added_tokens: json.added_tokens.filter((token) => !token.special) },
      config,
    );
    this.#library = library;
    this.#special = new Map(special.map((token) => [token.content, token.id]));
    this.#specialIds = new Set(special.map((token) => token.id));
    this.#prompt = prompt;
  }

  /** Ids of plain text; nothing is added. */
  encode(text: string): number[] {
    return text === '' ? [] : [...this.#library.encode(text, { add_special_tokens: false }).ids];
  }

  /** Ids of a request, as the package's manifest says it looks. */
  encodePrompt(text: string): number[] {
    const { bos, promptPrefix, promptSuffix } = this.#prompt;
    let ids = bos === null ? [] : [bos];
    // Neighbouring texts are encoded as one, so that the text has the tokens it would have in a document.
    let run = '';
    for (const part of [...this.#parts(promptPrefix), text, ...this.#parts(promptSuffix)]) {
      if (typeof part === 'string') run += part;
      else {
        ids = ids.concat(this.encode(run), part);
        run = '';
      }
    }
    return ids.concat(this.encode(run));
  }

  /** `encode` in steps of some milliseconds each: the library knows only one. */
  *encoding(text: string): Generator<undefined, number[]> {
    yield;
    return this.encode(text);
  }

  /** `encodePrompt` in steps. */
  *encodingPrompt(text: string): Generator<undefined, number[]> {
    yield;
    return this.encodePrompt(text);
  }

  /** Text of ids; special tokens have none. */
  decode(ids: readonly number[]): string {
    const known = ids.filter((id) => !this.#specialIds.has(id) && this.#library.id_to_token(id) !== undefined);
    // Never "cleaned up": dropping the space before a comma is not undoing anything the tokenizer did.
    return known.length === 0 ? '' : this.#library.decode(known, { clean_up_tokenization_spaces: false });
  }

  /** Template text cut into plain texts and the ids of the special tokens written in it; of several that match, the longest. */
  #parts(template: string): (string | number)[] {
    const names = [...this.#special.keys()].sort((a, b) => b.length - a.length);
    if (names.length === 0) return [template];
    const pattern = new RegExp(`(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`);
    return template.split(pattern).map((part) => this.#special.get(part) ?? part);
  }
}

/** Reads a package's tokenizer. L413 when a file cannot be read, L407 when it is not a tokenizer. */
export async function loadTokenizer(spec: TokenizerFiles, files: PackageFiles): Promise<Tokenizer> {
  const json = (await readJson(spec.file, files)) as TokenizerJson;
  const config = (await readJson(spec.config, files)) as object;
  try {
    return new Tokenizer(json, config, spec);
  } catch (cause) {
    throw new LamellaError('L407', { file: spec.file, reason: reasonOf(cause) }, files.place);
  }
}

async function readJson(file: string, files: PackageFiles): Promise<unknown> {
  const bytes = await readFresh(files, file).catch((cause: unknown) => {
    throw new LamellaError('L413', { file, reason: reasonOf(cause) }, files.place);
  });
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new LamellaError('L407', { file, reason: reasonOf(cause) }, files.place);
  }
}
