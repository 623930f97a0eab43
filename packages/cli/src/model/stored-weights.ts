/**
 * Which formats keep the weights of a GGUF file as they are stored. Lamella widens quantised
 * weights to f32 and packs them again, which rounds them a second time unless the new format can
 * express the same values (docs/decisions.md, GGUF).
 */
import { isGguf } from '@lamella/checkpoint/gguf/format';
import type { StoredAs } from '@lamella/checkpoint/gguf/model';
import { type FormatName, formatNames } from '@lamella/runtime/choices';

/** Types whose values are codes of eight bits times a half. */
const eightBits = ['Q8_0', 'Q5_0', 'Q4_0', 'IQ4_NL'];

/** Whether a format keeps every value of such tensors. */
const keeps: Readonly<Record<FormatName, (stored: StoredAs) => boolean>> = {
  f32: () => true,
  f16: () => false,
  q8: ({ type }) => eightBits.includes(type),
  // Tables are q8.
  q4: ({ type, role }) => (role === 'table' ? eightBits.includes(type) : type === 'Q4_0'),
};

const plural = { matrix: 'matrices', table: 'tables' } as const;

/**
 * A sentence about the formats that keep the values of `weights`; null if it is not a GGUF file,
 * has no quantised tensors, or `quant` keeps them all. Throws the errors of opening the file.
 */
export async function roundingNote(weights: string, quant: FormatName | null = null): Promise<string | null> {
  if (!isGguf(weights)) return null;
  const { quantisedTensors } = await import('@lamella/checkpoint/gguf/model');
  const stored = await quantisedTensors(weights);
  if (stored.length === 0 || (quant !== null && stored.every(keeps[quant]))) return null;
  const types = [...new Set(stored.map(({ type }) => type))].join(', ');
  const whole = formatNames.filter((format) => stored.every(keeps[format]));
  const partly = formatNames
    .filter((format) => !whole.includes(format))
    .flatMap((format) =>
      stored.filter(keeps[format]).map(({ type, role }) => `${format} those of ${plural[role]} in ${type}`),
    );
  const all = [whole.slice(0, -1).join(', '), whole.at(-1)].filter((part) => part !== '').join(' and ');
  const kept = [`${all} ${whole.length === 1 ? 'keeps' : 'keep'} their values`, ...partly];
  return `the weights of ${weights} are stored as ${types}: ${kept.join(', ')}, and other formats round them again`;
}
