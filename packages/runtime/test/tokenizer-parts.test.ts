/**
 * Every supported part of `tokenizer.json`, compared with ids from Hugging Face's own library
 * (fixtures/tokenizer-parts.py).
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tokenizerFrom } from './tokenizer-from.ts';

interface Case {
  readonly name: string;
  readonly tokenizer: { readonly model: object };
  readonly vocabulary: number;
  readonly ids: readonly (readonly number[])[];
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/tokenizer-parts.json', import.meta.url), 'utf8')) as {
  readonly texts: readonly string[];
  readonly vocabularies: readonly object[];
  readonly cases: readonly Case[];
};

test.each(fixture.cases)('$name', ({ tokenizer, vocabulary, ids }) => {
  const { merges, vocab } = fixture.vocabularies[vocabulary] as { merges: unknown; vocab: object };
  const model = { ...tokenizer.model, vocab, ...(merges ? { merges } : {}) };
  const read = tokenizerFrom({ ...tokenizer, model });
  const found = fixture.texts.map((text) => ({ text, ids: read.encode(text) }));
  expect(found).toEqual(fixture.texts.map((text, i) => ({ text, ids: ids[i] })));
});
