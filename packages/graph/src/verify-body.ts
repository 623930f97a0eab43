/**
 * Checks that a body is well formed: SSA order, and the axes of every operation. Each operation has
 * one rule, which checks its operands and returns the axes of its result. The rules are the
 * comments on `Op` in `ir.ts` as code.
 */
import { LamellaError } from './diagnostics.ts';
import { isF32, isPositiveF32 } from './f32.ts';
import { functionOf } from './functions.ts';
import {
  type Axis,
  type Body,
  features,
  type Graph,
  type Node,
  type Op,
  operands,
  operationName,
  type Param,
  rankOf,
  type Site,
  type ValueId,
} from './ir.ts';
import { axesText, axisText, shapeText } from './print.ts';
import { checkRope } from './rope.ts';

/** The operations that keep state from earlier tokens. */
type Stateful = Extract<Op, { readonly kind: 'attention' | 'causalConv' }>;

/** The input of an operation's rule. */
interface Scope {
  readonly graph: Graph;
  readonly body: Body;
  readonly node: Node;
  /** Module path of the node, e.g. `layer.self_attn`. */
  readonly place: string;
}

/**
 * Throws a `LamellaError` unless `body` is well formed. `place` is its name in messages. Bindings
 * are not checked.
 */
export function verifyBody(body: Body, place: string, graph: Graph): void {
  verifyParams(body.params, place);
  const states: Stateful[] = [];
  body.nodes.forEach((node, index) => {
    const scope = { graph, body, node, place: node.path ? `${place}.${node.path}` : place };
    verifyOrder(scope, index);
    const expected = resultAxes(scope);
    if (!sameAxes(node.axes, expected)) {
      fail(scope, `its axes are ${axesText(node.axes)}, not ${axesText(expected)}`);
    }
    if (node.op.kind === 'attention' || node.op.kind === 'causalConv') verifyState(scope, node.op, states);
  });
  if (!body.nodes[body.result]) illFormed(`the result %${body.result} does not exist`, place, null);
}

/**
 * States are numbered from 0 in order of first use. A later attention on a state has the same keys
 * and values as the first.
 */
function verifyState(scope: Scope, op: Stateful, states: Stateful[]): void {
  const first = states.find(({ state }) => state === op.state);
  const reads = op.kind === 'attention' && op.k === null;
  if (op.kind === 'attention' && reads !== (op.v === null)) fail(scope, 'it has keys or values alone');
  // a body that reads an earlier execution's states may read some of them only
  if (!first && reads && Number.isInteger(op.state) && op.state >= 0) states.push(op);
  else if (!first) {
    if (op.state !== states.length) fail(scope, `its state is ${op.state}, but the next state is ${states.length}`);
    states.push(op);
  } else if (first.kind === 'causalConv' || op.kind === 'causalConv') {
    fail(scope, `its state is ${op.state}, which is another operation's`);
  } else if ((['k', 'v', 'kvHeads', 'headDim'] as const).some((key) => first[key] !== op[key])) {
    fail(scope, `it has other keys and values than the first attention on state ${op.state}`);
  }
}

function verifyParams(params: readonly Param[], place: string): void {
  const names = new Set<string>();
  for (const { name, shape } of params) {
    for (const size of shape) checkSize(`a size of ${name}`, size, place, null);
    if (names.has(name)) throw new LamellaError('L114', { name }, { place });
    names.add(name);
  }
}

function verifyOrder(scope: Scope, index: number): void {
  const { graph, body, node } = scope;
  if (node.id !== index) fail(scope, `it is node ${index} of its body`);
  for (const id of operands(node.op)) {
    if (!Number.isInteger(id) || id < 0 || id >= index) fail(scope, `it reads %${id}, which is not an earlier value`);
  }
  const start = body === graph.root ? 'tokens' : 'input';
  const isStart = node.op.kind === 'tokens' || node.op.kind === 'input';
  if (isStart ? node.op.kind !== start || index !== 0 : index === 0) {
    fail(scope, `a ${start === 'tokens' ? 'model' : 'block'} starts with its ${start}, and nothing else does`);
  }
  if (node.op.kind !== 'tokens' && !(node.axes.length === 2 && sameAxes(node.axes.slice(0, 1), [graph.tokens]))) {
    fail(scope, `its axes are ${axesText(node.axes)}, not [${axisText(graph.tokens)}, features]`);
  }
}

/**
 * Checks the operands of `scope.node` and returns the axes that its result must have. Where the
 * operation fixes only a size, the axis keeps the author's name.
 */
