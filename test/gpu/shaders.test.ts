/**
 * Checks every shader of tiny models and of `graphs/` with two readers that share no code with the
 * printer: naga (the WGSL front end of Firefox and wgpu) validates it; wgsl_reflect reports its
 * bindings, sizes and workgroups, which must equal the plan's, and runs it to find races.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lowerGpu } from '@lamella/compiler/pipeline';
import type { Plan } from '@lamella/compiler/plan';
import type { FormatName, Kind, KvName } from '@lamella/compiler/program/ir';
import { conservative, type GpuProfile, halves } from '@lamella/compiler/schedule/gpu/profile';
import { printShader, type Shader } from '@lamella/compiler/targets/webgpu/print';
import type { Graph } from '@lamella/graph/ir';
import { writeGpuStep } from '@lamella/runtime/step';
import { loadGraph } from 'lamella/load-graph';
import { parseWgsl, validate } from 'naga-wasm';
import { describe, expect, test } from 'vitest';
import { type ArrayInfo, detectRaces, type VariableInfo, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { familyGraph, familyNames } from '../conformance/families.ts';
import { everyFunction } from '../conformance/functions.ts';
import { headModels, usualHeads } from '../conformance/heads.ts';
import { model, orders, type Shape } from '../conformance/models.ts';
import { primitives } from '../conformance/primitives.ts';
import tinyLs from '../golden/tiny-ls.ts';
import { workgroups } from './machine.ts';

/** Every shader of a graph, with its kernel. */
function shadersOf(
  graph: Graph,
  quant: FormatName,
  { profile = conservative, kv = 'f32' }: { readonly profile?: GpuProfile; readonly kv?: KvName } = {},
): { plan: Plan; shaders: readonly { kind: Kind; shader: Shader }[] } {
  const { plan, kernels } = lowerGpu(graph, { quant, kv }, profile);
  const all = kernels.kinds.flatMap(({ kind, decode, prefill }) =>
    [...decode, ...prefill].map((kernel) => ({ kind, shader: printShader(kernel, plan, kind, profile) })),
  );
  const end = plan.program.kinds.at(-1)!;
  const choices = [kernels.argmax, kernels.draw, kernels.candidates];
  return {
    plan,
    shaders: [...all, ...choices.map((kernel) => ({ kind: end, shader: printShader(kernel, plan, end, profile) }))],
  };
}

const graphs = new URL('../../graphs/', import.meta.url);
const shapes: readonly [string, Partial<Shape>][] = [
  ['usual', { layers: 3, share: orders.immediate }],
  ['headDim 52, untied', { headDim: 52, heads: 2, kvHeads: 1, d: 104, tied: false }],
  ['d 30, ff 50, vocab 257', { d: 30, ff: 50, vocab: 257 }],
  ['no RoPE, context 700', { rope: false, headDim: 12, context: 700 }],
];

/** Formats of weights, of keys and values, and profiles. */
const settings = [
  ['f32', 'f32', conservative],
  ['f16', 'f32', conservative],
  ['q8', 'f32', conservative],
  ['q4', 'f32', conservative],
  ['q8', 'q8', conservative],
  ['f32', 'f32', halves],
  ['q4', 'f32', halves],
] as const;

/**
 * A setting for each way in which kernels differ: floats, codes of activations, groups of codes,
 * halves.
 */
const everyPart = [
  ['f32', 'f32', conservative],
  ['q8', 'q8', conservative],
  ['q4', 'f32', halves],
] as const;

describe.each(settings)('%s, KV %s, $2.name profile', (quant, kv, profile) => {
  test.each([['tiny-ls', tinyLs] as const, ...shapes.map(([name, shape]) => [name, model(shape)] as const)])(
    '%s: naga accepts every shader, and its bindings are the plan’s',
    (_, graph) => expectPlanned(graph, quant, { kv, profile }),
  );
});

/** Operations that are not fused into a contraction. */
const unfused = [
  ...headModels({ ...usualHeads, context: 200, sets: 1 }),
  ...headModels({ heads: 2, kvHeads: 1, headDim: 6, context: 20, sets: 1 }),
  everyFunction(),
  ...[
    'GPT-NeoX: layerNorm, biases, one tensor for q, k and v',
    'learned positions, 26 features',
    'rope of neighbours in a part of a head',
    'convolutions and attention in one block',
    'LFM2, 26 features, a bias',
  ].map((name) => primitives[name]!()),
];
test.each(unfused.map((graph) => [`${graph.name} of ${graph.tokens.size} tokens`, graph] as const))(
  '%s: naga accepts every shader, and its bindings are the plan’s',
  (_, graph) => {
    for (const [quant, kv, profile] of everyPart) expectPlanned(graph, quant, { kv, profile });
  },
);

test.each(familyNames)('a small %s: naga accepts every shader, and its bindings are the plan’s', async (name) => {
  expectPlanned(await familyGraph(name), 'q4', { profile: conservative });
});

test.each(readdirSync(graphs).filter((file) => file.endsWith('.ts')))(
  '%s at its full size: naga accepts every shader, and its bindings are the plan’s',
  async (file) => {
    const graph = await loadGraph(fileURLToPath(new URL(file, graphs)));
    // the largest bindings, and the most operations
    for (const quant of ['f32', 'q4'] as const) expectPlanned(graph, quant, { profile: halves });
  },
);

