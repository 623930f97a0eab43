import { load } from 'lamella-bare';

load()
  .then(async (model) => {
    const generation = model.generate([1, 2, 3], { maxTokens: 12 });
    for await (const _ of generation);
    postMessage({ tokens: generation.tokens });
  })
  .catch((error) => postMessage({ error: error.message }));
