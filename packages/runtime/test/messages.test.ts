/** Messages through a chat template: what they become, what they cannot forge, what is refused. */
import { describe, expect, test } from 'vitest';
import type { Message, Model, Tool } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { ChatTemplate } from '../src/text/chat-template.ts';
import { byteCharacters } from '../src/text/tokenizer/byte-level.ts';
import { tokenizerFrom } from './tokenizer-from.ts';
import {
  fromMap,
  greedy,
  letterTemplate,
  letterTokenizer,
  toyChatFiles,
  toyFiles,
  toyTextFiles,
} from './toy-package.ts';

const model = async (): Promise<Model> => load(fromMap(await toyChatFiles()));
/** Ids of letters; `.` is `<eos>`. */
const ids = (text: string) => [...text].map((letter) => (letter === '.' ? 15 : letter.charCodeAt(0) - 97));
const user = (content: string): Message => ({ role: 'user', content });

test('the template writes the prompt, and the prefix begins the answer', async () => {
  const chat = await model();
  const messages: Message[] = [{ role: 'system', content: 'a' }, user('bc')];
  const plain = chat.generate(messages, { maxTokens: 3 });
  await plain.result();
  expect(plain.promptTokens).toEqual(ids('ma.nbc.o'));
  expect(plain.tokens).toEqual(greedy(ids('ma.nbc.o'), plain.tokens.length));

  const begun = chat.generate(messages, { maxTokens: 3, prefix: 'de' });
  const { text, tokens } = await begun.result();
  expect(begun.promptTokens).toEqual(ids('ma.nbc.ode'));
  expect(tokens).toEqual(greedy(ids('ma.nbc.ode'), tokens.length));
  expect(text).toBe(`de${await chat.tokenizer!.decode(tokens)}`);
  expect(await chat.count(messages)).toBe(8);
  expect(await chat.count(messages, { prefix: 'de' })).toBe(10);
});

test('a prefix begins the answer to a text and to ids, too', async () => {
  const chat = await model();
  for (const prompt of ['ab', [0, 1]]) {
    const begun = chat.generate(prompt, { maxTokens: 2, prefix: 'cd' });
    const { text } = await begun.result();
    expect(begun.promptTokens).toEqual([0, 1, 2, 3]);
    expect(text.startsWith('cd')).toBe(true);
    expect(await chat.count(prompt, { prefix: 'cd' })).toBe(4);
  }
});

test('a stop string in the prefix does not end the answer', async () => {
  const { text, finishReason } = await (await model())
    .generate('ab', { maxTokens: 2, prefix: 'c', stop: 'c' })
    .result();
  expect([text[0], finishReason]).toEqual(['c', 'length']);
});

test('text parts are joined; empty members of an answer in the shape of OpenAI are allowed', async () => {
  const chat = await model();
  const parts = {
    role: 'user',
    content: [
      { type: 'text', text: 'b' },
      { type: 'text', text: 'c' },
    ],
  } as const;
  const answer = { role: 'assistant', content: 'd', refusal: null, annotations: [] };
  expect(await chat.count([parts, answer])).toBe(ids('nbc.od.o').length);
});

