const { LamellaError, load } = require('lamella-text');

(async () => {
  const failed = await load('/no/where').catch((error) => error);
  const model = await load(undefined, { threads: 2 });
  const generation = model.generate('call mom', { maxTokens: 12 });
  for await (const _ of generation);
  model.dispose();
  console.log(JSON.stringify({ tokens: generation.tokens, told: failed instanceof LamellaError && failed.code }));
})();
