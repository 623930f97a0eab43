/**
 * The result of fusion's step 2 while it is built: operations, the values that they write, packs of
 * weights and parts of the state. `emit.ts` and `emit-heads.ts` add to it.
 */
import { distinct } from '@lamella/graph/distinct';
import { features, type Node, type Rope, type ValueId } from '@lamella/graph/ir';
import type { BufferId, ElementExpr, FusedOp, RopeTable, StatePart } from '../program/ir.ts';
import { PackTable } from '../program/pack-table.ts';
import type { RowMap } from '../program/packs.ts';
import { padded } from '../program/packs.ts';
import type { BodyView } from './body-view.ts';

/** A value before it has a buffer. */
export interface Value {
  readonly name: string;
  readonly features: number;
  /** Features with padding, so that kernels can compute 4 or 16 at a time. */
  readonly width: number;
  /** Whether it may reuse the buffer of an operand or of the residual stream. */
  readonly isMovable: boolean;
}

/** Shared by all kinds: RoPE tables, and the sizes of the vocabulary and of the context. */
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

  /**
   * The operations with unique names, because kernels are named after them: with two attentions in
   * a block, the second `o_proj` becomes `o_proj_2`.
   */
  get ops(): readonly FusedOp[] {
    const taken = new Set<string>();
    return this.#ops.map((op) => ({ ...op, name: distinct(op.name, taken) }));
  }

  /** A value in attention's layout: queries, or attention's result. */
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

  /** Makes an existing value the value of node `v`. */
  bind(v: ValueId, value: BufferId): void {
    this.#valueOf.set(v, value);
  }

  /** The index of a rotary embedding's table; all kinds share equal tables. */
  angles({ theta, dims, scaling }: Rope, headDim: number): number {
    const { ropeTables } = this.common;
    const stride = padded(headDim / 2, 4);
    const table: RopeTable = { theta, scaling: scaling ?? null, dims: dims ?? headDim, headDim, stride };
    const at = ropeTables.findIndex((t) => JSON.stringify(t) === JSON.stringify(table));
    return at >= 0 ? at : ropeTables.push(table) - 1;
  }

  /** A dot product plus the bias of its rows, if there is one. */
  biased(stream: number, bias: number | null, rows: RowMap): ElementExpr {
    const dot: ElementExpr = { kind: 'dot', stream };
    if (bias === null) return dot;
    return { kind: 'apply', fn: 'add', args: [dot, { kind: 'vector', pack: this.tensors.vector(bias, rows) }] };
  }
}