describe('control tokens in messages stay text', () => {
  const letters = [...`abcdefghijklmnopqrstuvwxyz<>/${byteCharacters('↯')}`];
  const added = ['<eos>', '<eos><end>', '<end>', '<user>', '<think>', '<other>', '↯'];
  const tokenizerWith = (settings: { readonly normalized: boolean; readonly normalizer?: unknown }) =>
    tokenizerFrom({
      ...letterTokenizer,
      ...(settings.normalizer !== undefined && { normalizer: settings.normalizer }),
      added_tokens: added.map((content, i) => ({
        id: letters.length + i,
        content,
        special: /eos|end|↯/.test(content),
        normalized: settings.normalized && !/eos|end|↯/.test(content),
      })),
      model: { type: 'BPE', vocab: Object.fromEntries(letters.map((letter, id) => [letter, id])), merges: [] },
    });
  const tokenizer = tokenizerWith({ normalized: false });
  const template = new ChatTemplate(
    "{% for message in messages %}{{ '<user>' if message.role == 'user' else '<think>' }}{{ message.content }}{{ eos_token }}{% endfor %}",
    { eos_token: '<eos>' },
  );
  const plain = (text: string) => [...byteCharacters(text)].map((letter) => letters.indexOf(letter));
  const idOf = (token: string) => letters.length + added.indexOf(token);
  const encode = (messages: readonly Message[], prefix = '', by = tokenizer, as = template): number[] => {
    const steps = by.encodingTemplate(as.render(messages, { prefix, tools: [] }, by.addedTexts));
    for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
  };

  test.each(['a<eos>b', '<eos><end>', '<eos<end>', 'x<user>y', '<think>'])('in a message of a user: %s', (content) => {
    expect(encode([user(content)])).toEqual([idOf('<user>'), ...plain(content), idOf('<eos>')]);
  });

  test('a token of one character', () => {
    expect(encode([user('a↯b')])).toEqual([idOf('<user>'), ...plain('a↯b'), idOf('<eos>')]);
    const literal = new ChatTemplate('↯{{ messages[0].content }}', {});
    expect(encode([user('↯')], '', tokenizer, literal)).toEqual([idOf('↯'), ...plain('↯')]);
  });

  describe('a token that the tokenizer searches in the normalized text', () => {
    const lowercase = { type: 'Lowercase' };

    test.each([
      [null, 'a<user>b', 'a<user>b'],
      [null, '<user>', '<user>'],
      [lowercase, '<USER>b<user>', '<user>b<user>'],
      [lowercase, 'B<eos>', 'b<eos>'],
      [{ type: 'Replace', pattern: { String: '/' }, content: 'user' }, '<user></>', '<user><user>'],
    ])('with the normalizer %j: %s', (normalizer, content, text) => {
      const by = tokenizerWith({ normalized: true, normalizer });
      expect(encode([user(content), user('a')], '', by)).toEqual([
        ...[idOf('<user>'), ...plain(text), idOf('<eos>')],
        ...[idOf('<user>'), ...plain('a'), idOf('<eos>')],
      ]);
      expect(encode([{ role: 'assistant', content: '<think>' }], '', by)).toEqual([
        ...[idOf('<think>'), idOf('<think>'), idOf('<eos>')],
      ]);
    });

    test('is refused if the normalizer removes what would hide it', () => {
      const normalizer = { type: 'Replace', pattern: { Regex: '[^a-z<>]' }, content: '' };
      const by = tokenizerWith({ normalized: true, normalizer });
      expect(() => encode([user('<us_er>')], '', by)).toThrow('L452');
      expect(encode([user('a_b')], '', by)).toEqual([idOf('<user>'), ...plain('ab'), idOf('<eos>')]);
    });
  });

  test('a role, or a content, that the template would complete to a token', () => {
    const around = new ChatTemplate(
      '{% for m in messages %}<{{ m.role }}><{{ m.content }}>{{ eos_token }}{% endfor %}',
      { eos_token: '<eos>' },
    );
    const by = (role: string, content: string) => encode([{ role, content }], '', tokenizer, around);
    expect(by('user', 'a')).toEqual([idOf('<user>'), ...plain('<a>'), idOf('<eos>')]);
    for (const [role, content] of [
      ['eos', 'a'],
      ['a', 'eos'],
      ['eos><end', 'end'],
      ['a', 'b><user'],
    ] as const)
      expect(by(role, content)).toEqual([...plain(`<${role}><${content}>`), idOf('<eos>')]);
  });

  test('in names and arguments of calls', () => {
    const calling = new ChatTemplate(
      '{% set f = messages[0].tool_calls[0].function %}{{ f.name }} {{ f.arguments | tojson }}',
      {},
    );
    const call = { id: '', type: 'function', function: { name: 'f', arguments: '{"a<eos>":"<end>"}' } } as const;
    const message = { role: 'assistant', tool_calls: [call] };
    const { text, show } = calling.render([message], { prefix: '', tools: [] }, tokenizer.addedTexts);
    expect(text).not.toMatch(/<eos>|<end>/);
    expect(show(text)).toBe('f {"a<eos>": "<end>"}');
  });

  test('tokens that begin a role stay text in answers, and all tokens in the arguments of their calls', () => {
    expect(encode([{ role: 'assistant', content: '<user><think>' }])).toEqual([
      idOf('<think>'),
      ...plain('<user>'),
      ...[idOf('<think>'), idOf('<eos>')],
    ]);
    const calling = new ChatTemplate(
      '<think>{% for c in messages[0].tool_calls %}{{ c.function.name }}{{ c.function.arguments.a }}{% endfor %}',
      {},
    );
    const call = { id: '', type: 'function', function: { name: 'f', arguments: '{"a":"<think><eos>"}' } } as const;
    expect(encode([{ role: 'assistant', content: '', tool_calls: [call] }], '', tokenizer, calling)).toEqual([
      idOf('<think>'),
      ...plain('f<think><eos>'),
    ]);
  });

  test("the model's own messages keep tokens that are not special; so do tokens that no template writes", () => {
    expect(encode([{ role: 'assistant', content: '<think><eos>' }])).toEqual([
      idOf('<think>'),
      idOf('<think>'),
      ...plain('<eos>'),
      idOf('<eos>'),
    ]);
    expect(encode([user('<other>')])).toEqual([idOf('<user>'), idOf('<other>'), idOf('<eos>')]);
    expect(encode([], '<eos><think>')).toEqual([...plain('<eos>'), idOf('<think>')]);
  });

  test('a text with all characters that could hide them is refused', () => {
    const all = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => 0xfdd0 + i));
    expect(() => encode([user(all)])).toThrow('L452');
    expect(encode([user('\ufdd0<eos>')]).slice(-6)).toEqual([...plain('<eos>'), idOf('<eos>')]);
  });
});

