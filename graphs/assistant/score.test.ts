/** Scoring counts correctly, and the committed score belongs to the committed weights. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { heldout, type Split, splits } from './generate.ts';
import { score } from './score.ts';

const names = Object.keys(splits) as Split[];
const answers = new Map(names.flatMap(heldout).map((e) => [e.request, e.answer]));
const right = (request: string) => answers.get(request) ?? '';

test('right answers score 1, whatever the order of their arguments', async () => {
  const reordered = async (request: string) => {
    const { name, arguments: args } = JSON.parse(right(request)) as { name: string; arguments: object };
    return ` ${JSON.stringify({ arguments: Object.fromEntries(Object.entries(args).reverse()), name })}`;
  };
  for (const scored of Object.values(await score(reordered, 50)))
    expect(scored).toEqual({ requests: 50, intent: 1, structure: 1 });
});

test('a wrong argument costs structure, a wrong function both, and no JSON is no error', async () => {
  const wrongArgument = async (request: string) =>
    right(request).replace('"arguments":{"', '"arguments":{"extra":"","');
  for (const scored of Object.values(await score(wrongArgument, 20)))
    expect(scored).toEqual({ requests: 20, intent: 1, structure: 0 });
  const half = async (request: string) => right(request).slice(0, -1);
  for (const scored of Object.values(await score(half, 20)))
    expect(scored).toEqual({ requests: 20, intent: 0, structure: 0 });
});

test('score.json was measured on the committed weights: at least 80 % name the right function', () => {
  const committed = JSON.parse(readFileSync(new URL('score.json', import.meta.url), 'utf8')) as Record<string, unknown>;
  const weights = readFileSync(new URL('model.safetensors', import.meta.url));
  expect(committed['weights sha256']).toBe(createHash('sha256').update(weights).digest('hex'));
  for (const split of names) {
    expect(committed[split]).toMatchObject({ requests: 1000 });
    expect((committed[split] as { EM_intent: number }).EM_intent).toBeGreaterThan(0.8);
  }
});
