/**
 * Pass 1: one table of rows. The root's nodes before the first stack, between stacks and after the
 * last one become kinds of their own. A step is then a pass over rows, and weight sharing in any
 * order is only a matter of the rows' addresses.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { distinct } from '@lamella/graph/distinct';
import {
  type Body,
  type Graph,
  type Node,
  operands,
  operationName,
  type ParamId,
  type ValueId,
  type WeightId,
} from '@lamella/graph/ir';
import { readingBody } from '@lamella/graph/reading';
import { renumbered } from '@lamella/graph/renumber';
import { statesOf } from '@lamella/graph/verify';
import { BETWEEN, type Kind, type Row } from './program/ir.ts';

/** A kind before fusion. */
export interface SharedKind {
  readonly name: string;
  readonly role: Kind['role'];
  readonly body: Body;
  /** The body in the graph. `body` is the same, or that body without its unused operations. */
  readonly of: Body;
  /** The kind that writes the state that this one reads; null if it writes its own or has none. */
  readonly reads: number | null;
}

export interface Shared {
  readonly graph: Graph;
  readonly kinds: readonly SharedKind[];
  readonly rows: readonly Row[];
}

/**
 * Cuts the root at its stacks. Throws L116 if more values than the residual stream cross a cut, and
 * L109 if the model has no head.
 */
export function share(graph: Graph): Shared {
  const { root } = graph;
  const needed = neededFor(root);
  const stackNodes = root.nodes.filter((n) => n.op.kind === 'stack');
  const kinds: SharedKind[] = [];
  // a stack may be called `start` as well
  const names = new Set(graph.kinds.map((kind) => kind.name));
  const rows: Row[] = [];

  let from = 0;
  let carried: ValueId | null = null;
  for (const [i, node] of stackNodes.entries()) {
    if (node.op.kind !== 'stack') continue;
    if (!needed.has(node.id)) throw unused(node);
    if (node.id > from || carried === null) {
      const cut = cutBody(graph, needed, from, node.id, carried, node.op.x);
      if (cut) {
        // a model that runs stacks in a loop has equal nodes between the runs: they are one kind
        let at = kinds.findIndex(({ name, body }) => name.startsWith(BETWEEN) && doSame(body, cut.body));
        if (at < 0) {
          const name = distinct(i === 0 ? 'start' : `${BETWEEN}${i}`, names);
          at = kinds.push({ name, role: i === 0 ? 'start' : 'block', of: cut.body, body: cut.body, reads: null }) - 1;
        }
        rows.push({ kind: at, weights: cut.weights, slot: null });
      }
    }
    const stack = graph.stacks[node.op.stack]!;
    for (const { weightSet, slot, reads = false } of stack.executions) {
      const set = stack.weightSets[weightSet]!;
      const { name, body } = graph.kinds[set.kind]!;
      if (!reads) {
        let at = kinds.findIndex((k) => k.of === body && k.reads === null);
        if (at < 0) at = kinds.push({ name, role: 'block', of: body, body, reads: null }) - 1;
        rows.push({ kind: at, weights: set.weights, slot: hasState(body) ? slot : null });
        continue;
      }
      const source = rows.find((row) => row.slot === slot)!.kind;
      const left = readingBody(body);
      let at = kinds.findIndex((k) => k.of === body && k.reads === source);
      if (at < 0) {
        const own = statesOf(body).every(({ k }) => k === null) ? name : distinct(`${name}_reading`, names);
        at = kinds.push({ name: own, role: 'block', of: body, body: left.body, reads: source }) - 1;
      }
      rows.push({ kind: at, weights: left.params.map((p) => set.weights[p]!), slot });
    }
    carried = node.id;
    from = node.id + 1;
  }
  if (carried === null) {
    throw new LamellaError('L116', {
      op: 'a model without a stack',
      reason: 'there is nothing to run between the embedding and the head',
      remedy: 'stack(n, block) with the blocks of the model',
    });
  }
  const end = cutBody(graph, needed, from, root.nodes.length, carried, root.result);
  if (!end) throw headless(graph, root.nodes[carried]!);
  const placed = end.body.nodes.find(({ op }) => op.kind === 'rope' || op.kind === 'positions');
  if (placed) throw unplaced(placed);
  kinds.push({ name: distinct('end', names), role: 'end', of: end.body, body: end.body, reads: null });
  rows.push({ kind: kinds.length - 1, weights: end.weights, slot: null });
  return { graph, kinds, rows };
}