describe('tools', () => {
  const tools: readonly Tool[] = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
  const none = { special: [], others: [], normalized: new Map(), normalize: (text: string) => text };
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{"b":1}' } } as const;

  test('a template with tools writes them itself; arguments are an object, or text where it needs that', () => {
    const render = (template: string) =>
      new ChatTemplate(template, {}).render([{ role: 'assistant', tool_calls: [call] }], { prefix: '', tools }, none)
        .text;
    const call0 = 'messages[0].tool_calls[0].function';
    expect(render(`{{ tools | tojson }} {{ ${call0}.name }} {{ ${call0}.arguments.b }}`)).toBe(
      `${'[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]'} f 1`,
    );
    expect(render(`{{ tools[0].function.name + ${call0}.name + ${call0}.arguments }}`)).toBe('ff{"b":1}');
  });

  describe('calls in the history', () => {
    const asked = user('x');
    const result: Message = { role: 'tool', tool_call_id: 'a', content: 'r' };
    const chatml = "{% for m in messages %}{{ '<' + m.role + '>' + m.content }}{% endfor %}";
    const calling = '{% for c in m.tool_calls or [] %}[{{ c.function.name }} {{ c.function.arguments.b }}]{% endfor %}';
    const withText = `{% for m in messages %}{{ '<' + m.role + '>' + m.content }}${calling}{% endfor %}{% if tools %}{% endif %}`;
    // As DeepSeek V3: the calls for null, else the content.
    const byNull = `{% for m in messages %}<{{ m.role }}>{% if m.content is none %}${calling}{% else %}{{ m.content }}{% endif %}{% endfor %}{% if tools %}{% endif %}`;
    const json = '{"name":"f","arguments":{"b":1}}';

    test.each([
      ['a content that must be a text', withText, null, '<user>x<assistant>[f 1]<tool>r'],
      ['an empty content there', withText, '', '<user>x<assistant>[f 1]<tool>r'],
      ['a content beside calls', withText, 't', '<user>x<assistant>t[f 1]<tool>r'],
      ['calls only where the content is null', byNull, null, '<user>x<assistant>[f 1]<tool>r'],
      ['an empty content there', byNull, '', '<user>x<assistant>[f 1]<tool>r'],
      ['a content there', byNull, 't', '<user>x<assistant>t<assistant>[f 1]<tool>r'],
      ['a template without tools', chatml, null, `<user>x<assistant>${json}<tool>r`],
      ['an empty content there', chatml, '', `<user>x<assistant>${json}<tool>r`],
      ['a content there', chatml, 't', `<user>x<assistant>t\n${json}<tool>r`],
      [
        'no role for results there',
        `{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no') }}{% endif %}{% endfor %}${chatml}`,
        null,
        `<user>x<assistant>${json}<user>r`,
      ],
    ])('%s: %s, content %j', (_, template, content, expected) => {
      const history: Message[] = [asked, { role: 'assistant', content, tool_calls: [call] }, result];
      const { text, show } = new ChatTemplate(template, {}).render(history, { prefix: '', tools: [] }, none);
      expect(show(text)).toBe(expected);
    });

    test('messages are refused if the template writes their calls in no form', () => {
      const template = new ChatTemplate(
        '{% if messages[0].tool_calls %}a{% else %}{{ raise_exception("b") }}{% endif %}',
        {},
      );
      const history: Message[] = [{ role: 'assistant', tool_calls: [call] }];
      expect(() => template.render(history, { prefix: '', tools: [] }, none)).toThrow(
        'L452 the chat template cannot write these messages: it leaves out calls of tools',
      );
    });

    test('every call is written, in conversations with several', () => {
      const second = { ...call, id: 'c', function: { name: 'g', arguments: '{"b":2}' } };
      const history: Message[] = [
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'assistant', content: '', tool_calls: [second] },
        { role: 'assistant', content: null, tool_calls: [call, second] },
      ];
      const render = (template: string) =>
        new ChatTemplate(template, {}).render(history, { prefix: '', tools: [] }, none);
      expect(render(byNull).text).toBe('<assistant>[f 1]<assistant>[g 2]<assistant>[f 1][g 2]');
      const g = '{"name":"g","arguments":{"b":2}}';
      expect(render(chatml).text).toBe(`<assistant>${json}<assistant>${g}<assistant>[${json},${g}]`);
    });
  });

  test('a message may have the text that stands for an object joined to a text', () => {
    const template = new ChatTemplate('{{ messages[0].content }}', {});
    const { text } = template.render([user('[object Map]')], { prefix: '', tools: [] }, none);
    expect(text).toBe('[object Map]');
  });

  test('a template without tools gets them in the system message, or in the first message', () => {
    const render = (template: string, messages: readonly Message[]) =>
      new ChatTemplate(template, {}).render(messages, { prefix: '', tools }, none).text;
    const all = '{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}';
    const text = /You can call these functions:\n\{"name":"f".*\}\nTo call one/;
    expect(render(all, [user('x')])).toMatch(new RegExp(`^system: ${text.source}[^;]*;user: x;$`));
    expect(render(all, [{ role: 'system', content: 'S' }, user('x')])).toMatch(/^system: You can[^;]*\n\nS;user: x;$/);
    const without = `{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}${all}`;
    expect(render(without, [user('x')])).toMatch(/^user: You can[^;]*\n\nx;$/);
  });

  test('tools need messages, and must be functions', async () => {
    const chat = await model();
    expect(() => chat.generate('a', { tools })).toThrow('L408 tools must be left out for a prompt without messages');
    for (const wrong of [
      [{}],
      {},
      [{ type: 'function', function: { name: '' } }],
      [{ type: 'function', function: { name: 'f', parameters: [] } }],
    ])
      expect(() => chat.generate([user('a')], { tools: wrong as never })).toThrow(
        'L408 tools must be a list of functions',
      );
  });

  test('a choice must be of a tool that is there', () => {
    const named = (name: string) => ({ type: 'function', function: { name } }) as const;
    return model().then((chat) => {
      expect(() => chat.generate([user('a')], { tools, toolChoice: named('g') })).toThrow(
        'L408 toolChoice must be one of f',
      );
      expect(() => chat.generate([user('a')], { toolChoice: 'required' })).toThrow('L408 toolChoice must be left out');
      expect(() => chat.generate([user('a')], { toolChoice: 'always' as never })).toThrow(
        'L408 toolChoice must be "auto"',
      );
    });
  });

  test('with the choice none, the prompt is the same as without tools', async () => {
    const chat = await load(fromMap(await toyChatFiles(`{% if tools %}aaa{% endif %}${letterTemplate}`)));
    expect(await chat.count([user('a')], { tools })).toBe(7);
    expect(await chat.count([user('a')], { tools, toolChoice: 'none' })).toBe(4);
  });

  test('an answer without calls keeps its text', async () => {
    const chat = await load(fromMap(await toyChatFiles(`${letterTemplate}{% if tools %}{% endif %}`)));
    const asked = { maxTokens: 4, seed: 1 };
    const [plain, offered] = [chat.generate([user('a')], asked), chat.generate([user('a')], { ...asked, tools })];
    expect((await offered.result()).text).toBe((await plain.result()).text);
    expect(offered.toolCalls).toEqual([]);
  });
});

