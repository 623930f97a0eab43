// A test as anybody writes one for Jest: it requires the package and asks it. What it answers is given by `--globals`.
const { load } = require('lamella-text');

test('the model answers', async () => {
  const model = await load();
  expect((await model.generate('call mom', { maxTokens: 12 }).result()).tokens).toEqual(text);
  model.dispose();
});