function resultAxes(scope: Scope): readonly Axis[] {
  const { graph, node } = scope;
  const { op } = node;
  switch (op.kind) {
    case 'tokens':
      return [graph.tokens];
    case 'input':
      return node.axes;
    case 'embed': {
      if (valueAt(scope, op.ids).op.kind !== 'tokens') fail(scope, `it looks up %${op.ids}, which holds no token ids`);
      const [rows, width] = param(scope, op.table, ['table']).shape;
      if (rows !== graph.vocab) fail(scope, `its table has ${rows} rows for a vocabulary of ${graph.vocab}`);
      return ofSize(scope, width!);
    }
    case 'linear': {
      const weight = param(scope, op.weight, ['matrix', 'table']);
      const [out, width] = weight.shape;
      expectFeatures(scope, op.x, width!, `the inputs of ${weight.name} ${shapeText(weight.shape)}`);
      if (op.bias !== null) {
        const bias = param(scope, op.bias, ['bias']);
        if (bias.shape[0] !== out) fail(scope, `${bias.name} has ${bias.shape[0]} elements for ${out} outputs`);
      }
      return ofSize(scope, out!);
    }
    case 'rmsNorm': {
      checkSize('heads', op.heads, scope.place, node.site);
      if (op.gain === null) {
        const width = features(valueAt(scope, op.x));
        if (width % op.heads !== 0) fail(scope, `%${op.x} has ${width} features for ${op.heads} heads`);
      } else {
        const gain = param(scope, op.gain, ['gain']);
        const each = op.heads > 1 ? ` in each of ${op.heads} heads` : '';
        expectFeatures(scope, op.x, gain.shape[0]! * op.heads, `one feature for each gain of ${gain.name}${each}`);
      }
      if (!isPositiveF32(op.eps)) throw new LamellaError('L117', { value: op.eps }, where(scope));
      return axesOf(scope, op.x);
    }
    case 'layerNorm': {
      const gain = param(scope, op.gain, ['gain']);
      expectFeatures(scope, op.x, gain.shape[0]!, `one feature for each gain of ${gain.name}`);
      if (op.bias !== null) {
        const bias = param(scope, op.bias, ['bias']);
        expectFeatures(scope, op.x, bias.shape[0]!, `one feature for each bias of ${bias.name}`);
      }
      if (!isPositiveF32(op.eps)) throw new LamellaError('L117', { value: op.eps }, where(scope));
      return axesOf(scope, op.x);
    }
    case 'positions': {
      const [rows, width] = param(scope, op.table, ['table']).shape;
      if (rows! < graph.tokens.size) fail(scope, `its table has ${rows} rows for a context of ${graph.tokens.size}`);
      return ofSize(scope, width!);
    }
    case 'rope': {
      checkSize('heads', op.heads, scope.place, node.site);
      checkSize('headDim', op.headDim, scope.place, node.site);
      checkRope(op.rope, op.headDim, where(scope));
      expectFeatures(scope, op.x, op.heads * op.headDim, `heads * headDim = ${op.heads} * ${op.headDim}`);
      return axesOf(scope, op.x);
    }
    case 'causalConv': {
      requireExecution(scope);
      const weight = param(scope, op.weight, ['filter']);
      expectFeatures(scope, op.x, weight.shape[0]!, `one feature for each filter of ${weight.name}`);
      if (op.bias !== null) {
        const bias = param(scope, op.bias, ['bias']);
        expectFeatures(scope, op.x, bias.shape[0]!, `one feature for each bias of ${bias.name}`);
      }
      return axesOf(scope, op.x);
    }
    case 'attention': {
      requireExecution(scope);
      const { heads, kvHeads, headDim } = op;
      for (const [name, size] of Object.entries({ heads, kvHeads, headDim }))
        checkSize(name, size, scope.place, node.site);
      if (heads % kvHeads !== 0) {
        let suggestion = Math.min(kvHeads, heads);
        while (heads % suggestion !== 0) suggestion--;
        throw new LamellaError('L104', { heads, kvHeads, suggestion }, where(scope));
      }
      expectFeatures(scope, op.q, heads * headDim, `heads * headDim = ${heads} * ${headDim}`);
      for (const appended of [op.k, op.v]) {
        if (appended === null) continue;
        expectFeatures(scope, appended, kvHeads * headDim, `kvHeads * headDim = ${kvHeads} * ${headDim}`);
      }
      if (op.window !== null) checkSize('window', op.window, scope.place, node.site);
      for (const [name, value] of Object.entries({ scale: op.scale, softcap: op.softcap ?? 1 })) {
        if (!isPositiveF32(value)) throw new LamellaError('L150', { name, value, example: '0.5' }, where(scope));
      }
      return ofSize(scope, heads * headDim);
    }
    case 'scale':
      if (!isF32(op.by)) throw new LamellaError('L121', { by: op.by }, where(scope));
      return featureAxes(scope, op.x);
    case 'map': {
      const { arity } = functionOf(op.fn);
      if (op.args.length !== arity) fail(scope, `${op.fn} takes ${arity} values, not ${op.args.length}`);
      const axes = featureAxes(scope, op.args[0]!);
      for (const other of op.args.slice(1)) expectAxes(scope, other, axes);
      return axes;
    }
    case 'stack': {
      if (scope.body !== graph.root) fail(scope, 'a block cannot run a stack');
      const stack = graph.stacks[op.stack];
      if (!stack) fail(scope, `stack ${op.stack} does not exist`);
      for (const { kind } of stack.weightSets) expectAxes(scope, op.x, graph.kinds[kind]!.body.nodes[0]!.axes);
      return axesOf(scope, op.x);
    }
    default:
      return op satisfies never;
  }
}

