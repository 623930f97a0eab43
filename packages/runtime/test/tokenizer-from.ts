/** Tests read tokenizers as a package does: the JSON is packed, and the packed form is read. */
import { packTokenizer } from '../src/text/tokenizer/pack.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';

const plain = { before: [], after: [], promptPrefix: '', promptSuffix: '' };

/** The tokenizer of the `tokenizer.json` with the content `json`; by default it adds nothing. */
export function tokenizerFrom(json: unknown, prompt: ConstructorParameters<typeof Tokenizer>[1] = plain): Tokenizer {
  return new Tokenizer(packTokenizer(json), prompt);
}
