// The AI SDK, in both versions, with a package's model.
import * as ai7 from 'ai';
import * as ai6 from 'ai-6';
import { load } from 'assistant';
import { languageModel } from 'assistant/ai-sdk';
import { z } from 'zod';

const schema = z.object({ name: z.enum(['call', 'email']), to: z.string().max(8) });

async function calls({ generateText, streamText, tool, Output }) {
  const loaded = await load('/assistant/');
  const model = languageModel(loaded);
  const said = {};
  const whole = await generateText({ model, prompt: 'call mom' });
  said.text = whole.text;
  said.finish = [whole.finishReason, whole.rawFinishReason];
  said.usage = whole.usage;
  said.figures = Object.keys(whole.providerMetadata.lamella);

  const streamed = streamText({ model, prompt: 'call mom' });
  said.pieces = [];
  for await (const piece of streamed.textStream) said.pieces.push(piece);
  said.cached = (await streamed.usage).inputTokenDetails.cacheReadTokens;

  const limited = await generateText({ model, system: 'x', prompt: 'call mom', maxOutputTokens: 3 });
  said.limited = [limited.finishReason, limited.usage.outputTokens];
  const stopped = await generateText({ model, prompt: 'call mom', stopSequences: [':'] });
  said.stopped = [stopped.finishReason, stopped.text];

  const object = await generateText({ model, prompt: 'call mom', output: Output.object({ schema }) });
  said.object = schema.safeParse(object.output).success;
  // The model has read the schema.
  said.asked = object.usage.inputTokens > whole.usage.inputTokens + JSON.stringify(z.toJSONSchema(schema)).length;
  const partial = streamText({ model, prompt: 'call mom', output: Output.object({ schema }) });
  let last = null;
  for await (const part of partial.partialOutputStream) last = part;
  said.partial = schema.safeParse(last).success;

  const executed = [];
  const tools = {
    call: tool({
      inputSchema: z.object({ to: z.string().max(4) }),
      execute: async ({ to }) => {
        executed.push(to);
        return `called ${to}`;
      },
    }),
  };
  const called = await generateText({ model, prompt: 'call mom', tools, toolChoice: 'required' });
  said.called = [called.finishReason, called.toolCalls.map(({ toolName }) => toolName), called.toolResults.length > 0];
  const calling = streamText({ model, prompt: 'call mom', tools, toolChoice: { type: 'tool', toolName: 'call' } });
  const types = new Set();
  for await (const { type } of calling.fullStream) types.add(type);
  said.toolParts = ['tool-input-start', 'tool-call', 'tool-result'].map((type) => types.has(type));
  said.executed = executed.length > 1 && executed.every((to) => to.length <= 4);
  // The model reads the result of its call.
  const messages = [{ role: 'user', content: 'call mom' }, ...called.response.messages];
  said.after = (await generateText({ model, messages, maxOutputTokens: 2 })).usage.outputTokens;

  const warned = await generateText({ model, prompt: 'x', maxOutputTokens: 2, presencePenalty: 1, seed: 5 });
  said.warnings = warned.warnings.map(({ feature }) => feature);
  const image = { role: 'user', content: [{ type: 'image', image: new Uint8Array([137, 80, 78, 71]) }] };
  said.image = await generateText({ model, messages: [image] }).catch((error) => error.name);
  said.wrong = await generateText({
    model,
    prompt: 'x',
    maxRetries: 0,
    providerOptions: { lamella: { wrong: 1 } },
  }).catch((error) => error.code);

  const control = new AbortController();
  const parts = [];
  const aborted = streamText({ model, prompt: 'call mom', abortSignal: control.signal, onError: () => {} });
  for await (const { type } of aborted.fullStream) {
    if (type === 'text-delta') control.abort();
    parts.push(type);
  }
  said.aborted = parts.at(-1);
  loaded.dispose();
  return said;
}

globalThis.said = (async () => ({ ai7: await calls(ai7), ai6: await calls(ai6) }))();
