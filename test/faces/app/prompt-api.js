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

  // a tool: the page's function is called, and the model reads what it returns
  const called = [];
  const enough = new AbortController();
  const tool = (execute) => ({
    name: 'show_map',
    description: 'Shows a place on a map.',
    inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    execute,
  });
  const withTool = (execute) => LanguageModel.create({ samplingMode: 'most-predictable', tools: [tool(execute)] });
  const mapping = await withTool(async (given) => {
    called.push(given);
    if (called.length > 1) enough.abort();
    return 'shown';
  });
  const shown = [];
  const answering = mapping.promptStreaming('call mom', { signal: enough.signal });
  const reading = (async () => {
    for await (const piece of answering) shown.push(piece);
  })();
  said.toolEnd = await reading.then(
    () => 'answer',
    (error) => error.name,
  );
  said.toolGiven = called[0];
  said.toolText = shown.join('').includes('show_map');
  const failing = await withTool(async () => {
    throw new RangeError('no map');
  });
  said.toolFails = await failing.prompt('call mom').catch((error) => [error.name, error.message]);
  const nothing = { tools: [{ name: 'a', description: 'b', inputSchema: {} }] };
  said.toolWrong = await LanguageModel.create(nothing).catch((error) => error.name);

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
