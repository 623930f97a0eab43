/**
 * `npm run bench:formats -- PACKAGE TOKENIZER...`: the cost of a format beside the time of a token
 * of the package, for each tokenizer (a folder with `tokenizer.json`). Each document is written
 * with the tokens that the tokenizer gives it. Greedy and unlimited sampling only check the token
 * that they chose, and need a mask where it is refused; sampling with limits needs a mask for every
 * token.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Constrainer } from '@lamella/runtime/constraint';
import { load } from '@lamella/runtime/every-part';
import { nodeFiles } from '@lamella/runtime/node-files';
import { Tokenizer } from '@lamella/runtime/tokenizer';
import { packTokenizer } from '@lamella/runtime/tokenizer/pack';

const object = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** A schema and an answer to it. */
const documents: Readonly<Record<string, readonly [schema: object, answer: unknown]>> = {
  person: [
    object({
      name: { type: 'string' },
      age: { type: 'integer', minimum: 0, maximum: 130 },
      tags: { type: 'array', items: { enum: ['red', 'green', 'blue'] } },
      address: object({ street: { type: 'string', maxLength: 40 }, zip: { type: 'string' } }),
    }),
    { name: 'Ada Lovelace', age: 36, tags: ['red', 'blue'], address: { street: '12 Long Acre', zip: 'WC2E 9LH' } },
  ],
  tree: [
    {
      $ref: '#/$defs/node',
      $defs: {
        node: object({ value: { type: 'number' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } }),
      },
    },
    {
      value: 1.5,
      children: [
        { value: -2, children: [] },
        { value: 3, children: [{ value: 4, children: [] }] },
      ],
    },
  ],
  patterns: [
    object({
      day: { type: 'string', format: 'date' },
      mail: { type: 'string', pattern: '^[a-z0-9.]+@[a-z0-9]+\\.(com|org)$' },
    }),
    { day: '2026-11-27', mail: 'ada.lovelace@example.org' },
  ],
  text: [
    object({ text: { type: 'string' } }),
    { text: 'It was the best of times, it was the worst of times. '.repeat(8) },
  ],
};

const ordered = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const quantile = (values: readonly number[], q: number) => ordered(values)[Math.floor(q * (values.length - 1))]!;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Milliseconds of a call, and its result. */
function timed<T>(call: () => T): [T, number] {
  const start = performance.now();
  const result = call();
  return [result, performance.now() - start];
}

/** Median milliseconds of a decoded token. */
async function tokenMs(folder: string): Promise<number> {
  const model = await load(await nodeFiles(folder), { device: 'wasm', threads: 1 });
  const times: number[] = [];
  let before = performance.now();
  for await (const _ of model.generate([1], { maxTokens: 40, eos: [], lookup: false })) {
    times.push(performance.now() - before);
    before = performance.now();
  }
  model.dispose();
  return quantile(times.slice(4), 0.5);
}

const [folder, ...tokenizers] = process.argv.slice(2);
if (folder === undefined || tokenizers.length === 0)
  throw new Error('usage: npm run bench:formats -- PACKAGE TOKENIZER_FOLDER...');
const token = await tokenMs(folder);
console.log(`${folder}: ${token.toFixed(2)} ms per token, 1 thread`);
for (const place of tokenizers) {
  const json = JSON.parse(readFileSync(join(place, 'tokenizer.json'), 'utf8'));
  const tokenizer = new Tokenizer(packTokenizer(json), { before: [], after: [], promptPrefix: '', promptSuffix: '' });
  const { end: vocab, special } = tokenizer;
  const bytesOf = tokenizer.tokenBytes()!;
  const encode = (text: string) => tokenizer.encode(text);
  const [constrainer, readMs] = timed(() => new Constrainer({ vocab, bytesOf, special, encode }));
  console.log(`${place}: ${vocab} tokens, read in ${readMs.toFixed(0)} ms, once per model`);
  for (const [name, [schema, answer]] of Object.entries(documents)) {
    const format = { type: 'json_schema', schema } as const;
    const [, compileMs] = timed(() => constrainer.constraint(format, []));
    // The first round finds the states, the second one finds them known.
    for (const round of ['first', 'again']) {
      const constraint = constrainer.constraint(format, []);
      const [check, mask]: [number[], number[]] = [[], []];
      for (const id of encode(JSON.stringify(answer))) {
        const [isAllowed, checkMs] = timed(() => constraint.allows(id, 1e6));
        if (!isAllowed) throw new Error(`${name}: token ${id} is refused`);
        check.push(checkMs);
        mask.push(timed(() => constraint.allowed())[1]);
        constraint.accept(id);
      }
      const share = (ms: number) => `${(1000 * ms).toFixed(0)} us (${((100 * ms) / token).toFixed(2)} % of a token)`;
      console.log(
        `  ${name}, ${round}: compile ${compileMs.toFixed(1)} ms, check ${share(mean(check))}, mask ${share(mean(mask))}, median ${share(quantile(mask, 0.5))}, largest ${share(Math.max(...mask))}`,
      );
    }
  }
}
