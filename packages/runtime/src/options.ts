/** Checking options: each has one range, and a name nobody knows is an error rather than a silent default. */
import type { GenerateOptions } from './face.ts';
import { LamellaError } from './lamella-error.ts';

/** What an option takes. */
interface Range {
  readonly text: string;
  readonly remedy: string;
  holds(value: unknown): boolean;
}

const whole = (least: number, remedy: string): Range => ({
  text: `a whole number of at least ${least}`,
  remedy,
  holds: (v) => Number.isSafeInteger(v) && Number(v) >= least,
});

const number = (text: string, remedy: string, holds: (value: number) => boolean): Range => ({
  text,
  remedy,
  holds: (v) => typeof v === 'number' && Number.isFinite(v) && holds(v),
});

const signal: Range = {
  text: 'an AbortSignal',
  remedy: 'new AbortController().signal',
  holds: (v) => v instanceof AbortSignal,
};

export const samplingRanges = {
  temperature: number('a number of at least 0', '0 for greedy, 0.7 for variety', (v) => v >= 0),
  topK: whole(0, '40, or 0 for all tokens'),
  topP: number('above 0 and at most 1', '0.95', (v) => v > 0 && v <= 1),
  minP: number('from 0 to 1', '0.05', (v) => v >= 0 && v <= 1),
  repetitionPenalty: number('a number above 0', '1.1, or 1 for none', (v) => v > 0),
  seed: {
    text: 'a whole number from 0 to 4294967295',
    remedy: '1',
    holds: (v) => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 0xffff_ffff,
  },
} satisfies Record<string, Range>;

export const generateRanges = {
  ...samplingRanges,
  maxTokens: whole(1, '128'),
  stop: {
    text: 'a list of texts that are not empty',
    remedy: '["\\n"]',
    holds: (v) => Array.isArray(v) && v.every((s) => typeof s === 'string' && s !== ''),
  },
  eos: {
    text: 'a list of token ids',
    remedy: '[2], or [] for none',
    holds: (v) => Array.isArray(v) && v.every((id) => Number.isInteger(id) && id >= 0),
  },
  signal,
} satisfies Record<string, Range>;

export const loadRanges = {
  device: {
    text: 'auto, wasm or webgpu',
    remedy: '"auto"',
    holds: (v) => v === 'auto' || v === 'wasm' || v === 'webgpu',
  },
  threads: whole(1, '2'),
  signal,
  onProgress: { text: 'a function', remedy: '(done, total) => {}', holds: (v) => typeof v === 'function' },
  onFallback: { text: 'a function', remedy: '({ reason }) => {}', holds: (v) => typeof v === 'function' },
} satisfies Record<string, Range>;

/** L406, L408, L409 for what `generate` was given, where it is known at once. `place` is the package's. */
export function checkGenerate(
  prompt: string | readonly number[],
  options: GenerateOptions,
  hasTokenizer: boolean,
  place: string,
): void {
  checkOptions(options, generateRanges);
  if (hasTokenizer) return;
  if (typeof prompt === 'string') throw new LamellaError('L406', { path: place });
  const { stop = [] } = options;
  if (stop.length === 0) return;
  const range = 'left out for a package without a tokenizer';
  throw new LamellaError('L408', { option: 'stop', range, value: JSON.stringify(stop), remedy: 'maxTokens' });
}

/** L409 for a name that is not in `ranges`, L408 for a value outside its range. An option left undefined is an option left out. */
export function checkOptions(options: object, ranges: Readonly<Record<string, Range>>): void {
  for (const [option, value] of Object.entries(options)) {
    const range = Object.hasOwn(ranges, option) ? ranges[option] : undefined;
    if (!range) throw new LamellaError('L409', { option, remedy: Object.keys(ranges).join(', ') });
    if (value === undefined || range.holds(value)) continue;
    throw new LamellaError('L408', { option, range: range.text, value: spell(value), remedy: range.remedy });
  }
}

/** NaN and infinities are not JSON, and are just what is wrong when they are here. */
function spell(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}
