/**
 * The tokenizer beside a checkpoint, and what a package needs besides it: the tokens around a
 * prompt, the tokens that end an answer, and the texts around a request. A folder with only
 * SentencePiece's `tokenizer.model`, like MobileLLM's, gets a `tokenizer.json` made from it.
 *
 * The tokens around a prompt are those that the tokenizer itself adds (its post-processor), unless
 * `add_bos_token` or `add_eos_token` in `tokenizer_config.json` differ. The BOS token, and the
 * tokens that end an answer, are named in `tokenizer_config.json`, `special_tokens_map.json`
 * (texts), `generation_config.json` or `config.json` (ids); a released folder rarely has all of
 * them. A model that answers requests in its own format adds `"lamella": {"prompt_prefix": "",
 * "prompt_suffix": "<sep>"}` to the first.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isGguf } from '@lamella/checkpoint/gguf/format';
import { ggufTokenizer } from '@lamella/checkpoint/gguf/model';
import { sentencePieceToTokenizerJson } from '@lamella/checkpoint/sentencepiece/tokenizer-json';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { TokenizerFiles } from '@lamella/runtime/manifest';
import { Tokenizer } from '@lamella/runtime/tokenizer';
import { packTokenizer } from '@lamella/runtime/tokenizer/pack';
import { NotUnderstood } from '@lamella/runtime/tokenizer/part';
import { readFileIfThere, readTextIfThere } from '../files.ts';
import { chatInFolder, chatOf, type FoundChat } from './chat-template.ts';

/** What the files are called in a package. */
const names = { file: 'tokenizer.bin', config: 'tokenizer_config.json' };

export interface FoundTokenizer {
  readonly files: Omit<TokenizerFiles, 'sha256' | 'configSha256' | 'chat'>;
  readonly chat: FoundChat | null;
  /**
   * Texts of `tokenizer.json` and `tokenizer_config.json`: copied, or made from `tokenizer.model`.
   */
  readonly tokenizer: string;
  readonly config: string;
  /** The tokenizer as packages contain it. */
  readonly packed: Uint8Array;
}

/**
 * The tokenizer beside the checkpoint that `--weights` names, for a model of `vocab` tokens; null
 * if there is none, as for `random:SEED`. Throws L207 if it is malformed, has an unsupported part,
 * or has other tokens than the model.
 */
export async function findTokenizer(weights: string, vocab: number): Promise<FoundTokenizer | null> {
  if (weights.startsWith('random:')) return null;
  if (isGguf(weights)) return inGguf(weights, vocab);
  const isFolder = await stat(weights).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const folder = isFolder ? weights : dirname(weights);
  const texts = await readTokenizer(folder);
  if (!texts) return null;
  const { path, tokenizer, config, unread } = texts;
  const said = {
    tokenizer: unread,
    map: await readRecord(folder, 'special_tokens_map.json'),
    generation: await readRecord(folder, 'generation_config.json'),
    model: await readRecord(folder, 'config.json'),
  };
  const { packed, ...about } = describe(parse(path, tokenizer), said, vocab, path);
  return {
    files: { ...names, ...about },
    chat: await chatInFolder(folder, { ...said.map, ...unread }),
    tokenizer,
    config,
    packed,
  };
}

/** The tokenizer in a GGUF file. */
async function inGguf(file: string, vocab: number): Promise<FoundTokenizer | null> {
  const made = await ggufTokenizer(file);
  if (!made) return null;
  const said: Said = { tokenizer: made.config, map: {}, generation: { eos_token_id: made.eos }, model: {} };
  const { packed, ...about } = describe(made.tokenizer, said, vocab, file);
  const [tokenizer, config] = [json(made.tokenizer), json(made.config)];
  return { files: { ...names, ...about }, chat: chatOf(made.config, made.config), tokenizer, config, packed };
}

/**
 * The texts of the two files, the path of their source, and the keys of the second that the first
 * does not already contain.
 */
async function readTokenizer(
  folder: string,
): Promise<{ path: string; tokenizer: string; config: string; unread: Json } | null> {
  const path = join(folder, 'tokenizer.json');
  const configPath = join(folder, 'tokenizer_config.json');
  const [tokenizer, config] = [await readTextIfThere(path), await readTextIfThere(configPath)];
  const given = config === null ? null : parseObject(configPath, config);
  if (tokenizer !== null) return { path, tokenizer, config: config ?? '{}\n', unread: given ?? {} };
  const modelPath = join(folder, 'tokenizer.model');
  const model = await readFileIfThere(modelPath);
  if (!model) return null;
  const made = sentencePieceToTokenizerJson(model, given, modelPath);
  const { added_tokens_decoder, ...unread } = made.config;
  return { path: modelPath, tokenizer: json(made.tokenizer), config: json(made.config), unread };
}

