/**
 * The body of a block: its two halves, each a value that is added to x, as statements of the graph
 * file.
 */
import type { BlockShape } from './decoder.ts';
import { attentionOptions, isGqa, isSwiglu } from './layer-text.ts';
import { digits } from './literals.ts';

/** A value inside a block's body: lines that come before it, and the expression. */
interface Value {
  readonly lines: readonly string[];
  readonly text: string;
}

/** The statements of a block's body. */
export function body(shape: BlockShape): readonly string[] {
  const { norms, mixer, names } = shape;
  if (norms === 'parallel') {
    const mixed = mixerValue(shape, `w.${names.mixerNorm}(x)`);
    const fed = feedForwardValue(shape, `w.${names.feedForwardNorm}(x)`);
    return [...mixed.lines, ...fed.lines, `return add(add(x, ${mixed.text}), ${fed.text});`];
  }
  return [
    ...(mixer ? half(mixerValue, 'x = ', names.mixerNorm, names.mixerPostNorm, shape) : []),
    ...half(feedForwardValue, 'return ', names.feedForwardNorm, names.feedForwardPostNorm, shape),
  ];
}

/** One half of a block: x plus what `value` makes of the normed x. */
function half(
  value: (shape: BlockShape, x: string) => Value,
  keyword: string,
  before: string,
  after: string,
  shape: BlockShape,
): readonly string[] {
  const { norms, residualScale } = shape;
  const { lines, text } = value(shape, norms === 'post' ? 'x' : `w.${before}(x)`);
  const normed = norms === 'pre' ? text : `w.${after}(${text})`;
  const added = residualScale === null ? normed : `scale(${normed}, ${digits(residualScale)})`;
  if (lines.length === 0) return [`${keyword}residual(x, (x) => ${added});`];
  return [`${keyword}residual(x, (x) => {`, ...[...lines, `return ${added};`].map((line) => `  ${line}`), '});'];
}

function mixerValue(shape: BlockShape, x: string): Value {
  const { mixer, names } = shape;
  const w = `w.${names.mixer}`;
  if (mixer!.kind === 'conv') {
    return {
      lines: [`const { b, c, u } = ${w}.in_proj(${x});`],
      text: `${w}.out_proj(mul(c, ${w}.conv(mul(b, u))))`,
    };
  }
  const { heads, kvHeads, rope, norm, fused, ...how } = mixer!;
  if (isGqa(mixer!, shape)) return { lines: [], text: `${w}(${x})` };
  const turned = (value: string, count: number, named: string) => {
    const normed = (text: string, when: 'rope' | 'attention') =>
      norm?.before === when ? `${w}.${named}(${text})` : text;
    const before = normed(value, 'rope');
    return normed(rope ? `rotate(${before}, ${shape.name}Rope, { heads: ${count} })` : before, 'attention');
  };
  const [q, k, v] = fused
    ? ['all.q', 'all.k', 'all.v']
    : [names.q, names.k, names.v].map((name) => `${w}.${name}(${x === 'x' ? x : 'n'})`);
  const options = attentionOptions(how);
  return {
    lines: [
      ...(fused ? [`const all = ${w}.${names.qkv}(${x});`] : x === 'x' ? [] : [`const n = ${x};`]),
      `const queries = ${turned(q!, heads, names.qNorm)};`,
      `const keys = ${turned(k!, kvHeads, names.kNorm)};`,
      `const kept = cache(keys, ${v}, { kvHeads: ${kvHeads} });`,
    ],
    text: `${w}.${names.out}(attention(queries, kept${options.length > 0 ? `, { ${options.join(', ')} }` : ''}))`,
  };
}

function feedForwardValue(shape: BlockShape, x: string): Value {
  const { feedForward, names } = shape;
  const { gated, fused, activation } = feedForward;
  const w = `w.${names.feedForward}`;
  if (isSwiglu(feedForward, names)) return { lines: [], text: `${w}(${x})` };
  const down = (text: string) => `${w}.${names.down}(${text})`;
  if (!gated) return { lines: [], text: down(`${activation}(${w}.${names.up}(${x}))`) };
  if (fused) {
    return {
      lines: [`const { gate, up } = ${w}.${names.gateUp}(${x});`],
      text: down(`mul(${activation}(gate), up)`),
    };
  }
  return {
    lines: [`const m = ${x};`],
    text: down(`mul(${activation}(${w}.${names.gate}(m)), ${w}.${names.up}(m))`),
  };
}
