/**
 * Reading Hugging Face's `config.json`: the plain Llama shape, and MobileLLM, which is Llama plus two keys (arXiv 2402.14905, sections 3.3
 * and 3.4: `share_embedding`, `layer_sharing`). A key that would change the maths and that the DSL cannot say is refused by name; keys
 * about training, dropout or caching change nothing here and are passed over.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';

/** What the DSL needs to know, complete and checked. Sizes are positive integers. */
export interface LlamaConfig {
  readonly modelType: string;
  readonly layers: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  readonly ropeTheta: number;
  readonly normEps: number;
  /** The head is the embedding table. */
  readonly tied: boolean;
  /** Each block runs this often in a row. */
  readonly repeats: number;
}

type Config = Readonly<Record<string, unknown>>;

/** Keys that change the maths, with the values (besides absent and null) that change nothing. */
const neutral: readonly (readonly [key: string, values: readonly unknown[]])[] = [
  ['hidden_act', ['silu', 'swish']],
  ['attention_bias', [false]],
  ['mlp_bias', [false]],
  ['partial_rotary_factor', [1]],
  ['is_causal', [true]],
  ['sliding_window', []],
  ['use_qk_norm', [false]],
  ['quantization_config', []],
];

/** Sizes beyond every model's, so that a config that is not one is refused at once, and not after an hour of compiling. */
const largest = {
  hidden_size: 1 << 17,
  intermediate_size: 1 << 20,
  num_attention_heads: 1 << 12,
  num_key_value_heads: 1 << 12,
  head_dim: 1 << 12,
  num_hidden_layers: 1 << 10,
  vocab_size: 1 << 22,
  max_position_embeddings: 1 << 26,
  layer_sharing_repeats: 1 << 4,
} as const;
/** No config has a thousandth of it. */
const maxConfigBytes = 16 << 20;

/** What `transformers` fills in for a Llama whose config leaves these keys out. */
const defaults = { ropeTheta: 10_000, normEps: 1e-6, repeats: 2 };

/** The name of the model in the folder `dir`, after it: letters, digits, dots and dashes. */
export function modelName(dir: string): string {
  const dashed = path
    .basename(path.resolve(dir))
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-');
  return dashed.replace(/^[-.]+|[-.]+$/g, '') || 'model';
}

/** Reads `config.json` in the folder `dir`. Throws L302 when it cannot be read and L206, with key and value, for what cannot be imported. */
export function readLlamaConfig(dir: string): LlamaConfig {
  const file = path.join(dir, 'config.json');
  const config = readJson(file);
  const refuse = (reason: string, remedy: string) => new LamellaError('L206', { file, reason, remedy });
  const refuseKey = (key: string, wanted: string) =>
    refuse(`${key} is ${key in config ? written(config[key]) : 'missing'}`, wanted);

  /** A positive integer, or `otherwise` when the key is absent. */
  const size = (key: keyof typeof largest, otherwise?: number): number => {
    const value = config[key] ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= largest[key]) return value;
    throw refuseKey(key, `a whole number from 1 to ${largest[key]} for ${key}`);
  };
  const positive = (key: string, value: unknown, most: number): number => {
    if (typeof value === 'number' && value > 0 && value <= most) return value;
    throw refuse(`${key} is ${written(value)}`, `a number above 0 and at most ${most} for ${key}`);
  };
  const flag = (key: string): boolean => {
    const value = config[key] ?? false;
    if (typeof value === 'boolean') return value;
    throw refuseKey(key, `true or false for ${key}`);
  };

  const modelType = config.model_type;
  if (modelType !== 'mobilellm' && modelType !== 'llama') {
    throw refuseKey('model_type', 'a checkpoint of model_type mobilellm or llama, or write the graph by hand');
  }
  for (const [key, values] of neutral) {
    const value = config[key] ?? null;
    if (value !== null && !values.includes(value)) {
      const only = values.length > 0 ? `${key}: ${JSON.stringify(values[0])}` : `no ${key}`;
      throw refuseKey(key, `a checkpoint with ${only}, or write the graph by hand`);
    }
  }

  for (const key of ['share_embedding', 'layer_sharing']) {
    if (modelType === 'mobilellm' || !flag(key)) continue;
    throw refuseKey(key, `model_type: mobilellm, since in a ${modelType} ${key} says nothing, or ${key}: false`);
  }

  const d = size('hidden_size');
  const heads = size('num_attention_heads');
  const kvHeads = size('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) throw refuseKey('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  if ((config.head_dim ?? null) === null && d % heads !== 0) {
    throw refuseKey('head_dim', `naming it: hidden_size ${d} is not a multiple of num_attention_heads ${heads}`);
  }
  const headDim = size('head_dim', d / heads);
  if (headDim % 2 !== 0) throw refuse(`head_dim is ${headDim}`, 'an even head_dim, which RoPE needs');
  return {
    modelType,
    layers: size('num_hidden_layers'),
    d,
    ff: size('intermediate_size'),
    heads,
    kvHeads,
    headDim,
    vocab: size('vocab_size'),
    context: size('max_position_embeddings'),
    ropeTheta: positive('rope_theta', ropeTheta(config, refuseKey), 1e12),
    normEps: positive('rms_norm_eps', config.rms_norm_eps ?? defaults.normEps, 1),
    // MobileLLM says tie_word_embeddings: false and ties through share_embedding.
    tied: flag('tie_word_embeddings') || flag('share_embedding'),
    repeats: repeats(config, size, flag, refuseKey),
  };
}