/** Whether two bodies are equal apart from their places in the author's file. */
function doSame(a: Body, b: Body): boolean {
  const key = ({ params, nodes, result }: Body): string =>
    JSON.stringify([params, nodes.map(({ op, axes, path }) => [op, axes, path]), result]);
  return key(a) === key(b);
}

function hasState(body: Body): boolean {
  return body.nodes.some(({ op }) => op.kind === 'attention' || op.kind === 'causalConv');
}

/**
 * The error for a model without a head. Its axes alone do not show it if the vocabulary is as large
 * as the width.
 */
function headless({ name: place }: Graph, { path, site }: Node): LamellaError {
  const remedy = 'embedding.logits(x), or a linear to the vocabulary axis';
  return new LamellaError('L109', { got: `the result of ${path}`, remedy }, { place, site });
}

function beside({ op, path, site }: Node): LamellaError {
  const reason = "it reads a value from before a stack besides the stack's result";
  const remedy = 'carrying it through the residual stream';
  return new LamellaError('L116', { op: operationName(op), reason, remedy }, { place: path, site });
}

/** The end runs for one token of a tile and does not receive its position. */
function unplaced({ op, path, site }: Node): LamellaError {
  const reason = 'positions are not available after the last stack';
  const remedy = 'using positions before a stack, or inside its block';
  return new LamellaError('L116', { op: operationName(op), reason, remedy }, { place: path, site });
}

function unused({ path, site }: Node): LamellaError {
  const reason = 'its result is never used';
  const remedy = 'using its result, as in m.norm(m.layers(x)), or leaving the call out';
  return new LamellaError('L116', { op: 'stack', reason, remedy }, { place: path, site });
}

/**
 * The `needed` root nodes in [from, to) as a body; `carried` becomes its input. Null if there are
 * none.
 */
function cutBody(
  graph: Graph,
  needed: ReadonlySet<ValueId>,
  from: number,
  to: number,
  carried: ValueId | null,
  result: ValueId,
): { body: Body; weights: WeightId[] } | null {
  const { root, rootWeights } = graph;
  const nodes: Node[] = [];
  const params: ParamId[] = [];
  const ids = new Map<ValueId, ValueId>();
  if (carried !== null) {
    ids.set(carried, 0);
    nodes.push({ ...root.nodes[carried]!, id: 0, op: { kind: 'input' } });
  }
  const value = (v: ValueId, user: Node): ValueId => {
    const here = ids.get(v);
    if (here === undefined) {
      throw beside(user);
    }
    return here;
  };
  const param = (p: ParamId): ParamId => {
    const at = params.indexOf(p);
    return at >= 0 ? at : params.push(p) - 1;
  };
  for (const node of root.nodes.slice(from, to)) {
    if (!needed.has(node.id)) continue;
    const id = nodes.length;
    ids.set(node.id, id);
    if (['attention', 'causalConv', 'stack'].includes(node.op.kind)) throw stateless(node);
    nodes.push({ ...node, id, op: renumbered(node.op, (v) => value(v, node), param) });
  }
  if (nodes.length === (carried === null ? 0 : 1)) return null;
  const last = ids.get(result);
  if (last === undefined) throw beside(root.nodes[to] ?? root.nodes[result]!);
  const body: Body = { params: params.map((p) => root.params[p]!), nodes, result: last };
  return { body, weights: params.map((p) => rootWeights[p]!) };
}

function stateless({ op, path, site }: Node): LamellaError {
  const reason = 'attention keeps state, and state belongs to executions';
  const remedy = 'attention inside a block of a stack';
  return new LamellaError('L116', { op: op.kind, reason, remedy }, { place: path, site });
}

/**
 * The values that the result depends on. Unused values cause a warning (L128) and are not compiled.
 */
function neededFor({ nodes, result }: Body): ReadonlySet<ValueId> {
  const needed = new Set([result]);
  for (const { id, op } of nodes.toReversed()) if (needed.has(id)) for (const v of operands(op)) needed.add(v);
  return needed;
}
