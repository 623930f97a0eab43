/**
 * The text of single tokens, for log-probabilities. Decoders drop the space before the first token
 * of a text, so a token is decoded after another one, whose text is then removed. Texts are kept:
 * the same few tokens are probable again and again.
 */
import type { Piece, TokenLogprob } from '../../api.ts';
import type { Served } from './served.ts';
import type { AlternativeToken, TokenLogprobEntry } from './types.ts';

export class TokenTexts {
  readonly #tokenizer: Served['tokenizer'];
  readonly #texts = new Map<number, Promise<string>>();
  #before: Promise<{ readonly ids: readonly number[]; readonly text: string }> | null = null;

  constructor(tokenizer: Served['tokenizer']) {
    this.#tokenizer = tokenizer;
  }

  /** The text of a token; `token_id:5` without a tokenizer. A part of a character is U+FFFD. */
  of(token: number): Promise<string> {
    const known = this.#texts.get(token) ?? this.#decode(token);
    this.#texts.set(token, known);
    return known;
  }

  async #decode(token: number): Promise<string> {
    const tokenizer = this.#tokenizer;
    if (!tokenizer) return `token_id:${token}`;
    this.#before ??= tokenizer.encode('a').then(async (ids) => ({ ids, text: await tokenizer.decode(ids) }));
    const { ids, text } = await this.#before;
    return (await tokenizer.decode([...ids, token])).slice(text.length);
  }

  /** A generated token, as chat completions report it. */
  async entry({ token, logprob = 0, top = [] }: Pick<Piece, 'token' | 'logprob' | 'top'>): Promise<TokenLogprobEntry> {
    const own = await this.alternative({ token, logprob });
    return { ...own, top_logprobs: await Promise.all(top.map((each) => this.alternative(each))) };
  }

  async alternative({ token, logprob }: TokenLogprob): Promise<AlternativeToken> {
    const text = await this.of(token);
    return { token: text, logprob, bytes: text.includes('\ufffd') ? null : [...new TextEncoder().encode(text)] };
  }
}

const ofTokenizers = new WeakMap<object, TokenTexts>();

/** The texts of a model's tokens. */
export function tokenTexts({ tokenizer }: Pick<Served, 'tokenizer'>): TokenTexts {
  if (!tokenizer) return new TokenTexts(null);
  const texts = ofTokenizers.get(tokenizer) ?? new TokenTexts(tokenizer);
  ofTokenizers.set(tokenizer, texts);
  return texts;
}