/**
 * transformers 5 moved theta into `rope_parameters`, and reads it from `rope_scaling` where that is there; before, `rope_scaling` held whatever
 * was not plain.
 */
function ropeTheta(config: Config, refuseKey: (key: string, wanted: string) => LamellaError): unknown {
  for (const key of ['rope_scaling', 'rope_parameters']) {
    const rope = config[key] ?? null;
    const plain = rope === null || (isRecord(rope) && (rope.rope_type ?? rope.type ?? null) === 'default');
    const whole = !isRecord(rope) || (rope.partial_rotary_factor ?? 1) === 1;
    if (!plain || !whole)
      throw refuseKey(
        key,
        'a checkpoint with plain RoPE (rope_type "default") of all of a head, or write the graph by hand',
      );
  }
  const inside = [config.rope_scaling, config.rope_parameters].find(isRecord);
  return inside?.rope_theta ?? config.rope_theta ?? defaults.ropeTheta;
}

/**
 * MobileLLM's `layer_sharing` runs each block twice in a row; a successor names the count in `layer_sharing_repeats`. Any other order would
 * be another model with the same weights, so an unknown `layer_sharing_*` key is not passed over.
 */
function repeats(
  config: Config,
  size: (key: 'layer_sharing_repeats', otherwise: number) => number,
  flag: (key: string) => boolean,
  refuseKey: (key: string, wanted: string) => LamellaError,
): number {
  if (!flag('layer_sharing')) return 1;
  const unknown = Object.keys(config).find(
    (key) => key.startsWith('layer_sharing_') && key !== 'layer_sharing_repeats',
  );
  if (unknown)
    throw refuseKey(
      unknown,
      'only layer_sharing and layer_sharing_repeats, then share.cycle, reverse or order by hand',
    );
  return size('layer_sharing_repeats', defaults.repeats);
}

function readJson(file: string): Config {
  const unreadable = (reason: string) => {
    const remedy = 'a folder with the config.json of a Hugging Face checkpoint';
    return new LamellaError('L302', { path: file, reason, remedy });
  };
  const refuse = (reason: string) => new LamellaError('L206', { file, reason, remedy: 'fetching it again' });
  let bytes: Uint8Array;
  try {
    // Asked before opening, because opening a pipe waits for someone to write to it.
    const found = statSync(file);
    if (!found.isFile()) throw unreadable(found.isDirectory() ? 'it is a folder' : 'it is not a file');
    if (found.size > maxConfigBytes) throw refuse(`it has ${found.size} bytes, and ${maxConfigBytes} are read at most`);
    bytes = readFileSync(file);
  } catch (error) {
    throw error instanceof LamellaError ? error : unreadable((error as Error).message);
  }
  let config: unknown;
  try {
    // decoding takes a byte order mark away
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw refuse(`it is not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(config)) throw refuse('it is not a JSON object');
  return config;
}

/** A value as it was written, short enough for a message; of objects and lists within it, only that there are some. */
function written(value: unknown): string {
  const inside = (each: unknown) => (typeof each === 'object' && each !== null ? '...' : each);
  const shallow = isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inside(each)]))
    : Array.isArray(value)
      ? value.map(inside)
      : value;
  const json = JSON.stringify(shallow);
  return json.length > 60 ? `${json.slice(0, 60)}...` : json;
}

function isRecord(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
