/**
 * Compositions beyond a Llama block, for a GPU: queries, keys and values from any expressions, with
 * attention whole and in splits, with and without halves; and every element-wise function.
 */
import { conservative, type GpuProfile, halves } from '@lamella/compiler/schedule/gpu/profile';
import type { Graph } from '@lamella/graph/ir';
import { everyFunction } from '../conformance/functions.ts';
import { type HeadShape, headModels, optionModels, usualHeads } from '../conformance/heads.ts';
import type { Setting } from '../conformance/machine.ts';
import { primitives } from '../conformance/primitives.ts';
import { sharedStates } from '../conformance/shared-state.ts';

export interface Composition {
  readonly name: string;
  readonly graph: Graph;
  readonly setting: Setting;
  readonly profile: GpuProfile;
  readonly tolerance: number;
}

const f32: Setting = { quant: 'f32', kv: 'f32' };
const odd = { heads: 2, kvHeads: 1, headDim: 6, context: 20, sets: 1 };
/** With so long a context, attention has splits. */
const long = { ...usualHeads, context: 200, sets: 1 };

/** The variants whose heads together cover every path of the kernels. */
export const headCompositions: readonly Composition[] = [
  ...some(long, ['lora-per-execution', 'gated-attention', 'attention-over-attention']).map((graph) =>
    of('in parts', graph, f32, conservative, 1e-4),
  ),
  ...some(odd, ['lora', 'rope-on-keys', 'rotated-stream', 'head-norms-before-rope']).map((graph) =>
    of('headDim 6, halves', graph, f32, halves, 2e-3),
  ),
  ...some({ ...usualHeads, sets: 1 }, ['head-norms-before-rope']).map((graph) =>
    of('q4, KV q8', graph, { quant: 'q4', kv: 'q8' }, conservative, 0.05),
  ),
];

/** Primitives with GPU kernels of their own, or with a different memory layout. */
const ofPrimitives: readonly Composition[] = (
  [
    'norms of heads behind RoPE, without a gain',
    'rope of neighbours in a part of a head',
    'learned positions, 26 features',
    'convolutions and attention in one block',
    'GPT-NeoX: layerNorm, biases, one tensor for q, k and v',
  ] as const
).map((name) => of(name, primitives[name]!(), f32, conservative, 1e-4));

const few = { heads: 2, kvHeads: 1, headDim: 8, context: 20, sets: 1 };

/**
 * Windows, soft caps and shared states, in floats, halves and codes; long enough for the windows to
 * hide positions.
 */
export const attentionCompositions: readonly Composition[] = [
  ...optionModels(few)
    .filter(({ name }) => ['scale-and-softcap', 'two-states'].includes(name))
    .map((graph) => of('f32', graph, f32, conservative, 1e-4)),
  ...optionModels({ ...few, headDim: 6 })
    .filter(({ name }) => ['rotated-one-tensor'].includes(name))
    .map((graph) => of('headDim 6, halves', graph, f32, halves, 2e-3)),
  ...optionModels(few)
    .filter(({ name }) => ['two-states'].includes(name))
    .map((graph) => of('KV q8', graph, { quant: 'f32', kv: 'q8' }, conservative, 0.05)),
  of('f32', sharedStates['per set, in a loop']!(), f32, conservative, 1e-4),
  of('halves', sharedStates['queries that do not turn read keys that do, padded']!(), f32, halves, 2e-3),
  of('KV q8', sharedStates['per set, one tensor for both']!(), { quant: 'f32', kv: 'q8' }, conservative, 0.05),
];

/**
 * Includes one whose shaders are so long that a driver for the CPU takes minutes to compile them.
 */
export const compositions: readonly Composition[] = [
  ...headCompositions,
  ...ofPrimitives,
  of('f32', everyFunction(), f32, conservative, 1e-4),
];

function some(shape: HeadShape, names: readonly string[]): readonly Graph[] {
  const graphs = headModels(shape);
  return names.map((name) => {
    const graph = graphs.find((each) => each.name === name);
    if (!graph) throw new Error(`no model ${name}`);
    return graph;
  });
}

function of(how: string, graph: Graph, setting: Setting, profile: GpuProfile, tolerance: number): Composition {
  return { name: `${how}, ${graph.name}`, graph, setting, profile, tolerance };
}
