/**
 * Where a document lists the values of an option, as in `--quant f32|q8|q4`, the list equals the
 * command's.
 */

import { modelTypes } from '@lamella/checkpoint/huggingface/families';
import { stages } from '@lamella/compiler/stages';
import { ggufTypes } from '@lamella/export/gguf/tensor-types';
import { formatNames, kvNames } from '@lamella/runtime/choices';
import { hostNames } from 'lamella/contract';
import { expect, test } from 'vitest';
import { repositoryFiles, textOf } from './repository.ts';

const lists: Readonly<Record<string, readonly string[]>> = {
  '--quant': formatNames,
  '--kv': kvNames,
  '--emit': stages,
  '--host': hostNames,
  '--type': ggufTypes,
};

const documents = repositoryFiles().filter((file) => file.endsWith('.md'));

/**
 * Each `--option a|b|c` of a document; in tables the bars are escaped. Capitals stand for any
 * value.
 */
function listed(text: string): readonly (readonly [option: string, values: readonly string[]])[] {
  return [...text.matchAll(/(--[a-z]+) ((?:[a-z0-9_]+\\?\|)+[a-z0-9_]+)/g)].map(
    ([, option, values]) => [option!, values!.replaceAll('\\', '').split('|')] as const,
  );
}

test('the lists in documents equal those of the options', () => {
  const found = documents.flatMap((file) => listed(textOf(file)));
  for (const [option, values] of found) if (lists[option]) expect([option, values]).toEqual([option, lists[option]]);
  const options = new Set(found.map(([option]) => option));
  expect([...options].sort()).toEqual(expect.arrayContaining(['--emit', '--host', '--kv', '--quant', '--type']));
});

test('the families in docs/models.md are those that have a reader', () => {
  const [, list] = /`model_type` is one of these: ([^.]*)\./.exec(textOf('docs/models.md'))!;
  expect([...list!.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(modelTypes);
});
