/**
 * Every model in `graphs`: its graph is the one in `golden`, and its kernels compute the logits of
 * the oracle, which uses f64 and shares no code with them.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emit, load, oracle } from 'lamella';

const project = join(import.meta.dirname, '..');
const names = readdirSync(join(project, 'graphs'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

for (const name of names) {
  const graph = join(project, 'graphs', `${name}.ts`);

  test(`${name}: the graph is the golden one`, async () => {
    const golden = join(project, 'golden', `${name}.txt`);
    assert.ok(existsSync(golden), `golden/${name}.txt is missing. Try npm run golden`);
    const expected = readFileSync(golden, 'utf8');
    assert.equal(await emit(graph, 'graph'), expected, 'If you intended this change, try npm run golden');
  });

  test(`${name}: the logits are the oracle's`, async () => {
    const options = /** @type {const} */ ({ weights: 'random:1', quant: 'f32' });
    const tokens = [1, 7, 3, 3, 0, 2];
    const model = await load(graph, options);
    const computed = await model.logitsAll(tokens);
    model.dispose();
    const expected = await oracle(graph, tokens, options);
    const errors = expected.map((logits, at) => logits.map((logit, id) => computed[at][id] - logit));
    const error = largest(errors) / largest(expected);
    assert.ok(error < 1e-4, `the largest error is ${error} of the largest logit`);
  });
}

/** The largest absolute value. @param {readonly Float64Array[]} rows */
function largest(rows) {
  return rows.reduce((most, row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), most), 0);
}
