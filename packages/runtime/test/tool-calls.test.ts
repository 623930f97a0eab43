/** Calls of tools in the syntax of each family, however the text is cut. */
import { describe, expect, test } from 'vitest';
import { Answer } from '../src/text/answer.ts';
import { Detokenizer } from '../src/text/detokenizer.ts';
import { familyOf, plain, toolFamilies } from '../src/text/tool-calls/families.ts';
import { ToolCallReader } from '../src/text/tool-calls/tool-call-reader.ts';

type Expected = readonly [name: string, args: Readonly<Record<string, unknown>>];

/** An answer of each family, its calls, and the text around them. */
const answers: Readonly<
  Record<string, readonly (readonly [answer: string, calls: readonly Expected[], text: string])[]>
> = {
  FunctionGemma: [
    [
      '<start_function_call>call:set_alarm{at:<escape>07:00, "early"<escape>,days:[1,2],on:true,to:{x:<escape>y<escape>}}<end_function_call>',
      [['set_alarm', { at: '07:00, "early"', days: [1, 2], on: true, to: { x: 'y' } }]],
      '',
    ],
    ['<start_function_call>call:off{}<end_function_call>', [['off', {}]], ''],
  ],
  DeepSeek: [
    [
      'Wait.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get\n```json\n{"a": "b"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>off\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
      [
        ['get', { a: 'b' }],
        ['off', {}],
      ],
      'Wait.',
    ],
  ],
  LFM2: [
    [
      `<|tool_call_start|>[get(city="Paris", days=3, on=True, names=['a\\'b', "\\u00e9"], at={'x': None, 'y': -1.5e2}), off()]<|tool_call_end|>Done.`,
      [
        ['get', { city: 'Paris', days: 3, on: true, names: ["a'b", 'é'], at: { x: null, y: -150 } }],
        ['off', {}],
      ],
      'Done.',
    ],
    ['<|tool_call_start|>[{"name": "get", "arguments": {}}]<|tool_call_end|>', [['get', {}]], ''],
  ],
  'Granite 3': [['<|tool_call|>[{"name": "get", "arguments": {"a": 1}}]', [['get', { a: 1 }]], '']],
  Hermes: [
    [
      'I look. \n<tool_call>\n{"name": "get", "arguments": {"a": "</b>"}}\n</tool_call>\n<tool_call>\n{"name": "off"}\n</tool_call>\n',
      [
        ['get', { a: '</b>' }],
        ['off', {}],
      ],
      'I look.',
    ],
    [
      '<tool_call>\n<function=get>\n<parameter=a>\n5\n</parameter>\n<parameter=b>\ntwo\nlines\n</parameter>\n</function>\n</tool_call>',
      [['get', { a: 5, b: 'two\nlines' }]],
      '',
    ],
    // Text that is no call stays text.
    [
      'a < b, <tool_cal and <tool_call>{"name": 5}</tool_call> stay',
      [],
      'a < b, <tool_cal and<tool_call>{"name": 5}</tool_call> stay',
    ],
    ['an end <tool_call>{"name"', [], 'an end<tool_call>{"name"'],
    ['one two  three ', [], 'one two  three '],
  ],
  Mistral: [
    ['[TOOL_CALLS] [{"name": "get", "arguments": {"a": 1}}]', [['get', { a: 1 }]], ''],
    [
      '[TOOL_CALLS]get[ARGS]{"a": 1}[TOOL_CALLS]off[CALL_ID]abc[ARGS]{}',
      [
        ['get', { a: 1 }],
        ['off', {}],
      ],
      '',
    ],
  ],
  'Llama 3': [
    ['<|python_tag|>{"name": "get", "parameters": {"a": "1"}}', [['get', { a: '1' }]], ''],
    ['{"type": "function", "name": "get", "parameters": {"a": "1"}}', [['get', { a: '1' }]], ''],
    ['Hello {"name": "get"}', [], 'Hello {"name": "get"}'],
    ['{"no": "call"}', [], '{"no": "call"}'],
  ],
  JSON: [
    ['\n{"name": "get", "arguments": "{\\"a\\": 1}"}', [['get', { a: 1 }]], ''],
    ['[{"function": {"name": "get", "arguments": {}}}]', [['get', {}]], ''],
    ['[] is empty', [], '[] is empty'],
  ],
};

test('every family has an answer here', () => {
  expect([...toolFamilies, plain].map(({ name }) => name).sort()).toEqual(Object.keys(answers).sort());
});

describe.each(Object.entries(answers))('%s', (name, cases) => {
  const family = [...toolFamilies, plain].find((family) => family.name === name)!;
  test.each(cases)('%s', (answer, calls, text) => {
    // Whole, letter by letter, and in two at every place.
    const cuts = [[answer], [...answer], ...[...answer].map((_, i) => [answer.slice(0, i), answer.slice(i)])];
    for (const pieces of cuts) {
      const reader = new ToolCallReader(family, 7);
      const shown = pieces.map((piece) => reader.push(piece)).join('') + reader.flush();
      expect([shown, reader.calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)])]).toEqual([
        text,
        calls,
      ]);
    }
  });
});

test('ids of calls have nine letters and digits, and differ', () => {
  const reader = new ToolCallReader(familyOf('<tool_call>'), 2 ** 32 - 1);
  for (let i = 0; i < 40; i++) reader.push('<tool_call>{"name":"a"}</tool_call>');
  const ids = reader.calls.map(({ id }) => id);
  expect(new Set(ids).size).toBe(40);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]{9}$/);
});

test.each([
  ['Qwen 3', '{{- "<tool_call>" }}', 'Hermes'],
  [
    'Llama 3.2',
    'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}',
    'Llama 3',
  ],
  ['Mistral', "{{ '[TOOL_CALLS] [' }}", 'Mistral'],
  ['a template without tools', '{{ messages }}', 'JSON'],
])('the family of %s', (_, template, family) => {
  expect(familyOf(template).name).toBe(family);
});

test('a prefix may begin a call, and one that does not is text', () => {
  const answered = (prefix: string, rest: string) => {
    const detokenizer = new Detokenizer((ids) => String.fromCharCode(...ids));
    const tools = new ToolCallReader(plain, 1);
    const answer = new Answer({ detokenizer, prefix, stop: ['x'], tools, marks: new Map() });
    const pieces = Array.from(rest, (letter) => answer.push(letter.charCodeAt(0)));
    return { text: pieces.join('') + answer.flush(), names: answer.toolCalls.map((call) => call.function.name) };
  };
  expect(answered('{"name"', ':"f","arguments":{}}')).toEqual({ text: '', names: ['f'] });
  expect(answered('ax', 'b')).toEqual({ text: 'axb', names: [] });
  expect(answered('{"a"', ':1}')).toEqual({ text: '{"a":1}', names: [] });
});