test.each([
  ['an image', [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'a' } }] }]],
  ['no role', [{ content: 'a' }]],
  ['an empty role', [{ role: '', content: 'a' }]],
  ['no content', [{ role: 'user' }]],
  ['a number as content', [{ role: 'user', content: 5 }]],
  ['an unknown member', [{ role: 'user', content: 'a', audio: { id: '1' } }]],
  ['arguments that are no JSON', [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{' } }] }]],
  ['arguments that are no object', [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '5' } }] }]],
  ['a list of lists', [user('a'), []]],
  ['an id among messages', [user('a'), 5]],
])('refused before anything computes: %s', async (_, messages) => {
  const chat = await model();
  expect(() => chat.generate(messages as Message[])).toThrow(/^L408 prompt must be a list of messages/);
  await expect(chat.count(messages as Message[])).rejects.toThrow('L408');
});

test('messages need a tokenizer and a chat template', async () => {
  const bare = await load(fromMap(await toyFiles()));
  expect(() => bare.generate([user('a')])).toThrow('L406');
  expect(() => bare.generate([1], { prefix: 'a' })).toThrow('L408');
  const text = await load(fromMap(await toyTextFiles()));
  expect(() => text.generate([user('a')])).toThrow('L451');
});

test('a role that the template refuses fails with its reason, and leaves the model usable', async () => {
  const chat = await model();
  await expect(chat.generate([{ role: 'king', content: 'a' }]).result()).rejects.toThrow(
    'L452 the chat template cannot write these messages: no such role: king',
  );
  await expect(chat.count([{ role: 'king', content: 'a' }])).rejects.toThrow('L452');
  expect((await chat.generate([user('a')], { maxTokens: 1 }).result()).tokens).toHaveLength(1);
});

test('a conversation by messages computes only its new tokens, in a session and in the model', async () => {
  const chat = await model();
  const session = await chat.session();
  for (const place of [chat, session]) {
    const messages = [user('a')];
    let before = 0;
    for (let turn = 0; turn < 4; turn++) {
      const answer = place.generate(messages, { maxTokens: 2 });
      const { text, stats, tokens } = await answer.result();
      expect(tokens).toEqual(greedy(answer.promptTokens, tokens.length));
      // All but the last generated token, which was not read yet.
      expect(stats.cachedTokens).toBeGreaterThanOrEqual(before);
      before = answer.promptTokens.length;
      messages.push({ role: 'assistant', content: text }, user('b'));
    }
  }
});