async function readRecord(folder: string, file: string): Promise<Json> {
  const path = join(folder, file);
  return parseObject(path, (await readTextIfThere(path)) ?? '{}');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

type Json = Readonly<Record<string, unknown>>;

/** The files beside `tokenizer.json`. A missing file is an empty object. */
interface Said {
  /** `tokenizer_config.json` */
  readonly tokenizer: Json;
  /** `special_tokens_map.json` */
  readonly map: Json;
  /** `generation_config.json` */
  readonly generation: Json;
  /** `config.json` */
  readonly model: Json;
}

/** A token and its source, for messages. */
interface Named {
  readonly id: number;
  readonly by: string;
}

function describe(tokenizer: unknown, said: Said, vocab: number, path: string) {
  const refuse = (reason: string, remedy: string): LamellaError =>
    new LamellaError('L207', { file: path, reason, remedy });
  const fromSameModel = 'all files from the same model';
  /** `value` of `place`, if it has the type `wanted`; null if it is absent; else refuses it. */
  const only = <T>(wanted: string, is: (value: unknown) => value is T, value: unknown, place: string): T | null => {
    if (value === undefined || value === null) return null;
    if (is(value)) return value;
    throw refuse(`${place} is ${JSON.stringify(value)}`, `${wanted} there, or nothing`);
  };
  const flag = (key: string) =>
    only('true or false', isBoolean, said.tokenizer[key], `${key} of tokenizer_config.json`);
  const ownFormat = only('an object', isObject, said.tokenizer.lamella, 'lamella of tokenizer_config.json') ?? {};
  const [promptPrefix, promptSuffix] = ['prompt_prefix', 'prompt_suffix'].map(
    (key) => only('a text', isString, ownFormat[key], `lamella.${key} of tokenizer_config.json`) ?? '',
  ) as [string, string];
  const { read, packed } = understood(tokenizer, { before: [], after: [], promptPrefix, promptSuffix }, refuse);

  /** The token of the model's `role`, from the first file that names it. */
  const named = (role: 'bos_token' | 'eos_token'): Named[] => {
    const files = { 'tokenizer_config.json': said.tokenizer, 'special_tokens_map.json': said.map };
    for (const [file, value] of Object.entries(files)) {
      const content = only('a text', isTokenText, value[role], `the ${role} of ${file}`);
      // An empty text means none.
      if (content === null || textOf(content) === '') continue;
      const id = read.idOf(textOf(content));
      if (id === null)
        throw refuse(`${file} names ${textOf(content)}, which the tokenizer does not have`, fromSameModel);
      return [{ id, by: `the ${role} of ${file}` }];
    }
    return [];
  };
  const numbered = (role: 'bos_token_id' | 'eos_token_id'): Named[] => {
    const files = { 'generation_config.json': said.generation, 'config.json': said.model };
    for (const [file, value] of Object.entries(files)) {
      const ids = [value[role] ?? []].flat();
      if (ids.length === 0) continue;
      return ids.map((id) => {
        if (Number.isSafeInteger(id)) return { id: id as number, by: `the ${role} of ${file}` };
        throw refuse(`the ${role} of ${file} is ${JSON.stringify(id)}`, `${role} as a whole number, or without it`);
      });
    }
    return [];
  };

  const contradiction = contradictionOf(said.tokenizer, read, tokenizer);
  if (contradiction) throw refuse(`tokenizer_config.json ${contradiction}`, fromSameModel);

  const bos = () => [...named('bos_token'), ...numbered('bos_token_id')].slice(0, 1);
  const eos = [...numbered('eos_token_id'), ...named('eos_token')];
  const own = (ids: readonly number[]): Named[] => ids.map((id) => ({ id, by: 'a token that the tokenizer adds' }));
  /**
   * The tokens that the tokenizer adds, with the token of `role` added or removed as `add_...`
   * requires, if it is set.
   */
  const around = (role: 'bos_token' | 'eos_token', token: () => readonly Named[], added: readonly Named[]) => {
    const wanted = flag(`add_${role}`);
    if (wanted === null) return added;
    const [one] = token();
    // There is no token to add, or it is unknown which one to remove.
    if (!one && wanted === (added.length === 0)) {
      throw refuse(`add_${role} of tokenizer_config.json is ${wanted}, and no file names a ${role}`, fromSameModel);
    }
    const others = added.filter(({ id }) => id !== one?.id);
    if (!wanted || !one) return others;
    return others.length < added.length ? added : [one, ...added];
  };
  const before = around('bos_token', bos, own(read.added.before));
  const after = around('eos_token', () => eos.slice(-1), own(read.added.after));

  const texts = Array.from({ length: Math.max(0, read.end - vocab) }, (_, i): Named[] => {
    const text = read.textOf(vocab + i);
    return text === null ? [] : [{ id: vocab + i, by: `the token ${JSON.stringify(text)}` }];
  }).flat();
  const written = read.encodePrompt('').map((id): Named => ({ id, by: "a token of the prompt's own format" }));
  for (const { id, by } of [...before, ...after, ...eos, ...written, ...texts]) {
    if (id >= 0 && id < vocab) continue;
    throw refuse(`${by} has the id ${id}, and the model's vocabulary has ${vocab} tokens`, fromSameModel);
  }
  const ids = (list: readonly Named[]): number[] => list.map(({ id }) => id);
  return { packed, before: ids(before), after: ids(after), eos: [...new Set(ids(eos))], promptPrefix, promptSuffix };
}

type Refuse = (reason: string, remedy: string) => LamellaError;

/** The tokenizer as a package contains it, and as its runtime reads it. */
function understood(json: unknown, prompt: ConstructorParameters<typeof Tokenizer>[1], refuse: Refuse) {
  try {
    const packed = packTokenizer(json);
    return { packed, read: new Tokenizer(packed, prompt) };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    throw refuse(error.message, 'the folder without tokenizer files, and --tokens 1,2,3 in place of --prompt');
  }
}

/**
 * A statement of `config` that contradicts the tokenizer; null if they agree. Hugging Face's
 * library applies `config` to the tokenizer when it reads both files, so its ids would differ from
 * Lamella's.
 */
function contradictionOf(config: Json, read: Tokenizer, tokenizer: unknown): string | null {
  for (const [key, entry] of Object.entries(record(config.added_tokens_decoder))) {
    const said = record(entry);
    const { content } = said;
    if (!isString(content)) return `has no text for the added token ${key}`;
    const id = read.idOf(content);
    const special = said.special === true;
    // Special tokens are not looked for in text.
    if (id === null && special) continue;
    if (id === null) return `adds ${content}, which the tokenizer does not have`;
    if (id !== Number(key)) return `gives ${content} the id ${key}, but its id is ${id}`;
    const token = read.addedTokens.get(content);
    if (special && (token?.special ?? true)) continue;
    if (!token) return `adds ${content}, which is not an added token of the tokenizer`;
    const { normalized, singleWord, lstrip, rstrip } = token;
    const here = { special: token.special, normalized, single_word: singleWord, lstrip, rstrip };
    const there = { special, normalized: !special, single_word: false, lstrip: false, rstrip: false, ...said };
    for (const [flag, value] of Object.entries(here)) {
      if (there[flag as keyof typeof here] !== value) return `has a different ${flag} for ${content}`;
    }
  }
  const { add_prefix_space } = config;
  const { type, add_prefix_space: spaced } = record(record(tokenizer).pre_tokenizer);
  if (type === 'ByteLevel' && isBoolean(add_prefix_space) && add_prefix_space !== (spaced ?? true)) {
    return `has add_prefix_space ${add_prefix_space}, but the pre_tokenizer has ${spaced ?? true}`;
  }
  return null;
}

/** A special token is written as its text or as an object with `content`. */
type TokenText = string | { readonly content: string };

function textOf(token: TokenText): string {
  return isString(token) ? token : token.content;
}

function isTokenText(value: unknown): value is TokenText {
  return isString(value) || isString(record(value).content);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Json {
  return isObject(value) ? value : {};
}

function parseObject(file: string, json: string): Json {
  const value = parse(file, json);
  if (isObject(value)) return value;
  throw new LamellaError('L207', { file, reason: 'it is not a JSON object', remedy: 'fetching it again' });
}

function parse(file: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LamellaError('L207', { file, reason: `not JSON: ${reason}`, remedy: 'fetching it again' });
  }
}