/** Checks every shader of a graph with both readers. */
function expectPlanned(
  graph: Graph,
  quant: FormatName,
  as: { readonly profile: GpuProfile; readonly kv?: KvName },
): void {
  const { profile } = as;
  const { plan, shaders } = shadersOf(graph, quant, as);
  for (const { shader, kind } of shaders) {
    expect(() => validate(parseWgsl(shader.code)), shader.name).not.toThrow();
    const reflected = new WgslReflect(shader.code);
    const [groups, ...more] = reflected.getBindGroups();
    expect(more).toEqual([]);
    expect(
      groups!.map((v) => ({ binding: v.binding, access: reflected.uniforms.includes(v) ? 'uniform' : v.access })),
      shader.name,
    ).toEqual(shader.bindings.map(({ access }, binding) => ({ binding, access })));
    // a binding holds whole elements of the shader's array
    const storage = shader.bindings.flatMap((b, i) => (b.access === 'uniform' ? [] : [[b, groups![i]!] as const]));
    for (const [{ bytes, offset }, variable] of storage) {
      expect([bytes % elementBytesOf(variable), offset % elementBytesOf(variable)], shader.name).toEqual([0, 0]);
      expect(bytes).toBeLessThanOrEqual(profile.bindingBytes);
    }
    expect(boundBytes(shader), shader.name).toEqual(plannedBytes(plan, kind, shader));
    const [main, ...others] = reflected.entry.compute;
    expect(others).toEqual([]);
    expect(main!.workgroupSize!.map(Number)).toEqual([shader.lanes, 1, 1]);
    expect(shader.lanes).toBeLessThanOrEqual(conservative.invocations);
    expect(sharedBytes(shader.code)).toBeLessThanOrEqual(conservative.workgroupBytes);
    expect(groups!.filter((v) => reflected.storage.includes(v)).length).toBeLessThanOrEqual(
      conservative.storageBuffers,
    );
  }
}

test('a table that is too large for one binding is bound in parts', () => {
  const small = { ...conservative, bindingBytes: 200 << 10 };
  const { shaders: all } = shadersOf(model({ vocab: 2000, context: 24 }), 'f32', { profile: small });
  const shaders = all.map(({ shader }) => shader);
  for (const { code } of shaders) expect(() => validate(parseWgsl(code))).not.toThrow();
  const parts = shaders.find(({ name }) => name.startsWith('start.'))!.bindings.filter((b) => b.resource === 'weights');
  // 2000 rows of 64 f32
  expect(parts.map(({ offset, bytes }) => [offset, bytes])).toEqual([
    [0, 200 << 10],
    [200 << 10, 200 << 10],
    [400 << 10, 2000 * 64 * 4 - (400 << 10)],
  ]);
});

/** Bytes of one element of a variable's array. */
const elementBytesOf = ({ type }: VariableInfo): number => (type as ArrayInfo).format.size;

/** The bindings of a shader, by resource, all parts together. */
function boundBytes({ bindings }: Shader): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { resource, group, bytes } of bindings) {
    const name = resource === 'weights' ? `weights ${group}` : resource;
    sums[name] = (sums[name] ?? 0) + bytes;
  }
  return sums;
}

/**
 * The plan's sizes of these resources, except the step, which may be bound as words and as a
 * uniform.
 */
function plannedBytes(plan: Plan, kind: Kind, shader: Shader): Readonly<Record<string, number>> {
  const { tokens, arena } = plan.memory;
  const sizes: Readonly<Record<string, number>> = {
    memory: arena.offset + arena.bytes - tokens.offset,
    constants: plan.ropeBytes,
    history: 4 * (plan.program.context + 1),
    state: kind.stateBytes,
    ...Object.fromEntries(kind.groups.map((bytes, group) => [`weights ${group}`, bytes])),
  };
  return Object.fromEntries(Object.entries(boundBytes(shader)).map(([name, bytes]) => [name, sizes[name] ?? bytes]));
}

/** Runs a shader on zeros in the reader's own interpreter, for three tokens at position 1. */
function racesOf(code: string, { bindings, grid }: Shader): readonly string[] {
  const scalars = { position: 1, count: 3, row: 0 };
  const buffers = bindings.map(({ access, bytes }, i) => {
    const words = new Uint32Array(Math.ceil(bytes / 16) * 4);
    if (access === 'uniform') writeGpuStep(words, scalars);
    return [i, access === 'uniform' ? { uniform: new Int32Array(words.buffer) } : words] as const;
  });
  const [x = 1, y = 1, z = 1] = grid.map((extent) => workgroups(extent, scalars));
  const { races, errors } = detectRaces(code, 'main', [x, y, z], { 0: Object.fromEntries(buffers) });
  return [...races.map((r) => r.message), ...errors];
}

describe.each(settings.filter(([, , { needs }]) => needs.length === 0))('%s, KV %s', (quant, kv) => {
  const shaders = shadersOf(tinyLs, quant, { kv }).shaders.map(({ shader }) => [shader.name, shader] as const);

  test.each(shaders)('%s: no invocation reads what another one writes at the same time', (_, shader) => {
    expect(racesOf(shader.code, shader)).toEqual([]);
  });

  test('without its barriers a shader races', () => {
    const [, shader] = shaders.find(([name]) => name.includes('o_proj'))!;
    expect(racesOf(shader.code.replaceAll('workgroupBarrier();', ''), shader)).not.toEqual([]);
  });
});

/** Bytes of workgroup memory that a shader declares. */
function sharedBytes(code: string): number {
  return [...code.matchAll(/var<workgroup> \w+: array<(vec4<\w+>|\w+), (\d+)>/g)].reduce(
    (sum, [, element, count]) => sum + Number(count) * (element!.startsWith('vec4') ? 16 : 4),
    0,
  );
}
