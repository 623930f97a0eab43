/** An index of a body for fusion: the nodes that read each value, and names. */
import { type Body, type Node, type Op, operands, operationName, type ValueId } from '@lamella/graph/ir';

export class BodyView {
  readonly body: Body;
  readonly #uses: ReadonlyMap<ValueId, readonly Node[]>;

  constructor(body: Body) {
    this.body = body;
    const uses = new Map<ValueId, Node[]>(body.nodes.map((n) => [n.id, []]));
    for (const node of body.nodes) for (const v of new Set(operands(node.op))) uses.get(v)!.push(node);
    this.#uses = uses;
  }

  usersOf(node: Node): readonly Node[] {
    return this.#uses.get(node.id) ?? [];
  }

  /** The only node that reads this value; null if several do or if it is the body's result. */
  onlyUser(node: Node): Node | null {
    const users = this.usersOf(node);
    return users.length === 1 && this.body.result !== node.id ? users[0]! : null;
  }

  linear(node: Node): Extract<Op, { kind: 'linear' }> {
    if (node.op.kind !== 'linear') throw new Error(`value ${node.id} is not a linear`);
    return node.op;
  }

  /** The name of a linear: `q_proj` for `self_attn.q_proj.weight`. */
  weightName(node: Node): string {
    const parts = this.body.params[this.linear(node).weight]!.name.split('.');
    return parts.at(-2) ?? parts[0]!;
  }

  nameOf(node: Node): string {
    const name = `${operationName(node.op)}${node.id}`;
    return node.path ? `${node.path}.${name}` : name;
  }
}
