// What an app does with OpenAI's client, and what it got: the same script for the package `openai`
// and for `createOpenAI` of a package.

const ask = [{ role: 'user', content: 'Call me a taxi' }];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { enum: ['Oslo', 'Rome'] } },
      required: ['city'],
      additionalProperties: false,
    },
  },
};

/** The error of a request. */
async function refused(request) {
  try {
    await request;
    return null;
  } catch ({ status, code, param, type }) {
    return { status, code, param, type };
  }
}

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export async function scenario({ chat, completions, models }) {
  const create = (body, options) =>
    chat.completions.create({ model: 'assistant', temperature: 0, messages: ask, ...body }, options);
  const whole = await create({ max_completion_tokens: 40 });
  const streamed = await all(await create({ max_tokens: 40, stream: true, stream_options: { include_usage: true } }));
  const schema = {
    type: 'object',
    properties: { city: { enum: ['Oslo', 'Rome'] }, guests: { type: 'integer', minimum: 1, maximum: 9 } },
    required: ['city', 'guests'],
    additionalProperties: false,
  };
  const structured = await create({
    response_format: { type: 'json_schema', json_schema: { name: 'trip', schema, strict: true } },
  });
  const called = await create({ tools: [weather], tool_choice: 'required', max_tokens: 100 });
  const calledInChunks = await all(
    await create({ tools: [weather], tool_choice: 'required', max_tokens: 100, stream: true }),
  );
  const scored = await create({ logprobs: true, top_logprobs: 3, max_tokens: 5 });
  const echoed = await completions.create({
    model: 'assistant',
    prompt: [5, 6, 7],
    max_tokens: 1,
    temperature: 0,
    echo: true,
    logprobs: 1,
  });
  const texts = await completions.create({
    model: 'assistant',
    prompt: ['Call me a taxi', 'Play jazz'],
    max_tokens: 8,
    temperature: 0,
  });

  const stream = await create({ max_tokens: 400, stream: true, temperature: 1, n: 16 });
  let arrived = 0;
  for await (const _ of stream) if (++arrived === 3) stream.controller.abort();
  const control = new AbortController();
  const late = create({ n: 16, temperature: 1 }, { signal: control.signal });
  setTimeout(() => control.abort(), 20);
  const aborted = await late.then(
    () => 'answered',
    () => 'aborted',
  );

  const { data } = await models.list();
  return {
    models: data.map(({ id }) => id),
    whole: whole.choices[0],
    usage: { ...whole.usage, prompt_tokens_details: undefined },
    text: streamed.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    ends: streamed
      .flatMap(({ choices }) => choices.map(({ finish_reason }) => finish_reason))
      .filter((end) => end !== null),
    streamedTokens: streamed.at(-1).usage.total_tokens,
    trip: JSON.parse(structured.choices[0].message.content),
    call: called.choices[0],
    callOfChunks: calledInChunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []),
    callEnd: calledInChunks.at(-1).choices[0].finish_reason,
    scored: scored.choices[0].logprobs.content,
    echoed: echoed.choices[0],
    texts: texts.choices.map(({ text }) => text),
    arrived,
    aborted,
    errors: [
      await refused(create({ messages: [] })),
      await refused(create({ temperature: 3 })),
      await refused(create({ messages: [{ role: 'user', content: 'x'.repeat(600) }] })),
      await refused(create({ presence_penalty: 1 })),
      await refused(
        create({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }),
      ),
    ],
  };
}
