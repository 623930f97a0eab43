/** Scores count what matches, and the report shows each request written by hand. */
import { expect, test } from 'vitest';
import type { Example } from './answer.ts';
import { list, rates, scored, table } from './score.ts';

const call: Example = {
  now: '2026-11-27T08:12',
  before: [{ request: 'call | tim', answer: { name: 'call', arguments: { to: 'tim' } } }],
  request: 'i meant jim',
  answer: { name: 'call', arguments: { to: 'jim' } },
};
const chat: Example = { now: '2026-11-27T08:12', request: 'hi', answer: { name: null } };
const answers = [
  scored(call, '{"name":"call","arguments":{"to":"jim"}}'),
  scored(call, '{"name":"call","arguments":{"to":"tim"}}'),
  scored(chat, '{"name":"call","missing":"to"}'),
  scored(chat, '{"name":nu'),
];

test('rates are shares of the examples, and refusals have their own', () => {
  expect(rates(answers)).toEqual({ examples: 4, intent: 0.5, structure: 0.25, declining: 0 });
  expect(rates([scored(chat, '{"name":null}')])).toEqual({ examples: 1, intent: 1, structure: 1, declining: 1 });
});

test('the report has a row for each set and a line for each request', () => {
  expect(table(new Map([['q4', new Map([['by hand', rates(answers)]])]]))).toBe(
    ['| set | examples | q4 |', '| --- | ---: | ---: |', '| by hand | 4 | 50.0 / 25.0 / 0.0 |'].join('\n'),
  );
  expect(list(answers.slice(0, 3)).split('\n').slice(2)).toEqual([
    '| `call \\| tim` `{"name":"call","arguments":{"to":"tim"}}` `i meant jim` | `{"name":"call","arguments":{"to":"jim"}}` | right |',
    '| `call \\| tim` `{"name":"call","arguments":{"to":"tim"}}` `i meant jim` | `{"name":"call","arguments":{"to":"tim"}}` | arguments wrong: `{"name":"call","arguments":{"to":"jim"}}` |',
    '| `hi` | `{"name":"call","missing":"to"}` | wrong: `{"name":null}` |',
  ]);
});
