/**
 * A package small enough to compute every logit by hand, with real WASM. Its "model" adds up the
 * token ids of the sequence; with the sum s after a token, logit i is weights[(i + s) mod 16] *
 * rows of the table. The running sums are its state, so a wrong position, tile or rewind is
 * detected. It finds weights and state through row 1 of the execution table, and so needs the table
 * to be right.
 */
import { createHash } from 'node:crypto';
import wabt from 'wabt';
import type { PackageFiles } from '../src/files/package-files.ts';
import type { Manifest, TokenizerFiles } from '../src/manifest/manifest.ts';
import { manifestText } from '../src/manifest/manifest-file.ts';
import { packTokenizer } from '../src/text/tokenizer/pack.ts';

export const VOCAB = 16;
export const CONTEXT = 40;
export const TILE = 8;

const plan: Manifest['memory'] = {
  plannedBytes: 65_536,
  step: { offset: 0, bytes: 64 },
  tokens: { offset: 64, bytes: 4 * TILE },
  logits: { offset: 128, bytes: 4 * VOCAB },
  arena: { offset: 192, bytes: 64 },
  weights: { offset: 512, bytes: 4 * VOCAB },
  state: { offset: 1024, bytes: 4 * CONTEXT },
  table: { offset: 2048, bytes: 32 },
};

/** f32 [16]: distinct, with both signs. */
export const WEIGHTS = Float32Array.from({ length: VOCAB }, (_, i) => ((i * 7) % VOCAB) / 4 - 1.5);

const WAT = `(module
  (import "env" "memory" (memory 1 1))
  (func $weights (result i32) (i32.load (i32.const 2072)))
  (func $state (result i32) (i32.load (i32.const 2068)))
  (func $sum (param $position i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $position) (i32.const 0))
      (then (i32.const 0))
      (else (i32.load (i32.add (call $state) (i32.shl (local.get $position) (i32.const 2)))))))
  (func $append (param $token i32)
    (local $position i32)
    (local.set $position (i32.load (i32.const 0)))
    (i32.store (i32.add (call $state) (i32.shl (local.get $position) (i32.const 2)))
      (i32.add (call $sum (i32.sub (local.get $position) (i32.const 1))) (local.get $token)))
    (i32.store (i32.const 0) (i32.add (local.get $position) (i32.const 1))))
  (func $prefill (export "prefill") (param $n i32)
    (local $i i32)
    (i32.store (i32.const 192) (i32.load (i32.const 0)))
    (loop $next
      (call $append (i32.load offset=64 (i32.shl (local.get $i) (i32.const 2))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n)))))
  (func $head (export "head") (param $row i32)
    (local $i i32) (local $s i32)
    (local.set $s (call $sum (i32.add (i32.load (i32.const 192)) (local.get $row))))
    (loop $next
      (f32.store offset=128 (i32.shl (local.get $i) (i32.const 2))
        (f32.mul
          (f32.load (i32.add (call $weights)
            (i32.shl (i32.and (i32.add (local.get $i) (local.get $s)) (i32.const 15)) (i32.const 2))))
          (f32.convert_i32_u (i32.load (i32.const 8)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 16)))))
  (func (export "decode")
    (call $prefill (i32.const 1))
    (call $head (i32.const 0))))`;

/** The logits after the last of `tokens`, by the definition above. */
export function expectedLogits(tokens: readonly number[]): number[] {
  const sum = tokens.reduce((a, b) => a + b, 0);
  return Array.from({ length: VOCAB }, (_, i) => WEIGHTS[(i + sum) % VOCAB]! * 2);
}

/** The `count` most likely tokens after `prompt`, one after the other, by the definition above. */
export function greedy(prompt: readonly number[], count: number): number[] {
  const all = [...prompt];
  for (let i = 0; i < count; i++) {
    const logits = expectedLogits(all);
    all.push(logits.indexOf(Math.max(...logits)));
  }
  return all.slice(prompt.length);
}

const encode = (text: string) => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let assembled: Uint8Array<ArrayBuffer> | undefined;

