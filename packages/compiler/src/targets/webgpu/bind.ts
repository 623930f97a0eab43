/**
 * The bindings of a kernel. All its buffers in one region of memory share one binding, because a
 * buffer may be bound for writing only once. A binding is an array of 32-bit words, or of vectors
 * of four if every wide access is aligned and nothing narrower is written. Weights stored as halves
 * are read as pairs of words, which needs no feature. Keys and values stored as halves are also
 * written, which needs `shader-f16`.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { GPU_STEP_WORDS, WORD } from '@lamella/runtime/step';
import type { GpuBinding, GpuResource } from '@lamella/runtime/webgpu-manifest';
import type { Expr, Kernel, KernelBuffer, Stmt } from '../../loops/ir.ts';
import { expressionsOf, mapExpr, walkStatements } from '../../loops/ir.ts';
import type { Multiples } from '../../loops/multiples.ts';
import { elementBytes } from '../../loops/types.ts';
import { loadWidth, storeWidth } from '../../loops/verify.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Kind } from '../../program/ir.ts';
import type { GpuProfile } from '../../schedule/gpu/profile.ts';
import { CANDIDATE_BYTES, gpuRegions } from '../../schedule/gpu/scope.ts';

/** The GPU buffer that holds a region of linear memory, with the region's start and size. */
export function resourceAt(plan: Plan, offset: number): { resource: GpuResource; start: number; bytes: number } {
  const { step, tokens, arena, weights } = plan.memory;
  const { history, candidates } = gpuRegions(plan);
  const regions: readonly { resource: GpuResource; start: number; bytes: number }[] = [
    { resource: 'step', start: step.offset, bytes: GPU_STEP_WORDS * WORD },
    { resource: 'memory', start: tokens.offset, bytes: arena.offset + arena.bytes - tokens.offset },
    { resource: 'constants', start: weights.offset, bytes: plan.ropeBytes },
    { resource: 'history', start: history, bytes: 4 * (plan.program.context + 1) },
    { resource: 'candidates', start: candidates, bytes: CANDIDATE_BYTES },
  ];
  const found = regions.find((r) => offset >= r.start && offset < r.start + r.bytes);
  if (!found) throw new Error(`address ${offset} lies in no region that kernels reach directly`);
  return found;
}

/** A variable of the shader: a binding or workgroup memory. */
export interface Variable {
  readonly name: string;
  /** The elements of its array. */
  readonly of: 'words' | 'pairs' | 'vectors';
  /** Its bindings; several, in order, if one would be too large; empty for workgroup memory. */
  readonly bindings: readonly GpuBinding[];
  /** The element type, and the number of words in workgroup memory. */
  readonly element: 'u32' | 'f32' | 'i32' | 'f16';
  readonly words: number;
}

/** Bytes of one element of the variable's array. */
export function unitBytes({ of, element }: Variable): number {
  if (of === 'words') return 4;
  return of === 'pairs' || element === 'f16' ? 8 : 16;
}

export interface Bound {
  readonly variables: readonly Variable[];
  /** The variable and the byte offset of a kernel buffer. */
  place(buffer: string): { readonly variable: Variable; readonly offset: number };
}

/** Bytes that one access reads or writes. */
function accessBytes(buffer: KernelBuffer, access: Access): number {
  const width =
    access.store === null
      ? loadWidth(buffer.element, access.type, access.splat ? 'splat' : 'contiguous')
      : storeWidth(buffer.element, access.type);
  return (width ?? 1) * elementBytes(buffer.element);
}

interface Access {
  readonly buffer: string;
  readonly index: Expr;
  readonly type: Expr['type'];
  readonly splat: boolean;
  readonly store: Stmt | null;
}

function accesses(kernel: Kernel): readonly Access[] {
  const found: Access[] = [];
  const inside = (e: Expr): void => {
    mapExpr(e, (x) => {
      if (x.kind === 'load')
        found.push({ buffer: x.buffer, index: x.index, type: x.type, splat: x.access === 'splat', store: null });
      return x;
    });
  };
  walkStatements(kernel.body, (s) => {
    expressionsOf(s).forEach(inside);
    if (s.kind !== 'store') return;
    found.push({ buffer: s.buffer, index: s.index, type: s.value.type, splat: false, store: s });
  });
  return found;
}

