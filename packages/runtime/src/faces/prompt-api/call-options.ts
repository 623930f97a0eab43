/** The options of a call, copied when it is made. */
import type { ResponseFormat } from '../../api.ts';
import { domException } from './errors.ts';
import { dictionary } from './prompt-input.ts';

/** The signal among the options. `TypeError` for anything else. */
export function signalOf(options: unknown): AbortSignal | undefined {
  const { signal } = dictionary(options, 'The options');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal.');
  return signal;
}

/** The format that `responseConstraint` demands of the answer. */
export function formatOf(options: unknown): ResponseFormat | undefined {
  const { responseConstraint: given, omitResponseConstraintInput: omit } = dictionary(options, 'The options');
  if (given === undefined) {
    if (omit) throw new TypeError('omitResponseConstraintInput needs a responseConstraint.');
    return undefined;
  }
  if (given instanceof RegExp) return { type: 'regex', pattern: patternOf(given) };
  if (Object.prototype.toString.call(given) !== '[object Object]')
    throw new TypeError('responseConstraint must be a JSON schema or a RegExp.');
  return { type: 'json_schema', schema: JSON.parse(JSON.stringify(given)) };
}

/** `g` and `y` say where to search, `d` what to report: they change no answer. */
function patternOf({ source, flags }: RegExp): string {
  const other = flags.replace(/[dgyu]/g, '');
  if (other !== '') throw domException('NotSupportedError', `A responseConstraint cannot have the flags ${other}.`);
  return source;
}

/**
 * Whether an answer whose tokens ended is whole. One that keeps to its constraint is whole when it is
 * JSON, or matches the pattern.
 */
export function satisfies(text: string, format: ResponseFormat): boolean {
  if (format.type === 'regex') return new RegExp(`^(?:${format.pattern})$`, 'u').test(text);
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
