/**
 * What the face for the AI SDK makes of a call, with the toy. `test/faces` runs the SDK itself in a
 * browser.
 */
import { expect, test } from 'vitest';
import type { GenerateOptions, Model } from '../../src/api.ts';
import { load } from '../../src/entry/every-part.ts';
import { languageModel } from '../../src/faces/ai-sdk/ai-sdk.ts';
import type { CallOptions } from '../../src/faces/ai-sdk/types.ts';
import { fromMap, letterTemplate, toyChatFiles } from '../toy-package.ts';

/** The messages and the options that the model is given for a call. */
async function given(model: Model, call: CallOptions): Promise<{ messages?: unknown; options?: GenerateOptions }> {
  let found = {};
  const watched: Model = {
    ...model,
    generate(messages, options) {
      found = { messages, options };
      return model.generate([1], { maxTokens: 1 });
    },
  };
  await languageModel(watched).doGenerate(call);
  return found;
}

const asked = async (model: Model, call: CallOptions) => (await given(model, call)).messages;

const schema = { type: 'object', properties: { to: { type: 'string' } } } as const;
const words = `Answer with JSON that satisfies this JSON schema:\n${JSON.stringify(schema)}`;
const responseFormat = { type: 'json', schema } as const;
const user = { role: 'user', content: [{ type: 'text', text: 'call mom' }] } as const;
const plain = { role: 'user', content: 'call mom' };

test('the model reads the schema of an answer in the system message', async () => {
  const model = await load(fromMap(await toyChatFiles()));
  expect(await asked(model, { prompt: [user] })).toEqual([plain]);
  expect(await asked(model, { prompt: [user], responseFormat: { type: 'json' } })).toEqual([plain]);
  expect(await asked(model, { prompt: [user], responseFormat })).toEqual([{ role: 'system', content: words }, plain]);
  const system = { role: 'system', content: 'Be brief.' } as const;
  expect(await asked(model, { prompt: [system, user], responseFormat })).toEqual([
    { role: 'system', content: `Be brief.\n\n${words}` },
    plain,
  ]);
  // An option of the package's own has no effect on the messages.
  const own = { type: 'json_schema', schema } as const;
  expect(await asked(model, { prompt: [user], providerOptions: { lamella: { responseFormat: own } } })).toEqual([
    plain,
  ]);
  model.dispose();
});

test('it is in the first message if the template has no system role', async () => {
  const model = await load(fromMap(await toyChatFiles(letterTemplate.replace('"system":"m",', ''))));
  const first = { role: 'user', content: `call mom\n\n${words}` };
  expect(await asked(model, { prompt: [user], responseFormat })).toEqual([first]);
  model.dispose();
});

test('a tool keeps its description and whether its calls must satisfy its schema', async () => {
  const model = await load(fromMap(await toyChatFiles()));
  const tool = { type: 'function', name: 'call', inputSchema: schema } as const;
  const tools = [tool, { ...tool, name: 'dial', description: 'Dials.', strict: true }] as const;
  const { options } = await given(model, { prompt: [user], tools });
  expect(options?.tools).toEqual([
    { type: 'function', function: { name: 'call', parameters: schema } },
    { type: 'function', function: { name: 'dial', description: 'Dials.', parameters: schema, strict: true } },
  ]);
  model.dispose();
});

test.each([
  [7, 7],
  [-1, 2 ** 32 - 1],
  [2 ** 40 + 5, 5],
  [undefined, undefined],
  [0.5, 0.5],
])('the seed %j is %j', async (seed, expected) => {
  const model = await load(fromMap(await toyChatFiles()));
  expect((await given(model, { prompt: [user], seed })).options?.seed).toBe(expected);
  model.dispose();
});
