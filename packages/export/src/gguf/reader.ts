/**
 * Reads the body of a block or of the model backwards from its result. A node that does not fit is
 * refused (L306) at its place, with the operation that llama.cpp has there.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { FunctionName } from '@lamella/graph/functions';
import { type Body, type Node, type Op, operationName, type ValueId } from '@lamella/graph/ir';

type Kind = Op['kind'];
export interface NodeOf<K extends Kind> extends Node {
  readonly op: Extract<Op, { readonly kind: K }>;
}

/** The remedy for a graph that no architecture computes. */
export const toPyTorch = 'a block like those of graphs/families, or export to PyTorch';

export class Reader {
  readonly name: string;
  readonly body: Body;

  constructor(name: string, body: Body) {
    this.name = name;
    this.body = body;
  }

  node(value: ValueId): Node {
    const node = this.body.nodes[value];
    if (!node) throw new Error(`${this.name} has no value ${value}`);
    return node;
  }

  /** The node if it is of this kind; otherwise null. */
  when<K extends Kind>(value: ValueId, kind: K): NodeOf<K> | null {
    const node = this.node(value);
    return node.op.kind === kind ? (node as NodeOf<K>) : null;
  }

  want<K extends Kind>(value: ValueId, kind: K, part: string): NodeOf<K> {
    return this.when(value, kind) ?? this.refuseOther(value, kind, part);
  }

  /** The arguments of an element-wise function; null for another operation. */
  args(value: ValueId, fn: FunctionName): readonly ValueId[] | null {
    const { op } = this.node(value);
    return op.kind === 'map' && op.fn === fn ? op.args : null;
  }

  /** The value `skip` and what is added to it, if this is a sum of the stream and a branch. */
  sum(value: ValueId, part: string): { readonly skip: ValueId; readonly branch: ValueId } {
    const [a, b] = this.args(value, 'add') ?? this.refuseOther(value, 'add', part);
    const isStream = (each: ValueId) => this.when(each, 'input') !== null || this.args(each, 'add') !== null;
    return isStream(a!) ? { skip: a!, branch: b! } : { skip: b!, branch: a! };
  }

  /** The one value that all these linears read. */
  sameInput(linears: readonly NodeOf<'linear'>[]): ValueId {
    const [first, ...rest] = linears;
    for (const node of rest) {
      if (node.op.x !== first!.op.x) this.refuse(node, 'it reads another value than its siblings', toPyTorch);
    }
    return first!.op.x;
  }

  refuseOther(value: ValueId, wanted: string, part: string): never {
    const node = this.node(value);
    return this.refuse(node, `${part} is ${operationName(node.op)} where llama.cpp has ${wanted}`, toPyTorch);
  }

  refuse(node: Node, reason: string, remedy: string): never {
    const place = [this.name, node.path].filter(Boolean).join('.');
    throw new LamellaError('L306', { what: 'the model', reason, remedy }, { place, site: node.site });
  }
}
