/**
 * How models write calls of tools: one row for each family of chat templates. A template is
 * recognised by the marks that it writes itself, because a model repeats them.
 */

import { functionGemmaCalls } from './function-gemma.ts';
import { type Call, callsInJson } from './json.ts';
import { pythonCalls } from './python.ts';

export interface ToolFamily {
  readonly name: string;
  /** Matches the templates of the family. */
  readonly template: RegExp;
  /**
   * The marks around calls. An empty `before`: an answer that begins with a brace or a bracket is
   * a call as a whole. Without `after`, calls last until the answer ends.
   */
  readonly before: string;
  readonly after: string;
  /** Marks that carry no meaning of their own, and are removed. */
  readonly removed: readonly string[];
  /** The calls in the text between the marks; null if it has none. */
  read(body: string): readonly Call[] | null;
  /**
   * The names of the two members, where a call is a JSON object between the marks; null for other
   * syntaxes.
   */
  readonly members: { readonly name: string; readonly arguments: string } | null;
}

const byName = { name: 'name', arguments: 'arguments' };

/** A call as a JSON object without marks. Models are asked for it whose template has no tools. */
export const plain: ToolFamily = {
  name: 'JSON',
  template: /(?!)/,
  before: '',
  after: '',
  removed: [],
  read: callsInJson,
  members: byName,
};

/** The order matters: newer templates also contain marks of older ones. */
export const toolFamilies: readonly ToolFamily[] = [
  {
    // FunctionGemma: call:NAME{key:<escape>text<escape>,other:3}
    name: 'FunctionGemma',
    template: /<start_function_call>/,
    before: '<start_function_call>',
    after: '<end_function_call>',
    removed: [],
    read: functionGemmaCalls,
    members: null,
  },
  {
    // DeepSeek V3: TYPE<｜tool▁sep｜>NAME, then the arguments in a block of code
    name: 'DeepSeek',
    template: /<｜tool▁call▁begin｜>/,
    before: '<｜tool▁call▁begin｜>',
    after: '<｜tool▁call▁end｜>',
    removed: ['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'],
    read: (body) => {
      const [, name, given] = /^[^<]*<｜tool▁sep｜>(\S+)\s*```json\s*(.*?)\s*```\s*$/s.exec(body) ?? [];
      return name === undefined ? null : callsInJson(`{"name":${JSON.stringify(name)},"arguments":${given}}`);
    },
    members: null,
  },
  {
    // LFM2: a list of calls as Python writes them, or of JSON objects
    name: 'LFM2',
    template: /<\|tool_call_start\|>/,
    before: '<|tool_call_start|>',
    after: '<|tool_call_end|>',
    removed: [],
    read: (body) => callsInJson(body) ?? pythonCalls(body),
    members: null,
  },
  {
    // Granite 3: a list of JSON objects until the answer ends
    name: 'Granite 3',
    template: /<\|tool_call\|>/,
    before: '<|tool_call|>',
    after: '',
    removed: [],
    read: callsInJson,
    members: null,
  },
  {
    // Hermes, Qwen 2.5 and 3, SmolLM 3, Granite 4; Qwen 3 Coder writes elements in place of JSON
    name: 'Hermes',
    template: /<tool_call>/,
    before: '<tool_call>',
    after: '</tool_call>',
    removed: [],
    read: (body) => callsInJson(body) ?? elementCalls(body),
    members: byName,
  },
  {
    // Mistral: a list of JSON objects, or NAME[ARGS]{...} for each call
    name: 'Mistral',
    template: /\[TOOL_CALLS\]/,
    before: '[TOOL_CALLS]',
    after: '',
    removed: [],
    read: (body) => callsInJson(body) ?? mistralCalls(body),
    members: null,
  },
  {
    // Llama 3: the answer is an object with the members name and parameters
    name: 'Llama 3',
    template: /<\|python_tag\|>|"parameters": dictionary of argument name/,
    before: '',
    after: '',
    removed: ['<|python_tag|>'],
    read: callsInJson,
    members: { name: 'name', arguments: 'parameters' },
  },
];

/** The family of a template. */
export function familyOf(template: string): ToolFamily {
  return toolFamilies.find((family) => family.template.test(template)) ?? plain;
}

/** `<function=NAME><parameter=KEY>VALUE</parameter></function>`; a value is JSON, else a text. */
function elementCalls(body: string): readonly Call[] | null {
  const [, name, inside] = /^\s*<function=([^>\s]+)>(.*)<\/function>\s*$/s.exec(body) ?? [];
  if (name === undefined) return null;
  const given = [...inside!.matchAll(/<parameter=([^>\s]+)>\n?(.*?)\n?<\/parameter>/gs)];
  return [{ name, arguments: Object.fromEntries(given.map(([, key, value]) => [key!, jsonOr(value!)])) }];
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function mistralCalls(body: string): readonly Call[] | null {
  const calls = body.split('[TOOL_CALLS]').map((text) => {
    const [, name, given] = /^\s*([\w.-]+)(?:\[CALL_ID\]\w+)?\[ARGS\](.*)$/s.exec(text) ?? [];
    return name === undefined ? null : callsInJson(`{"name":${JSON.stringify(name)},"arguments":${given}}`);
  });
  return calls.every((call) => call !== null) ? calls.flat() : null;
}
