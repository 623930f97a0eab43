/**
 * The list of problems: faults of the type checker and of running the code are merged and placed in
 * the text.
 */
import { expect, test } from 'vitest';
import type { Fault } from '../src/compile/protocol.ts';
import { problemsOf } from '../src/problems.ts';
import type { TypeFault } from '../src/types/protocol.ts';

const source = 'const a = 1;\nconst b = layer.mlp(2);\n';
const layer = source.indexOf('layer');
const fault = (over: Partial<Fault>): Fault => ({
  code: 'L101',
  message: 'L101 of the run',
  line: 2,
  column: 11,
  ...over,
});
const typeFault = (over: Partial<TypeFault>): TypeFault => ({
  from: layer,
  to: source.indexOf(';', layer),
  code: 'L101',
  message: 'L101 of the checker',
  detail: '',
  ...over,
});

test('a fault that both find is listed once: the sentence of the run, at the expression of the checker', () => {
  expect(problemsOf(source, [typeFault({})], fault({}))).toEqual([
    { from: layer, to: source.indexOf(';', layer), message: 'L101 of the run', line: 2 },
  ]);
});

test('faults with another code or on another line stay apart, in the order of the text', () => {
  const other = typeFault({ code: null, message: 'a type', from: 6, to: 7 });
  const found = problemsOf(source, [typeFault({ code: 'L104' }), other], fault({ line: 1, column: 1 }));
  expect(found.map(({ line, message }) => `${line} ${message}`)).toEqual([
    '1 L101 of the run',
    '1 a type',
    '2 L101 of the checker',
  ]);
});

test('the checker alone: all its faults, each at its line', () => {
  const found = problemsOf(source, [typeFault({}), typeFault({ from: 0, to: 5 })], null);
  expect(found.map(({ line }) => line)).toEqual([1, 2]);
});

test('the run alone: the word at its place', () => {
  expect(problemsOf(source, [], fault({}))).toEqual([
    { from: layer, to: layer + 'layer.mlp'.length, message: 'L101 of the run', line: 2 },
  ]);
});

test.each([
  ['a line behind the text', { line: 99, column: 1 }, source.length],
  ['a column behind the line', { line: 1, column: 99 }, source.indexOf('\n')],
  ['a line without a column', { line: 2, column: null }, source.indexOf('\n') + 1],
])('%s is within the text', (_, place, from) => {
  expect(problemsOf(source, [], fault(place))[0]!.from).toBe(from);
});

test('a fault without a place is the first, and has no line', () => {
  const found = problemsOf(
    source,
    [typeFault({})],
    fault({ code: null, message: 'a defect', line: null, column: null }),
  );
  expect(found.map(({ line, message }) => [line, message])).toEqual([
    [null, 'a defect'],
    [2, 'L101 of the checker'],
  ]);
});
