/**
 * What fusion's second step has emitted so far: operations, the virtual values they write, packs of weights, parts of the
 * state. Every rule of `emit.ts` and `emit-heads.ts` writes into one of these.
 */
import { distinct } from '@lamella/graph/distinct';
import { features, type Node, type Rope, type ValueId } from '@lamella/graph/ir';
import type { BufferId, ElementExpr, FusedOp, RopeTable, RowMap, StatePart } from '../program/ir.ts';
import { padded } from '../program/ir.ts';
import { PackTable } from '../program/pack-table.ts';
import type { BodyView } from './body-view.ts';

/** A value before it has a buffer. */
export interface Value {
  readonly name: string;
  readonly features: number;
  /** Features with room to compute them four and sixteen at a time. */
  readonly width: number;
  /** Whether it may lie where an operand that dies, or the residual stream, lay. */
  readonly isMovable: boolean;
}

/** What kinds have in common: angles, and how many token ids and positions there are. */
export interface Common {
  readonly vocab: number;
  readonly context: number;
  readonly ropeTables: RopeTable[];
}

type Unscratched<T> = T extends unknown ? Omit<T, 'scratch'> : never;

export class Draft {
  readonly view: BodyView;
  readonly common: Common;
  readonly tensors: PackTable;
  readonly state: StatePart[];
  readonly values: Value[] = [];
  readonly #ops: FusedOp[] = [];
  /** The value of each node that has one. */
  readonly #valueOf = new Map<ValueId, BufferId>();

  constructor(view: BodyView, common: Common, filled: readonly StatePart[]) {
    this.view = view;
    this.common = common;
    this.tensors = new PackTable(view.body.params);
    this.state = [...filled];
  }

  push(op: Unscratched<FusedOp>): void {
    this.#ops.push({ ...op, scratch: {} });
  }

  /** The operations, each under a name of its own. Two attentions of a block each have an `o_proj`: the second is `o_proj_2`. */
  get ops(): readonly FusedOp[] {
    const taken = new Set<string>();
    return this.#ops.map((op) => ({ ...op, name: distinct(op.name, taken) }));
  }

  /** Heads: where queries lie, or what attention leaves. */
  headsValue(name: string, features: number): BufferId {
    return this.values.push({ name, features, width: features, isMovable: false }) - 1;
  }

  valueOfNode(node: Node): BufferId {
    const width = padded(features(node), 16);
    const value = { name: this.view.nameOf(node), features: features(node), width, isMovable: true };
    this.#valueOf.set(node.id, this.values.push(value) - 1);
    return this.values.length - 1;
  }

  valueAt(v: ValueId): BufferId {
    const value = this.#valueOf.get(v);
    if (value === undefined) throw new Error(`value ${v} is not ready`);
    return value;
  }

  /** The value of a node, if it has one. */
  existing(v: ValueId): BufferId | undefined {
    return this.#valueOf.get(v);
  }

  /** A node's value is one that stands already. */
  bind(v: ValueId, value: BufferId): void {
    this.#valueOf.set(v, value);
  }

  /** The table of angles of a RoPE, made once for all kinds. */
  angles({ theta, dims, scaling }: Rope, headDim: number): number {
    const { ropeTables } = this.common;
    const stride = padded(headDim / 2, 4);
    const table: RopeTable = { theta, scaling: scaling ?? null, dims: dims ?? headDim, headDim, stride };
    const at = ropeTables.findIndex((t) => JSON.stringify(t) === JSON.stringify(table));
    return at >= 0 ? at : ropeTables.push(table) - 1;
  }

  /** A dot product with the bias of its rows. */
  biased(stream: number, bias: number | null, rows: RowMap): ElementExpr {
    const dot: ElementExpr = { kind: 'dot', stream };
    if (bias === null) return dot;
    return { kind: 'apply', fn: 'add', args: [dot, { kind: 'vector', pack: this.tensors.vector(bias, rows) }] };
  }
}
