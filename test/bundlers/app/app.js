// An app as anybody writes one: an import and a `load()` for each model, and no word about where their files are.
import { load as bare } from 'lamella-bare';
import { load as gpu } from 'lamella-gpu';
import { load as text } from 'lamella-text';
import { load as textGpu } from 'lamella-text-gpu';

const models = { bare, gpu, text, 'text-gpu': textGpu };

/** What each model answers; `folders` is for a bundler that leaves files behind: where packages were copied to. */
export async function answers(folders) {
  const said = {};
  for (const [name, load] of Object.entries(models)) {
    const model = await load(folders && `${folders}lamella-${name}`, { threads: 2 });
    const generation = model.generate(model.tokenizer ? 'call mom' : [1, 2, 3], { maxTokens: 12 });
    for await (const _ of generation);
    said[name] = { tokens: generation.tokens, threads: model.running.threads, why: model.running.why };
    model.dispose();
  }
  return said;
}
