/**
 * What the schedules of every target share: the buffers of one kernel with their addresses, the row
 * of each token, and the lowering of element-wise expression trees to loop IR, for one lane or
 * four.
 *
 * Every operation has two lowerings. `decode` runs one token (for the `end` kind: row `row` of the
 * last tile), `prefill` runs the `count` tokens of a tile.
 */

import type { Activations, Format, MatrixShape } from '../formats/format.ts';
import { type KvFormat, type KvShape, kvShape } from '../formats/kv.ts';
import { formats, kvFormats } from '../formats/table.ts';
import {
  apply,
  argument,
  Builder,
  constant,
  type Index,
  index,
  load,
  type Names,
  plus,
  quotient,
  remainder,
  scalarArguments,
  times,
} from '../loops/build.ts';
import { builders } from '../loops/functions.ts';
import type { Expr, Kernel, KernelBuffer } from '../loops/ir.ts';
import type { Plan } from '../plan/plan.ts';
import type { BufferId, Destination, ElementExpr, Kind, RowOrder, Scratch } from '../program/ir.ts';
import { positionsOf } from '../program/ir.ts';
import type { Pack, PackId } from '../program/packs.ts';
import { packRows, packShape, storedRows } from '../program/packs.ts';

export type Lowering = 'decode' | 'prefill';

/** A value at one feature (f32), or at four features from there on (f32x4). */
export type Value = (b: Builder, feature: Index, type: 'f32' | 'f32x4') => Expr;

/**
 * The kernels of one kind, in the order they run. The end has no prefill: logits are computed for
 * single tokens only.
 */
export interface KindKernels {
  readonly kind: Kind;
  readonly decode: readonly Kernel[];
  readonly prefill: readonly Kernel[];
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Builds one kernel: collects the buffers it uses while the schedule writes its body. */
export class KernelScope {
  readonly plan: Plan;
  readonly kind: Kind;
  readonly lowering: Lowering;
  readonly b = new Builder();
  readonly #buffers = new Map<string, Mutable<KernelBuffer>>();
  readonly #scalars = new Set<string>();

  constructor(plan: Plan, kind: Kind, lowering: Lowering) {
    this.plan = plan;
    this.kind = kind;
    this.lowering = lowering;
  }

