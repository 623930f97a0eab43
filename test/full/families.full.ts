/**
 * Compares released families with Hugging Face's own code: tiny random checkpoints that
 * `transformers` makes and computes in float64, imported from their `config.json`. The oracle's
 * logits and those of the compiled package must agree with them.
 *
 * Needs Python with torch and transformers (`PYTHON` names it); without them each family is skipped
 * by name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openWeights } from '@lamella/checkpoint/open';
import { sequence } from '@lamella/graph/oracle/sequence';
import { importedGraph } from 'lamella/imported-graph';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const python = process.env.PYTHON ?? 'python3';
const root = fileURLToPath(new URL('../..', import.meta.url));
const script = fileURLToPath(new URL('families.py', import.meta.url));
const configs = fileURLToPath(new URL('../conformance/families.json', import.meta.url));
const families = JSON.parse(readFileSync(configs, 'utf8')) as Record<string, { model_type: string }>;
const asked = 'import json, torch, transformers; print(json.dumps(list(transformers.CONFIG_MAPPING.keys())))';
const { status, stdout } = spawnSync(python, ['-c', asked], { encoding: 'utf8' });
const installed = status === 0;
const known = new Set(installed ? (JSON.parse(stdout) as string[]) : []);
const isKnown = (name: string) => known.has(families[name]!.model_type);
const names = Object.keys(families).filter((name) => !installed || isKnown(name));
const unknown = installed ? Object.keys(families).filter((name) => !isKnown(name)) : [];

const folder = mkdtempSync(join(tmpdir(), 'lamella-families-'));
beforeAll(() => {
  if (installed) execFileSync(python, [script, configs, folder, ...names], { stdio: ['ignore', 'ignore', 'ignore'] });
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Expected {
  readonly tokens: readonly number[];
  readonly logits: readonly (readonly number[])[];
}

const expectedOf = (name: string) => JSON.parse(readFileSync(join(folder, name, 'expected.json'), 'utf8')) as Expected;

/** The largest difference, as a share of the largest logit expected. Both are [t][vocab]. */
function difference(got: readonly ArrayLike<number>[], { logits }: Expected): number {
  expect(got).toHaveLength(logits.length);
  const largest = Math.max(...logits.flat().map(Math.abs));
  return Math.max(...logits.flatMap((row, t) => row.map((x, i) => Math.abs(x - got[t]![i]!)))) / largest;
}

test.skip.each(unknown)('%s: the installed transformers does not have it', () => {});

describe.skipIf(!installed)('transformers', () => {
  test.each(names)('%s: the oracle', async (name) => {
    const expected = expectedOf(name);
    const { graph } = await importedGraph(join(folder, name));
    const source = await openWeights(join(folder, name), graph);
    const values = new Map<string, Float32Array>();
    for (const weight of graph.weights) values.set(weight.name, await source.read(weight));
    await source.close();
    const got = sequence(graph, (weight) => values.get(weight.name)!, expected.tokens, { quant: 'f32' });
    expect(difference(got, expected)).toBeLessThan(1e-5);
  });

  test.each(names)('%s: the compiled package', (name) => {
    const expected = expectedOf(name);
    const args = [
      'logits',
      join(folder, name),
      '--tokens',
      expected.tokens.join(','),
      '--all',
      '--json',
      '--quant',
      'f32',
    ];
    const bin = join(root, 'packages/cli/bin/lamella.js');
    const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
    const printed = execFileSync(process.execPath, [bin, ...args], { encoding: 'utf8', env, stdio: 'pipe' });
    expect(difference((JSON.parse(printed) as { logits: number[][] }).logits, expected)).toBeLessThan(1e-4);
  });
});
