/** The options of `create`, checked: sampling, tools, the kinds of content that a page expects. */
import type { SamplingOptions, Tool } from '../../api.ts';
import { domException } from './errors.ts';
import { dictionary, oneOf } from './prompt-input.ts';
import type { LanguageModelTool, SamplingMode } from './types.ts';

/** What a session keeps of its options. */
export interface Settings {
  readonly samplingMode: SamplingMode;
  readonly topK: number;
  readonly temperature: number;
  readonly tools: readonly LanguageModelTool[];
}

/** The temperature of each mode. The specification names the modes only. */
const temperatures: Readonly<Record<SamplingMode, number>> = {
  'most-predictable': 0,
  predictable: 0.4,
  balanced: 0.8,
  creative: 1.1,
  'most-creative': 1.5,
};

export const params = { defaultTopK: 40, maxTopK: 128, defaultTemperature: temperatures.balanced, maxTemperature: 2 };

/** Throws `TypeError` and `RangeError` for values, `NotSupportedError` for anything but text. */
export function readSettings(options: Readonly<Record<string, unknown>>): Settings {
  for (const [option, own] of [
    ['expectedInputs', 'tool-response'],
    ['expectedOutputs', 'tool-call'],
  ] as const)
    for (const expected of list(options, option)) checkExpected(expected, own, option);
  const { samplingMode: mode, topK, temperature } = options;
  const isRaw = topK !== undefined || temperature !== undefined;
  if (mode !== undefined && isRaw)
    throw new TypeError('samplingMode cannot be given together with topK or temperature.');
  const samplingMode = oneOf(mode ?? 'balanced', Object.keys(temperatures), 'samplingMode') as SamplingMode;
  return {
    samplingMode,
    topK: topK === undefined ? params.defaultTopK : Math.floor(within(topK, 1, params.maxTopK, 'topK')),
    temperature:
      temperature === undefined
        ? temperatures[samplingMode]
        : within(temperature, 0, params.maxTemperature, 'temperature'),
    tools: list(options, 'tools').map(readTool),
  };
}

/** The sampling options of `generate`. */
export const samplingOf = ({ temperature, topK }: Settings): SamplingOptions =>
  temperature === 0 ? { temperature } : { temperature, topK };

/** The tools in the form of `generate`; undefined if there are none. */
export const toolsOf = ({ tools }: Settings): readonly Tool[] | undefined =>
  tools.length === 0
    ? undefined
    : tools.map(({ name, description, inputSchema }) => ({
        type: 'function',
        function: { name, description, parameters: inputSchema },
      }));

function list(options: Readonly<Record<string, unknown>>, option: string): readonly unknown[] {
  const value = options[option];
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || !(Symbol.iterator in value))
    throw new TypeError(`${option} must be a list.`);
  return [...(value as Iterable<unknown>)];
}

/** `own` is the kind of content that the session itself makes of the page's tools. */
function checkExpected(expected: unknown, own: string, option: string): void {
  const { type, languages } = dictionary(expected, `An entry of ${option}`);
  const kind = oneOf(type, ['text', 'image', 'audio', 'tool-call', 'tool-response'], 'type');
  // Throws a RangeError for what is no language tag.
  Intl.getCanonicalLocales(languages as readonly string[] | undefined);
  if (kind !== 'text' && kind !== own)
    throw domException('NotSupportedError', `${option} can only be text, not ${kind}.`);
}

/** A larger number is the maximum, as the specification says; a smaller one is refused. */
function within(value: unknown, least: number, most: number, option: string): number {
  const number = Number(value);
  if (Number.isNaN(number)) throw new TypeError(`${option} must be a number.`);
  if (number < least) throw new RangeError(`${option} must be at least ${least}.`);
  return Math.min(number, most);
}

function readTool(given: unknown): LanguageModelTool {
  const { name, description, inputSchema, execute } = dictionary(given, 'A tool');
  if (name === undefined || description === undefined || typeof inputSchema !== 'object' || inputSchema === null)
    throw new TypeError('A tool needs name, description and inputSchema.');
  if (typeof execute !== 'function') throw new TypeError('A tool needs a function execute.');
  return {
    name: `${name}`,
    description: `${description}`,
    inputSchema,
    execute: execute as LanguageModelTool['execute'],
  };
}