  kernel(name: string): Kernel {
    return {
      name: `${this.kind.name}.${name}.${this.lowering}`,
      scalars: scalarArguments.filter((s) => this.#scalars.has(s)),
      buffers: [...this.#buffers.values()],
      body: this.b.statements,
    };
  }

  scalar(name: 'position' | 'count' | 'row' | 'thread'): Expr {
    this.#scalars.add(name);
    return argument(name);
  }

  /**
   * Whether this token of a group belongs to the tile: the last group may reach past the tile's
   * end.
   */
  isToken(token: Index): Expr {
    return apply('less', index(token), this.scalar('count'));
  }

  /** Absolute position of a token of this step. */
  position(token: Index): Expr {
    return plus(this.scalar('position'), token);
  }

  /** The row of a table for a token: its id, or its position. */
  tableRow(by: 'token' | 'position'): (token: Index) => Expr {
    if (by === 'position') return (token) => this.position(token);
    const ids = this.tokens();
    return (token) => load(ids, token, 'i32');
  }

  // ---- buffers

  protected use(buffer: KernelBuffer): KernelBuffer {
    const known = this.#buffers.get(buffer.name);
    if (!known) this.#buffers.set(buffer.name, { ...buffer });
    else {
      if (known.access !== buffer.access) known.access = 'readwrite';
      // segments share one piece of workgroup memory, which must fit the largest of them
      known.length = Math.max(known.length, buffer.length);
    }
    return buffer;
  }

  /** A buffer of the arena. Codes are read and written as words of four. */
  arena(id: BufferId, access: 'read' | 'write'): KernelBuffer {
    const buffer = this.plan.program.buffers[id]!;
    const { rows } = buffer;
    const words = buffer.element === 'codes' ? buffer.width / 4 : buffer.width;
    const shape = `[${rows}, ${buffer.width}]`;
    return this.use({
      name: buffer.name,
      element: buffer.element === 'f32' ? 'f32' : 'i32',
      address: { kind: 'memory', offset: this.plan.bufferAddress[id]! },
      length: rows * words,
      access,
      note: { f32: shape, codes: `${shape} int8, four a word`, sums: `${shape} sums of codes` }[buffer.element],
    });
  }

  #isCarried(id: BufferId): boolean {
    return this.plan.program.carried.includes(id);
  }

  width(id: BufferId): number {
    return this.plan.program.buffers[id]!.width;
  }

  /**
   * The row of a buffer that holds a token. The end reads row `row`, where earlier kinds stored
   * their result.
   */
  bufferRow(id: BufferId, token: Index): Index {
    return this.kind.role === 'end' && this.#isCarried(id) ? plus(this.scalar('row'), token) : token;
  }

  /**
   * The activations for `Format.dot`: the codes in the contraction's scratch if it has any,
   * otherwise x.
   */
  activations(x: BufferId, { codes, scales, sums }: Scratch): Activations {
    if (codes === undefined || scales === undefined)
      return { values: this.arena(x, 'read'), stride: this.width(x), scales: null, sums: null, groups: 0 };
    return {
      values: this.arena(codes, 'read'),
      stride: this.width(codes),
      scales: this.arena(scales, 'read'),
      sums: sums === undefined ? null : this.arena(sums, 'read'),
      groups: this.width(scales),
    };
  }

  /** A stored matrix: its format, the format's views and its shape. */
  matrix(id: PackId): {
    readonly format: Format;
    readonly views: readonly KernelBuffer[];
    readonly shape: MatrixShape;
  } {
    const pack = this.kind.packs[id]!;
    const format = formats[pack.format];
    const shape = packShape(pack);
    const address = { kind: 'weights', group: pack.group, offset: pack.offset } as const;
    const views = format.views(partName(this.kind, pack), address, packRows(pack), shape);
    return { format, views: views.map((v) => this.use(v)), shape };
  }

  vector(id: PackId): KernelBuffer {
    const pack = this.kind.packs[id]!;
    return this.use({
      name: partName(this.kind, pack),
      element: 'f32',
      address: { kind: 'weights', group: pack.group, offset: pack.offset },
      length: packRows(pack),
      access: 'read',
      note: `[${storedRows(pack.rows)}]`,
    });
  }

  /** Keys or values of this execution: their format, the format's views and their shape. */
  state(
    part: number,
    access: 'read' | 'write',
  ): { readonly format: KvFormat; readonly views: readonly KernelBuffer[]; readonly shape: KvShape } {
    const stored = this.kind.state[part]!;
    const format = kvFormats[stored.format];
    const shape = kvShape(stored, this.plan.program);
    const views = format.views(stored.name, { kind: 'state', offset: stored.offset }, shape, access);
    return { format, views: views.map((view) => this.use(view)), shape };
  }

  /** The position of a state part where the keys or values of a token are stored. */
  statePosition(part: number, token: Index): Expr {
    return this.inState(part, this.position(token));
  }

  /** Where a position is stored in a state part: in a ring, modulo its length. */
  inState(part: number, position: Expr): Expr {
    const { program } = this.plan;
    const positions = positionsOf(this.kind.state[part]!, program);
    return positions < program.context ? remainder(position, positions) : position;
  }

  tokens(access: 'read' | 'write' = 'read'): KernelBuffer {
    const { offset, bytes } = this.plan.memory.tokens;
    return this.use({
      name: 'tokens',
      element: 'i32',
      address: { kind: 'memory', offset },
      length: bytes / 4,
      access,
      note: 'ids',
    });
  }

  logits(access: 'read' | 'write'): KernelBuffer {
    const { offset, bytes } = this.plan.memory.logits;
    const note = `[${this.plan.program.vocab}]`;
    return this.use({
      name: 'logits',
      element: 'f32',
      address: { kind: 'memory', offset },
      length: bytes / 4,
      access,
      note,
    });
  }

  /** The values of `token` in a buffer. */
  value(id: BufferId, token: Index): Value {
    const row = times(this.bufferRow(id, token), this.width(id));
    return (_, feature, type) => load(this.arena(id, 'read'), plus(row, feature), type);
  }

  // ---- element-wise maths

  /** Lowers an expression tree to loop IR at `feature` of `token`, over one lane or four. */
  element(
    b: Builder,
    names: Names,
    e: ElementExpr,
    type: 'f32' | 'f32x4',
    token: Index,
    feature: Index,
    dot: (stream: number) => Expr,
  ): Expr {
    const inner = (x: ElementExpr) => this.element(b, names, x, type, token, feature, dot);
    switch (e.kind) {
      case 'dot':
        return dot(e.stream);
      case 'constant':
        return constant(type, e.value);
      case 'buffer':
        return this.value(e.buffer, token)(b, feature, type);
      case 'vector':
        return load(this.vector(e.pack), feature, type);
      case 'rope': {
        const { stride } = this.plan.program.ropeTables[e.table]!;
        const { context } = this.plan.program;
        const size = context * stride;
        const table = this.use({
          name: `${e.part}${e.table}`,
          element: 'f32',
          address: { kind: 'memory', offset: this.plan.ropeAddress[e.table]! + (e.part === 'sin' ? size * 4 : 0) },
          length: size,
          access: 'read',
          note: `[${context}, ${stride}]`,
        });
        const inHead = names.let('inHead', remainder(feature, e.half));
        const angle = names.let('angle', plus(times(this.position(token), stride), inHead));
        return names.let(e.part, load(table, angle, type));
      }
      case 'apply': {
        const [x, y] = e.args.map(inner) as [Expr, Expr];
        return builders[e.fn](b, x, y);
      }
      default:
        return e satisfies never;
    }
  }

  /** Stores four rows of a result at their destination. */
  storeRows(b: Builder, names: Names, to: Destination, token: Index, row: Index, value: Expr): void {
    switch (to.kind) {
      case 'logits':
        b.store(this.logits('write'), row, value);
        return;
      case 'buffer': {
        const at = plus(
          times(this.bufferRow(to.buffer, token), this.width(to.buffer)),
          rowOffset(names, to.order, row, null),
        );
        b.store(this.arena(to.buffer, 'write'), at, value);
        return;
      }
      case 'state': {
        const { views, shape } = this.state(to.part, 'write');
        const perHead = shape.positions * shape.stride;
        const at = plus(
          times(this.statePosition(to.part, token), shape.stride),
          rowOffset(names, to.order, row, perHead),
        );
        b.store(views[0]!, at, value);
        return;
      }
      default:
        to satisfies never;
    }
  }
}

/**
 * The name of a stored tensor in kernels. A tensor stored in several layouts has one name per
 * layout.
 */
export function partName({ packs }: Kind, pack: Pack): string {
  const name = ({ name, rows }: Pack): string =>
    rows.kind === 'half' ? `${name}.${rows.which}` : rows.kind === 'column' ? `${name}.${rows.column}` : name;
  const before = packs.slice(0, packs.indexOf(pack)).filter((other) => name(other) === name(pack)).length;
  return before === 0 ? name(pack) : `${name(pack)}.layout${before + 1}`;
}

/**
 * Offset of row r: r itself, or its place inside its head. `perHead` is the distance between heads
 * where it differs from their stride.
 */
function rowOffset(names: Names, order: RowOrder, row: Index, perHead: number | null): Expr {
  if (order.kind === 'same') return plus(row, 0);
  const head = names.let('head', times(quotient(row, order.half), perHead ?? order.stride));
  return plus(plus(head, names.let('inHead', remainder(row, order.half))), order.plane * order.half);
}

/** Where a token's result begins: in a row of a buffer, or in the logits. */
export function resultRow(
  scope: KernelScope,
  b: Builder,
  out: BufferId | null,
  token: Index,
): { readonly buffer: KernelBuffer; readonly row: Index } {
  if (out === null) return { buffer: scope.logits('write'), row: 0 };
  return {
    buffer: scope.arena(out, 'write'),
    row: b.let('outRow', times(scope.bufferRow(out, token), scope.width(out))),
  };
}
