/**
 * The 300 requests written by hand were frozen before any template of the generator was read or
 * written. A score on them counts only while this hash holds.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { answerSchema, type Example, exactMatch, fault, isOf, type Schema } from './answer.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const schemas = JSON.parse(read('schemas.json')) as Schema[];
const requests = read('requests.jsonl')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Example);

test('the requests written by hand are unchanged', () => {
  expect(requests).toHaveLength(300);
  const hash = createHash('sha256').update(read('requests.jsonl')).digest('hex');
  expect(hash).toBe('7892ebda6b4c24fe4aec4973f434e4c4947d807ccd4ee59bfe1a3bec183f5113');
});

test('every expected answer is valid, and every function, question and refusal occurs', () => {
  const names = new Set<string | null>();
  for (const { answer, before = [] } of requests) {
    for (const each of [answer, ...before.map((turn) => turn.answer)]) expect(fault(each, schemas)).toBeUndefined();
    names.add('missing' in answer ? 'question' : answer.name);
  }
  expect([...names].sort()).toEqual([...schemas.map(({ name }) => name), 'question', null].sort());
});

test('copied slots are spans of the conversation', () => {
  for (const { answer, request, before = [] } of requests) {
    if (!('arguments' in answer)) continue;
    const said = [...before.map((turn) => turn.request), request].join('\n');
    const { properties } = schemas.find(({ name }) => name === answer.name)!.parameters;
    for (const [slot, value] of Object.entries(answer.arguments))
      if (!['date', 'moment', 'when', 'duration'].includes(properties[slot]!.format)) expect(said).toContain(value);
  }
});

test('a fault of an answer is found', () => {
  const call = (name: string, values: unknown): unknown => ({ name, arguments: values });
  expect(fault(call('call', { to: 'mum' }), schemas)).toBeUndefined();
  expect(fault(call('call', {}), schemas)).toBe('to is required');
  expect(fault(call('call', { to: 'mum', when: 'now' }), schemas)).toBe('call has no slot when');
  expect(fault(call('call', { to: 'mum', constructor: 'x' }), schemas)).toBe('call has no slot constructor');
  expect(fault(call('fly', {}), schemas)).toBe('no function is called fly');
  expect(fault(call('set_alarm', { time: '7' }), schemas)).toBe('time is no moment: "7"');
  expect(fault({ name: 'get_weather', missing: 'place' }, schemas)).toBe('place is no required slot');
  expect(fault({ name: 'call', missing: 'to' }, schemas)).toBeUndefined();
  expect(fault({ name: null, arguments: {} }, schemas)).toBe('a refusal has only a name');
  expect(fault({ name: null }, schemas)).toBeUndefined();
});

test('exact match compares intent, then structure', () => {
  const expected = { name: 'send_message', arguments: { to: 'mum', text: 'hi' } };
  const both = { intent: true, structure: true };
  const intent = { intent: true, structure: false };
  const none = { intent: false, structure: false };
  expect(exactMatch(expected, { name: 'send_message', arguments: { text: 'hi', to: 'mum' } })).toEqual(both);
  expect(exactMatch(expected, { name: 'send_message', arguments: { to: 'mum', text: 'Hi' } })).toEqual(intent);
  expect(exactMatch(expected, { name: 'call', arguments: { to: 'mum', text: 'hi' } })).toEqual(none);
  expect(exactMatch(expected, { name: 'send_message', missing: 'text' })).toEqual(none);
  expect(exactMatch({ name: 'call', missing: 'to' }, { name: 'call', missing: 'to' })).toEqual(both);
  expect(exactMatch({ name: null }, { name: null })).toEqual(both);
  expect(exactMatch({ name: null }, { name: null, arguments: {} })).toEqual(none);
  expect(exactMatch({ name: null }, 'nothing')).toEqual(none);
});

test('values of a format', () => {
  expect(['PT', 'PT5', 'P5M', 'PT1H30', 'PT1M2H'].filter((text) => isOf('duration', text))).toEqual([]);
  expect(['PT90S', 'PT1H', 'PT1H30M', 'PT6M30S'].every((text) => isOf('duration', text))).toBe(true);
  expect(['2026-13-01', '2026-1-01', '2026-01-32', '2026-01-01T10:00'].filter((text) => isOf('date', text))).toEqual(
    [],
  );
  expect(['2026-01-01', '2026-01-01T23:59'].every((text) => isOf('when', text))).toBe(true);
  expect(['2026-01-01T24:00', '2026-01-01T10:60', '2026-01-01'].filter((text) => isOf('moment', text))).toEqual([]);
  expect(isOf('text', 'two\nlines')).toBe(true);
  expect(isOf('text', '')).toBe(false);
});

test('the answers to some functions are one JSON schema', () => {
  const some = schemas.filter(({ name }) => name === 'set_timer' || name === 'turn_on_flashlight');
  const object = (properties: object, required: readonly string[]) => ({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
  });
  const duration = { type: 'string', pattern: '^(?:PT(?:\\d+H(?:\\d+M)?(?:\\d+S)?|\\d+M(?:\\d+S)?|\\d+S))$' };
  const slots = object({ duration, label: { type: 'string', minLength: 1 } }, ['duration']);
  expect(answerSchema(some)).toEqual({
    anyOf: [
      object({ name: { const: 'set_timer' }, arguments: slots }, ['name', 'arguments']),
      object({ name: { const: 'set_timer' }, missing: { enum: ['duration'] } }, ['name', 'missing']),
      object({ name: { const: 'turn_on_flashlight' }, arguments: object({}, []) }, ['name', 'arguments']),
      object({ name: { const: null } }, ['name']),
    ],
  });
});