/** The toy's files, by name; a test may change them before loading. */
export async function toyFiles(
  change: Partial<Manifest> = {},
  values = WEIGHTS,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  assembled ??= new Uint8Array((await wabt()).parseWat('toy.wat', WAT).toBinary({}).buffer);
  const weights = new Uint8Array(values.buffer.slice(0));
  const half = weights.length / 2;
  const chunks = [weights.slice(0, half), weights.slice(half)];
  const probed = [3, 1, 4, 1, 5, 9, 2, 6];
  const manifest: Manifest = {
    format: 'lamella-package/3',
    name: 'toy',
    vocab: VOCAB,
    context: CONTEXT,
    tile: TILE,
    maxThreads: 1,
    quant: 'q8',
    kv: 'f32',
    memory: plan,
    kinds: ['other', 'sum'],
    rowWords: 4,
    table: [
      { kind: 0, weights: [], state: 0 },
      { kind: 1, weights: [plan.weights.offset], state: plan.state.offset },
    ],
    wasm: [{ file: 'kernels.wasm', variant: 'simd', sha256: sha256(assembled) }],
    weights: chunks.map((bytes, i) => ({
      file: `weights-${i}.bin`,
      offset: i * half,
      bytes: half,
      sha256: sha256(bytes),
    })),
    states: [[], [{ offset: 0, heads: 1, positions: CONTEXT, bytes: 4 }]],
    tokenizer: null,
    report: {
      name: 'toy',
      parameters: VOCAB,
      weightSets: 1,
      executions: 1,
      stateSlots: 1,
      weightBytes: plan.weights.bytes,
      arenaBytes: plan.arena.bytes,
      arenaLowerBoundBytes: plan.arena.bytes,
      kvBytes: plan.state.bytes,
      plannedBytes: plan.plannedBytes,
      kernels: 3,
      slowMemoryBytesPerToken: 0,
      wasm: { wasmBytes: assembled.length, dispatchesPerToken: 1, pipelines: 3 },
    },
    probe: { tokens: probed, indices: [0, 5, 15], logits: [0, 5, 15].map((i) => expectedLogits(probed)[i]!) },
    ...change,
  };
  return new Map([
    ['manifest.json', encode(await manifestText(manifest))],
    ['kernels.wasm', assembled],
    ...chunks.map((bytes, i) => [`weights-${i}.bin`, bytes] as const),
  ]);
}

/**
 * A tokenizer with one letter per id (a = 0 ... o = 14) and `<eos>` = 15, in the format of the
 * library.
 */
export const letterTokenizer = {
  added_tokens: [{ id: 15, content: '<eos>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(Array.from('abcdefghijklmno', (letter, id) => [letter, id])),
    merges: [],
  },
};

/** The toy with `letterTokenizer`. */
export async function toyTextFiles(
  change: Partial<TokenizerFiles> = {},
  packed: Uint8Array = packTokenizer(letterTokenizer),
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const tokenizer = new Uint8Array(packed);
  const config = encode('{}');
  const files = await toyFiles({
    tokenizer: {
      file: 'tokenizer.bin',
      sha256: sha256(tokenizer),
      config: 'tokenizer_config.json',
      configSha256: sha256(config),
      eos: [15],
      before: [],
      after: [],
      promptPrefix: '',
      promptSuffix: '',
      ...change,
    },
  });
  files.set('tokenizer.bin', tokenizer);
  files.set('tokenizer_config.json', config);
  return files;
}

/**
 * A chat template for `letterTokenizer`: a letter for the role, the content, `<eos>`. Messages of
 * other roles than `letterRoles` are refused.
 */
export const letterRoles = { system: 'm', user: 'n', assistant: 'o', tool: 'l' } as const;
export const letterTemplate = `{% set letters = ${JSON.stringify(letterRoles)} %}
{% for message in messages %}
{% if message.role not in letters %}{{ raise_exception('no such role: ' + message.role) }}{% endif %}
{{- letters[message.role] }}{{ message.content }}{{ eos_token -}}
{% endfor %}
{%- if add_generation_prompt %}{{ letters.assistant }}{% endif %}`;

/** The toy with `letterTokenizer` and a chat template. */
export async function toyChatFiles(template = letterTemplate): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const bytes = encode(template);
  const chat = { file: 'chat_template.jinja', sha256: sha256(bytes), variables: { eos_token: '<eos>' } };
  const files = await toyTextFiles({ chat });
  files.set(chat.file, bytes);
  return files;
}

/** Files in memory as a package. */
export function fromMap(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): PackageFiles {
  return {
    place: 'out/toy',
    read: async (name) => {
      const bytes = files.get(name);
      if (!bytes) throw new Error('no such file');
      return bytes.slice();
    },
  };
}