/** The bindings of an expanded kernel. */
export function bind(kernel: Kernel, plan: Plan, kind: Kind, multiples: Multiples, profile: GpuProfile): Bound {
  const used = accesses(kernel);
  const places = new Map<
    string,
    { key: string; offset: number; resource: GpuResource; group: number; bytes: number }
  >();
  for (const buffer of kernel.buffers) {
    if (!used.some((a) => a.buffer === buffer.name)) continue;
    const { address } = buffer;
    if (address.kind === 'memory') {
      const { resource, start, bytes } = resourceAt(plan, address.offset);
      places.set(buffer.name, { key: resource, offset: address.offset - start, resource, group: 0, bytes });
    } else if (address.kind === 'weights') {
      const { group, offset } = address;
      places.set(buffer.name, { key: `w${group}`, offset, resource: 'weights', group, bytes: kind.groups[group]! });
    } else if (address.kind === 'state') {
      const bytes = kind.stateBytes;
      places.set(buffer.name, { key: 'state', offset: address.offset, resource: 'state', group: 0, bytes });
    }
  }
  const bufferOf = (name: string) => kernel.buffers.find((b) => b.name === name)!;
  const isWide = (a: Access): boolean => accessBytes(bufferOf(a.buffer), a) === 16;
  /** Whether the access reads or writes four halves. */
  const isFour = (a: Access): boolean => bufferOf(a.buffer).element === 'f16' && a.type === 'f32x4';
  const isAlignedTo = (a: Access, bytes: number): boolean => {
    const buffer = bufferOf(a.buffer);
    const offset = places.get(a.buffer)?.offset ?? 0;
    return (multiples.of(a.index) * elementBytes(buffer.element)) % bytes === 0 && offset % bytes === 0;
  };
  const inVectors = (mine: readonly Access[], narrowReads: boolean): boolean =>
    mine.some(isWide) && mine.every((a) => (isWide(a) ? isAlignedTo(a, 16) : narrowReads && a.store === null));

  const keys = [...new Set([...places.values()].map((p) => p.key))].sort(byOrder);
  const bound = keys.map((key): Variable => {
    const members = [...places].filter(([, p]) => p.key === key);
    const { resource, group, bytes } = members[0]![1];
    const mine = used.filter((a) => members.some(([name]) => name === a.buffer));
    const writes = mine.some((a) => a.store !== null);
    const halves = mine.filter((a) => bufferOf(a.buffer).element === 'f16');
    const stored = resource === 'state' && halves.length > 0;
    if (stored && (halves.length < mine.length || halves.some((a) => !isFour(a) || !isAlignedTo(a, 8))))
      throw new Error(`kernel ${kernel.name}: ${key} holds halves, which are read and written four at a time`);
    const inPairs = !stored && halves.some(isFour) && mine.every((a) => !(isFour(a) || isWide(a)) || isAlignedTo(a, 8));
    const of = inPairs ? 'pairs' : stored || inVectors(mine, true) ? 'vectors' : 'words';
    // `memory` holds results of earlier kernels and is always bound for writing, so that all
    // kernels share one layout of it
    const access = writes || resource === 'memory' ? 'read_write' : 'read';
    const limit = profile.bindingBytes - (profile.bindingBytes % 256);
    const bindings = Array.from(
      { length: Math.ceil(bytes / limit) },
      (_, i) =>
        ({
          resource,
          group,
          offset: i * limit,
          bytes: Math.min(limit, bytes - i * limit),
          access,
        }) as const,
    );
    if (bindings.length > 1 && writes) {
      const reason = `${kind.name} writes to ${bytes} bytes in one piece, and at most ${limit} can be bound`;
      const smaller = resource === 'state' ? 'compiling with --kv q8 or' : 'a smaller vocabulary or';
      const remedy = `${smaller} a shorter --context, or leaving webgpu out of --target`;
      throw new LamellaError('L130', { reason, remedy });
    }
    return { name: key, of, bindings, element: stored ? 'f16' : 'u32', words: 0 };
  });
  const shared = kernel.buffers
    .filter((b) => b.address.kind === 'workgroup' && used.some((a) => a.buffer === b.name))
    .map((b): Variable => {
      const mine = used.filter((a) => a.buffer === b.name);
      if (b.element !== 'f32' && b.element !== 'i32') throw new Error(`workgroup memory of ${b.element}`);
      return {
        name: b.name,
        of: inVectors(mine, false) ? 'vectors' : 'words',
        bindings: [],
        element: b.element,
        words: b.length,
      };
    });
  const variables = [...bound, ...shared];
  const storage = variables.flatMap((v) => v.bindings).length;
  if (storage > profile.storageBuffers) {
    const reason = `${kernel.name} reads ${storage} pieces of memory, and a shader may bind at most ${profile.storageBuffers}`;
    const remedy = 'a smaller vocabulary, narrower layers, or leaving webgpu out of --target';
    throw new LamellaError('L130', { reason, remedy });
  }
  return {
    variables,
    place(name) {
      const place = places.get(name);
      const variable = variables.find((v) => v.name === (place?.key ?? name));
      if (!variable) throw new Error(`kernel ${kernel.name} binds nothing for ${name}`);
      return { variable, offset: place?.offset ?? 0 };
    },
  };
}

const order = ['step', 'memory', 'history', 'candidates', 'constants'];
function byOrder(a: string, b: string): number {
  const [i, j] = [a, b].map((key) => (order.includes(key) ? order.indexOf(key) : order.length)) as [number, number];
  return i - j || a.localeCompare(b);
}
