/**
 * What the face for the AI SDK makes of a call, with the toy. `test/faces` runs the SDK itself in a
 * browser.
 */
import { expect, test } from 'vitest';
import type { Model } from '../../src/api.ts';
import { load } from '../../src/entry/every-part.ts';
import { languageModel } from '../../src/faces/ai-sdk/ai-sdk.ts';
import type { CallOptions } from '../../src/faces/ai-sdk/types.ts';
import { fromMap, letterTemplate, toyChatFiles } from '../toy-package.ts';

/** The messages that the model is given for a call. */
async function asked(model: Model, call: CallOptions): Promise<unknown> {
  let messages: unknown;
  const watched: Model = {
    ...model,
    generate(given) {
      messages = given;
      return model.generate([1], { maxTokens: 1 });
    },
  };
  await languageModel(watched).doGenerate(call);
  return messages;
}

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