/** Throws L116 in the root body, which has no state. */
function requireExecution(scope: Scope): void {
  if (scope.body !== scope.graph.root) return;
  const reason = 'state belongs to an execution, and the model itself is not one';
  throw new LamellaError('L116', { op: scope.node.op.kind, reason, remedy: 'stack(1, block)' }, where(scope));
}

/** The parameter `id`, which must exist and have one of `roles`. */
function param(scope: Scope, id: number, roles: readonly Param['role'][]): Param {
  const found = scope.body.params[id];
  if (!found) fail(scope, `it uses parameter ${id}, which does not exist`);
  if (!roles.includes(found.role)) fail(scope, `${found.name} is a ${found.role}, not a ${roles.join(' or a ')}`);
  if (found.shape.length !== rankOf[found.role]) fail(scope, `${found.name} has the shape ${shapeText(found.shape)}`);
  return found;
}

function valueAt(scope: Scope, id: ValueId): Node {
  return scope.body.nodes[id]!;
}

function axesOf(scope: Scope, id: ValueId): readonly Axis[] {
  return valueAt(scope, id).axes;
}

/** The axes of a value [t, features]; throws for token ids, which have no features. */
function featureAxes(scope: Scope, id: ValueId): readonly Axis[] {
  const axes = axesOf(scope, id);
  if (axes.length !== 2) fail(scope, `it reads %${id}, which has no features`);
  return axes;
}

/**
 * [t, features], where the operation fixes the number of features and the author chose the name.
 */
function ofSize({ graph, node }: Scope, size: number): readonly Axis[] {
  return [graph.tokens, { name: node.axes[1]!.name, size }];
}

function expectFeatures(scope: Scope, id: ValueId, size: number, meaning: string): void {
  featureAxes(scope, id);
  const node = valueAt(scope, id);
  if (features(node) === size) return;
  const expected = `${size}, ${meaning}`;
  const args = { got: axisText(node.axes.at(-1)!), expected, remedy: `a value with ${size} features` };
  throw new LamellaError('L101', args, where(scope));
}

function expectAxes(scope: Scope, id: ValueId, axes: readonly Axis[]): void {
  const got = featureAxes(scope, id);
  if (sameAxes(got, axes)) return;
  const args = { got: axisText(got[1]!), expected: axisText(axes[1]!), remedy: `a value with axes ${axesText(axes)}` };
  throw new LamellaError('L101', args, where(scope));
}

function where({ place, node }: Scope): { place: string; site: Site | null } {
  return { place, site: node.site };
}

function fail(scope: Scope, reason: string): never {
  illFormed(`%${scope.node.id} = ${operationName(scope.node.op)}: ${reason}`, scope.place, scope.node.site);
}

/** Throws L115: a graph that no trace should produce. */
export function illFormed(reason: string, place: string, site: Site | null): never {
  throw new LamellaError('L115', { reason }, { place, site });
}

/** Throws L102 unless `value` is a whole number of at least 1. */
export function checkSize(name: string, value: number, place: string, site: Site | null): void {
  if (!Number.isInteger(value) || value < 1) throw new LamellaError('L102', { name, value }, { place, site });
}

export function sameAxes(a: readonly Axis[], b: readonly Axis[]): boolean {
  return a.length === b.length && a.every((axis, i) => axis.name === b[i]!.name && axis.size === b[i]!.size);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
