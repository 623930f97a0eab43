// A page written to the specification of the Prompt API. It uses nothing but `LanguageModel`.

async function page() {
  const said = {};
  said.before = await LanguageModel.availability({ expectedInputs: [{ type: 'text', languages: ['en'] }] });
  const progress = [];
  const session = await LanguageModel.create({
    samplingMode: 'most-predictable',
    monitor(monitor) {
      monitor.addEventListener('downloadprogress', (event) => progress.push([event.loaded, event.total]));
    },
  });
  said.progress = progress;
  said.after = await LanguageModel.availability();
  said.params = await LanguageModel.params();
  said.isSession = session instanceof LanguageModel && session instanceof EventTarget;

  // one answer, whole and in pieces
  const clone = await session.clone();
  said.usage = await session.measureContextUsage('call mom');
  said.answer = await session.prompt('call mom');
  const pieces = [];
  for await (const piece of clone.promptStreaming('call mom')) pieces.push(piece);
  said.pieces = pieces;
  said.contextUsage = [session.contextUsage, session.inputUsage, clone.contextUsage, session.contextWindow];

  // constraints
  const schema = {
    type: 'object',
    required: ['rating'],
    additionalProperties: false,
    properties: { rating: { type: 'number', minimum: 0, maximum: 5 } },
  };
  const fresh = () => LanguageModel.create({ samplingMode: 'most-predictable' });
  said.rating = JSON.parse(await (await fresh()).prompt('Rate this: delicious.', { responseConstraint: schema }));
  said.email = await (await fresh()).prompt('An address.', { responseConstraint: /^[a-z]{2,8}@[a-z]{2,8}\.com$/ });
  said.wrong = await (await fresh()).prompt('x', { responseConstraint: 5 }).catch((error) => error.name);

  // a prefix
  const rest = await (await fresh()).prompt([
    { role: 'user', content: 'call mom' },
    { role: 'assistant', content: said.answer.slice(0, 9), prefix: true },
  ]);
  said.prefix = said.answer.slice(0, 9) + rest;

  // more than the context has room for
  let overflows = 0;
  session.oncontextoverflow = () => overflows++;
  for (let i = 0; i < 12; i++) await session.prompt(`call number ${i} for me, and tell me what they said`);
  said.overflows = overflows > 0;
  said.within = session.contextUsage <= session.contextWindow;
  const long = await session.prompt('a'.repeat(5000)).catch((error) => error);
  said.quota = [long.name, long instanceof DOMException, long.requested > 5000, long.quota === session.contextWindow];

  // the ends
  const control = new AbortController();
  const aborted = clone.prompt('call mom', { signal: control.signal });
  control.abort();
  said.aborted = await aborted.catch((error) => error.name);
  const stream = clone.promptStreaming('call mom');
  const reader = stream.getReader();
  await reader.read();
  clone.destroy();
  said.destroyed = [
    await reader.closed.catch((error) => error.name),
    await clone.prompt('call mom').catch((error) => error.name),
  ];
  return said;
}

globalThis.said = page();
