/** Layers of a decoder as calls of the DSL. An option that has its usual value is left out. */
import type { Attention, BlockShape, FeedForward, Norm, Rope } from './decoder.ts';
import { digits, indented } from './literals.ts';

/** Whether the attention is what `gqa` of the DSL makes. */
export function isGqa({ bias, fused, norm }: Attention, { names }: BlockShape): boolean {
  const plain = !bias.qkv && !bias.out && fused === null && norm === null;
  return plain && names.q === 'q_proj' && names.k === 'k_proj' && names.v === 'v_proj' && names.out === 'o_proj';
}

/** Whether the feed-forward layer is what `swiglu` of the DSL makes. */
export function isSwiglu({ gated, fused, bias, activation }: FeedForward, names: BlockShape['names']): boolean {
  const plain = gated && !fused && !bias && activation === 'silu';
  return plain && names.gate === 'gate_proj' && names.up === 'up_proj' && names.down === 'down_proj';
}

export function gqaText({ heads, kvHeads, headDim, rope, ...how }: Attention): string {
  const options = [
    `heads: ${heads}`,
    `kvHeads: ${kvHeads}`,
    `headDim: ${headDim}`,
    ...(rope ? [`rope: ${ropeText(rope)}`] : []),
    ...attentionOptions(how),
  ];
  const line = `gqa(d, { ${options.join(', ')} })`;
  return line.length <= 100 ? line : `gqa(d, {\n${options.map((option) => `  ${indented(option, 2)},\n`).join('')}})`;
}

/** The options that `gqa` and `attention` share, without those that have their usual value. */
export function attentionOptions({
  scale,
  window,
  softcap,
}: Pick<Attention, 'scale' | 'window' | 'softcap'>): readonly string[] {
  return [
    ...(scale === null ? [] : [`scale: ${digits(scale)}`]),
    ...(window === null ? [] : [`window: ${digits(window)}`]),
    ...(softcap === null ? [] : [`softcap: ${digits(softcap)}`]),
  ];
}

function ropeText({ theta, pairing, dims, scaling }: Rope): string {
  const options = [
    ...(pairing === 'half' ? [] : [`pairing: '${pairing}'`]),
    ...(dims === null ? [] : [`dims: ${dims}`]),
    ...(scaling === null ? [] : [`scaling: ${scalingText(scaling)}`]),
  ];
  return options.length === 0 ? `rope(${digits(theta)})` : `rope(${digits(theta)}, { ${options.join(', ')} })`;
}

function scalingText(scaling: NonNullable<Rope['scaling']>): string {
  if (scaling.kind === 'linear') return `ropeScaling.linear(${digits(scaling.factor)})`;
  if (scaling.kind === 'factors') {
    const options = scaling.attentionFactor === 1 ? '' : `, { attentionFactor: ${digits(scaling.attentionFactor)} }`;
    return `ropeScaling.factors([${scaling.factors.map(digits).join(', ')}]${options})`;
  }
  const { kind, ...numbers } = scaling;
  const options = Object.entries(numbers).filter(([, value]) => value !== null);
  return `ropeScaling.${kind}({ ${options.map(([key, value]) => `${key}: ${digits(Number(value))}`).join(', ')} })`;
}

/** RoPE as a constant before the block that rotates by it. */
export function rotation(shape: BlockShape): string {
  const { mixer, name } = shape;
  if (mixer?.kind !== 'attention' || !mixer.rope || isGqa(mixer, shape)) return '';
  return `const ${name}Rope = ${ropeText(mixer.rope)};\n`;
}

/** The DSL's own epsilon is 1e-5, MobileLLM's. */
export function normOptions({ eps, offset }: Pick<Norm, 'eps' | 'offset'>): readonly string[] {
  return [...(eps === 1e-5 ? [] : [`eps: ${eps.toExponential()}`]), ...(offset === 0 ? [] : ['offset: 1'])];
}

export function normText(axis: string, norm: Norm): string {
  const options = normOptions(norm);
  const call = norm.kind === 'rms' ? 'rmsNorm' : 'layerNorm';
  return options.length === 0 ? `${call}(${axis})` : `${call}(${axis}, { ${options.join(', ')} })`;
}
