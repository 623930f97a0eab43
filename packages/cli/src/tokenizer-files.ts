/**
 * The tokenizer that lies next to a checkpoint, and what a package must know beside it: which token starts a prompt, which end an
 * answer, and what is put around a request. `tokenizer_config.json` says it in Hugging Face's keys; a model that answers requests in its
 * own format adds `"lamella": {"prompt_prefix": "", "prompt_suffix": "<sep>"}`. A folder that has only SentencePiece's `tokenizer.model`, as
 * MobileLLM's have, gets a `tokenizer.json` made from it.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sentencePieceToTokenizerJson } from '@lamella/checkpoint/sentencepiece/tokenizer-json';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { TokenizerFiles } from '@lamella/runtime/manifest';
import { readTextIfThere, unreadable } from './files.ts';

export interface FoundTokenizer {
  readonly files: TokenizerFiles;
  /** Texts of `tokenizer.json` and `tokenizer_config.json`: copied as they are, or made from `tokenizer.model`. */
  readonly tokenizer: string;
  readonly config: string;
}

/** The tokenizer beside the checkpoint that `--weights` names; null when there is none, as for `random:SEED`. Throws L207. */
export async function findTokenizer(weights: string): Promise<FoundTokenizer | null> {
  if (weights.startsWith('random:')) return null;
  const isFolder = await stat(weights).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const folder = isFolder ? weights : dirname(weights);
  const texts = await readTokenizer(folder);
  if (!texts) return null;
  const { path, tokenizer, config } = texts;
  const about = describe(
    record(parse(path, tokenizer)),
    record(parse(join(folder, 'tokenizer_config.json'), config)),
    { ...(await readRecord(folder, 'config.json')), ...(await readRecord(folder, 'generation_config.json')) },
    path,
  );
  return { files: { file: 'tokenizer.json', config: 'tokenizer_config.json', ...about }, tokenizer, config };
}

/** The two files' texts, and the path of the one they come from. */
async function readTokenizer(folder: string): Promise<{ path: string; tokenizer: string; config: string } | null> {
  const path = join(folder, 'tokenizer.json');
  const configPath = join(folder, 'tokenizer_config.json');
  const [tokenizer, config] = [await readTextIfThere(path), await readTextIfThere(configPath)];
  if (tokenizer !== null) return { path, tokenizer, config: config ?? '{}\n' };
  const modelPath = join(folder, 'tokenizer.model');
  const model = await readFile(modelPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unreadable(modelPath, error);
  });
  if (!model) return null;
  const given = config === null ? null : record(parse(configPath, config));
  const made = sentencePieceToTokenizerJson(model, given, modelPath);
  return { path: modelPath, tokenizer: json(made.tokenizer), config: json(made.config) };
}

async function readRecord(folder: string, file: string): Promise<Json> {
  const path = join(folder, file);
  return record(parse(path, (await readTextIfThere(path)) ?? '{}'));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

type Json = Readonly<Record<string, unknown>>;

/** `generation` is what the model's own configs say: end tokens beside the tokenizer's. */
function describe(tokenizer: Json, config: Json, generation: Json, path: string) {
  const ids = tokenIdsByText(tokenizer);
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id !== undefined) return id;
    throw new LamellaError('L207', {
      file: path,
      reason: `tokenizer_config.json names ${token}, which it does not have`,
      remedy: 'both files from the same model',
    });
  };
  const bosToken = tokenText(config.bos_token);
  const eosToken = tokenText(config.eos_token);
  const ownFormat = record(config.lamella);
  const eos = [generation.eos_token_id].flat().filter((id) => typeof id === 'number');
  if (eosToken !== null) eos.push(idOf(eosToken));
  return {
    bos: bosToken !== null && startsWithBos(tokenizer, config, bosToken) ? idOf(bosToken) : null,
    eos: [...new Set(eos)],
    promptPrefix: text(ownFormat.prompt_prefix),
    promptSuffix: text(ownFormat.prompt_suffix),
  };
}

/** Whether a prompt begins with the BOS token: as the config says, else as the tokenizer's own template does. */
function startsWithBos(tokenizer: Json, config: Json, bos: string): boolean {
  if (typeof config.add_bos_token === 'boolean') return config.add_bos_token;
  const template = record(tokenizer.post_processor).single;
  if (!Array.isArray(template)) return false;
  return record(record(template[0]).SpecialToken).id === bos;
}

/** Ids of the vocabulary and of the added tokens, which win. */
function tokenIdsByText(tokenizer: Json): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(record(record(tokenizer.model).vocab))) {
    if (typeof id === 'number') ids.set(token, id);
  }
  const added = tokenizer.added_tokens;
  for (const entry of Array.isArray(added) ? added.map(record) : []) {
    if (typeof entry.content === 'string' && typeof entry.id === 'number') ids.set(entry.content, entry.id);
  }
  return ids;
}

/** A special token is written as its text or as an object with `content`. */
function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  const content = record(value).content;
  return typeof content === 'string' ? content : null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function parse(file: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LamellaError('L207', { file, reason: `not JSON: ${reason}`, remedy: 'fetching it again' });
  }
}
