/**
 * Random requests with formats, to a model with random weights and a tokenizer that has tokens of
 * several bytes, some across the parts of JSON and some within characters. Every answer must
 * satisfy its schema, by ajv.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerateOptions, Model } from '@lamella/runtime/api';
import { answerFormats, whatIsWrong } from '@lamella/runtime/test/answer-formats';
import { expect } from 'vitest';
import { openPackage } from '../src/package/open-package.ts';
import { writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, writeGraph } from './lamella.ts';

/** Texts that are tokens, with all their beginnings. */
const words = [
  ...[
    '{"',
    '": "',
    '", "',
    '":',
    '"}',
    '[]',
    '[[',
    ']]',
    '},',
    '"],',
    '\\"',
    '\\u00',
    '\\ud83d',
    'true',
    'false',
    'null',
  ],
  ...[
    'name',
    'value',
    'children',
    'type',
    'circle',
    '000',
    '123',
    '-1',
    '1.5',
    'e10',
    ' the',
    ' a',
    'größe',
    '日本',
    '😀',
  ],
];

/** The alphabet of byte-level BPE, by byte. */
const letters = Array.from({ length: 256 }, (_, byte) => {
  const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  return isPrintable ? String.fromCharCode(byte) : null;
});
letters.reduce((next, letter, byte) => {
  if (letter === null) letters[byte] = String.fromCharCode(next);
  return letter === null ? next + 1 : next;
}, 256);

function tokenizerJson(): { json: string; vocab: number } {
  const vocab = new Map(letters.map((letter, id) => [letter!, id]));
  const merges: [string, string][] = [];
  for (const word of words) {
    let text = '';
    for (const byte of new TextEncoder().encode(word)) {
      const [left, right] = [text, letters[byte]!];
      text += right;
      if (vocab.has(text)) continue;
      vocab.set(text, vocab.size);
      merges.push([left, right]);
    }
  }
  const eos = vocab.size;
  const json = JSON.stringify({
    added_tokens: [{ id: eos, content: '<eos>', special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(vocab), merges },
  });
  return { json, vocab: eos + 1 };
}

/** Puts a tokenizer with these tokens into a folder. */
export async function addFormatTokenizer(folder: string): Promise<void> {
  await writeFile(join(folder, 'tokenizer.json'), tokenizerJson().json);
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ eos_token: '<eos>' }));
}

/** Compiles the model in `home` and loads it. */
export async function formatModel(home: Scratch, device: 'wasm' | 'webgpu' = 'wasm'): Promise<Model> {
  const { vocab } = tokenizerJson();
  const graph = await writeGraph(home.path, 'answering', (text) =>
    text.replace('vocab: 50', `vocab: ${vocab}`).replace('t: 16', 't: 320'),
  );
  const folder = join(home.path, 'answering');
  await mkdir(folder);
  await writeCheckpoint(folder, graph);
  await addFormatTokenizer(folder);
  const target = device === 'wasm' ? 'wasm' : 'wasm,webgpu';
  const options = ['--weights', folder, '--target', target, '--out', 'answers'];
  const { code, stderr } = await home.lamella('compile', graph, ...options);
  expect(code, stderr).toBe(0);
  return openPackage(join(home.path, 'answers'), { device, threads: 1 });
}

/** Options that follow from the number of a request. */
function optionsOf(request: number): GenerateOptions {
  const pick = <T>(values: readonly T[], step: number): T => values[Math.floor(request / step) % values.length]!;
  return {
    seed: request,
    temperature: pick([0, 0.7, 1, 2, 5], 1),
    topK: pick([0, 0, 1, 40], 5),
    topP: pick([1, 0.5, 1], 3),
    repetitionPenalty: pick([1, 1.3], 7),
    ...(request % 11 === 0 && { typicalP: 0.5 }),
    ...(request % 13 === 0 && { minP: 0.1 }),
    ...(request % 17 === 0 && { logprobs: 1 }),
    maxTokens: pick([300, 150, 200], 2),
  };
}

/**
 * Answers `requests` requests for each of these formats. Returns what is wrong, and counts of the
 * answers' ends.
 */
export async function fuzzFormats(
  model: Model,
  requests: number,
  names: readonly string[] = Object.keys(answerFormats),
): Promise<{ wrong: string[]; ends: Record<string, number> }> {
  const wrong: string[] = [];
  const ends: Record<string, number> = {};
  for (const name of names) {
    const responseFormat = answerFormats[name]!;
    for (let request = 0; request < requests; request++) {
      const prompt = [(request * 31) % 250, (request * 7) % 250];
      const { text, finishReason } = await model.generate(prompt, { ...optionsOf(request), responseFormat }).result();
      ends[finishReason] = (ends[finishReason] ?? 0) + 1;
      const fault = whatIsWrong(name, text);
      if (fault !== null) wrong.push(`request ${request}, ${fault}`);
    }
  }
  return { wrong, ends };
}
