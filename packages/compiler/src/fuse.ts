/**
 * Pass 2: what runs together. Linears over one x become one contraction; a norm in front of it becomes its prologue; element-wise
 * maths behind it (bias, RoPE, SwiGLU's product, the residual) its epilogue, an expression tree; keys and values are stored straight into
 * the state slot. A SwiGLU layer is then five operations: qkv, attention, o, gate-up, down. What does not fit is an operation of its own.
 *
 * RoPE turns into arithmetic on two streams: the first and second halves of all heads are stored as two interleaved matrices, so that a
 * rotated pair is computed in one place and no lane ever moves.
 */
import { distinct } from '@lamella/graph/distinct';
import { type Body, features, type Graph, type Node, type Op, type ValueId } from '@lamella/graph/ir';
import { BodyView } from './body-view.ts';
import type {
  Buffer,
  BufferId,
  ColumnMap,
  Destination,
  Element,
  FusedOp,
  Kind,
  Program,
  RopeTable,
  RowMap,
  Segment,
  StatePart,
} from './program/ir.ts';
import { padded, storedRows } from './program/ir.ts';
import { PackTable } from './program/pack-table.ts';
import type { Shared, SharedKind } from './share.ts';

/** Most tokens of one prefill step: enough to reuse a block's weights from cache, few enough to keep the arena small. */
const TILE = 96;

/** Fuses every kind. Formats are all f32 and offsets all zero until `quantise` and `plan` set them. */
export function fuse({ graph, kinds, rows }: Shared): Program {
  const shared = new SharedTables(graph);
  const fused = kinds.map((kind) => new KindFuser(kind, shared).fuse());
  return {
    name: graph.name,
    context: graph.tokens.size,
    vocab: graph.vocab,
    tile: shared.tile,
    buffers: shared.buffers,
    carried: [shared.stream],
    kinds: fused,
    rows,
    ropeTables: shared.ropeTables,
  };
}

/** What all kinds share: the residual stream, the list of buffers, the RoPE tables. */
class SharedTables {
  readonly graph: Graph;
  readonly buffers: Buffer[] = [];
  readonly ropeTables: RopeTable[] = [];
  private readonly names = new Set<string>();
  readonly tile: number;
  readonly stream: BufferId;

  constructor(graph: Graph) {
    this.graph = graph;
    this.tile = Math.min(TILE, padded(graph.tokens.size, 4));
    const widths = graph.root.nodes.filter((n) => n.op.op === 'stack' || n.op.op === 'embed').map(features);
    this.stream = this.buffer({ name: 'x', element: 'f32', width: padded(Math.max(...widths), 16), rows: this.tile });
  }

  /** A kernel knows its buffers by name. */
  buffer(buffer: Buffer): BufferId {
    return this.buffers.push({ ...buffer, name: distinct(buffer.name, this.names) }) - 1;
  }

  ropeTable(table: RopeTable): number {
    const at = this.ropeTables.findIndex((t) => t.theta === table.theta && t.headDim === table.headDim);
    return at >= 0 ? at : this.ropeTables.push(table) - 1;
  }
}

class KindFuser {
  private readonly kind: SharedKind;
  private readonly body: Body;
  private readonly shared: SharedTables;
  private readonly view: BodyView;
  private readonly tensors: PackTable;
  private readonly ops: FusedOp[] = [];
  private readonly state: StatePart[] = [];
  /** Where each finished value lies, and how its features are padded. */
  private readonly home = new Map<ValueId, { buffer: BufferId; layout: ColumnMap }>();
  /** Nodes that are computed, by an operation of their own or inside one. */
  private readonly done = new Set<ValueId>();
  /** `done` as it was when the operation being built began. */
  private doneBefore: ReadonlySet<ValueId> = new Set();

  constructor(kind: SharedKind, shared: SharedTables) {
    this.kind = kind;
    this.body = kind.body;
    this.shared = shared;
    this.view = new BodyView(kind.body, kind.name);
    this.tensors = new PackTable(kind.body.params);
  }

  fuse(): Kind {
    for (const node of this.body.nodes) {
      if (this.done.has(node.id)) continue;
      this.doneBefore = new Set(this.done);
      this.place(node);
    }
    if (this.kind.role !== 'end') this.returnStream();
    return {
      name: this.kind.name,
      role: this.kind.role,
      ops: distinctlyNamed(this.ops),
      packs: this.tensors.packs,
      groups: [],
      state: this.state,
      stateBytes: 0,
    };
  }

  private place(node: Node): void {
    const { op } = node;
    switch (op.op) {
      case 'tokens':
        break;
      case 'input':
        this.settle(node, this.shared.stream);
        break;
      case 'embed': {
        const { vocab } = this.shared.graph;
        const width = features(node);
        const table = this.tensors.matrix(
          op.table,
          { map: 'plain', rows: vocab },
          { map: 'plain', rows: width },
          false,
        );
        const out = this.result(node, width);
        this.ops.push({ op: 'embed', name: node.path || 'embed', scratch: {}, table, width, out });
        break;
      }
      case 'linear':
        this.contract(node, op.x);
        break;
      case 'rmsNorm': {
        // a norm that only linears read is their prologue
        if (this.isPrologue(node)) break;
        const width = features(node);
        const x = this.plainHome(op.x, node);
        const out = this.result(node, width);
        const gain = this.tensors.vector(op.gain, { map: 'plain', rows: width });
        this.ops.push({ op: 'normalise', name: this.view.nameOf(node), scratch: {}, x, gain, eps: op.eps, width, out });
        break;
      }
      case 'attention':
        this.attention(node, op);
        break;
      case 'silu':
      case 'add':
      case 'mul':
      case 'scale': {
        const value = this.element(node.id, []);
        const width = features(node);
        const out = this.result(node, width, { buffers: this.leaves(value), nodes: new Set([node.id]) });
        this.ops.push({ op: 'map', name: this.view.nameOf(node), scratch: {}, value, width, out });
        break;
      }
      case 'rope':
        throw this.view.refuse(
          node,
          'RoPE stands where no linear feeds it alone',
          'rotating the result of a linear, as gqa does',
        );
      case 'stack':
        throw this.view.refuse(node, 'a stack stands inside a block', 'the inner blocks in the outer stack');
      default:
        op satisfies never;
    }
  }

  // ---- contractions

  private contract(first: Node, x: ValueId): void {
    const group = this.body.nodes.filter((n) => n.op.op === 'linear' && n.op.x === x);
    const producer = this.body.nodes[x]!;
    const norm = producer.op.op === 'rmsNorm' && !this.home.has(x) ? producer.op : null;
    const source = this.home.get(norm ? norm.x : x);
    if (!source) throw this.view.refuse(first, 'its operand is not ready', 'computing it before');
    if (norm && source.layout.map !== 'plain')
      throw this.view.refuse(producer, 'it reads padded heads', 'a headDim divisible by 4');
    const depth = storedRows(source.layout);

    // one segment per tree of element-wise maths over the group's linears
    const segments: Segment[] = [];
    for (const linear of group) if (!this.done.has(linear.id)) segments.push(this.segment(linear, group, source));

    const name = segments.map((s) => s.name).join('+');
    const gain = norm && this.tensors.vector(norm.gain, { map: 'plain', rows: depth });
    this.ops.push({
      op: 'contract',
      name,
      scratch: {},
      x: source.buffer,
      depth,
      prologue: { norm: norm && gain !== null ? { gain, eps: norm.eps } : null, codes: false },
      segments,
    });
  }

  private segment(
    linear: Node,
    group: readonly Node[],
    { buffer: x, layout: columns }: { buffer: BufferId; layout: ColumnMap },
  ): Segment {
    const user = this.view.onlyUser(linear);
    if (user?.op.op === 'rope') return this.rotated(linear, user, user.op, columns);
    if (user?.op.op === 'attention' && this.body.result !== linear.id) {
      return this.plainHeads(linear, user, user.op, columns);
    }

    const root = this.growTree(linear, group);
    const streams: Node[] = [];
    const value = this.element(root.id, group, streams);
    const rows = features(root);
    const packs = streams.map((s) =>
      this.tensors.matrix(this.view.linear(s).weight, { map: 'plain', rows }, columns, false),
    );
    const nodes = this.finishTree(root, streams);
    const name = streams.map((s) => this.view.weightName(s)).join('+');
    if (this.kind.role === 'end' && this.body.result === root.id) {
      return { name, streams: packs, rows, stores: [{ to: { to: 'logits' }, value }] };
    }
    // x itself is read by every row: nothing may be written over it
    const buffer = this.result(root, rows, { buffers: this.leaves(value).filter((b) => b !== x), nodes });
    return { name, streams: packs, rows, stores: [{ to: { to: 'buffer', buffer, place: { at: 'same' } }, value }] };
  }

  /** From a linear up through element-wise consumers, as long as all else they read is ready or in the group. */
  private growTree(linear: Node, group: readonly Node[]): Node {
    let root = linear;
    for (;;) {
      const user = this.view.onlyUser(root);
      if (!user || this.body.result === root.id || !this.isElementwise(user.op)) return root;
      if (!this.fits(user, group, features(linear))) return root;
      root = user;
    }
  }

  private isElementwise(op: Op): boolean {
    return op.op === 'silu' || op.op === 'add' || op.op === 'mul' || op.op === 'scale';
  }

  /** Whether all leaves of this tree are ready values or linears of the group with this many rows that nobody else reads. */
  private fits(node: Node, group: readonly Node[], rows: number): boolean {
    const home = this.home.get(node.id);
    // what another segment of this operation writes is not there yet
    if (home) return home.layout.map === 'plain' && this.doneBefore.has(node.id);
    if (node.op.op === 'linear') {
      return (
        group.includes(node) && !this.done.has(node.id) && features(node) === rows && this.view.onlyUser(node) !== null
      );
    }
    if (!this.isElementwise(node.op)) return false;
    const { op } = node;
    const operandIds = op.op === 'add' || op.op === 'mul' ? [op.a, op.b] : 'x' in op ? [op.x] : [];
    return operandIds.every((v) => this.fits(this.body.nodes[v]!, group, rows));
  }

  /** The expression tree of value `v`; linears met on the way become streams. */
  private element(v: ValueId, group: readonly Node[], streams: Node[] = []): Element {
    const node = this.body.nodes[v]!;
    const home = this.home.get(v);
    if (home) {
      if (home.layout.map !== 'plain') throw this.view.refuse(node, 'its heads are padded', 'a headDim divisible by 4');
      return { x: 'buffer', buffer: home.buffer };
    }
    const { op } = node;
    const inner = (x: ValueId) => this.element(x, group, streams);
    switch (op.op) {
      case 'linear': {
        if (!group.includes(node)) throw this.view.refuse(node, 'it is not ready', 'computing it before');
        const stream = streams.includes(node) ? streams.indexOf(node) : streams.push(node) - 1;
        const dot: Element = { x: 'dot', stream };
        if (op.bias === null) return dot;
        const pack = this.tensors.vector(op.bias, { map: 'plain', rows: features(node) });
        return { x: 'apply', fn: 'add', args: [dot, { x: 'vector', pack }] };
      }
      case 'silu':
        return { x: 'apply', fn: 'silu', args: [inner(op.x)] };
      case 'add':
      case 'mul':
        return { x: 'apply', fn: op.op, args: [inner(op.a), inner(op.b)] };
      case 'scale':
        return { x: 'apply', fn: 'mul', args: [inner(op.x), { x: 'constant', value: op.by }] };
      default:
        throw this.view.refuse(node, 'it cannot be part of an element-wise expression', 'computing it before');
    }
  }

  /** Marks the streams, the root and what lies between as computed; returns them. */
  private finishTree(root: Node, streams: readonly Node[]): ReadonlySet<ValueId> {
    const nodes = new Set([root.id]);
    for (const s of streams)
      for (let n: Node | null = s; n && n.id !== root.id; n = this.view.onlyUser(n)) nodes.add(n.id);
    for (const id of nodes) this.done.add(id);
    return nodes;
  }

  private rotated(linear: Node, ropeNode: Node, op: Extract<Op, { op: 'rope' }>, columns: ColumnMap): Segment {
    const { heads, headDim } = op;
    const half = padded(headDim / 2, 4);
    const stride = 2 * half;
    const map = (which: 0 | 1): RowMap => ({
      map: 'half',
      heads,
      headDim,
      stride: half,
      which,
      pairing: op.rope.pairing,
    });
    const { weight, bias } = this.view.linear(linear);
    const streams = ([0, 1] as const).map((which) => this.tensors.matrix(weight, map(which), columns, true));
    const table = this.shared.ropeTable({ theta: op.rope.theta, headDim, stride: half });
    const part = (which: 0 | 1): Element => {
      const dot: Element = { x: 'dot', stream: which };
      return bias === null
        ? dot
        : { x: 'apply', fn: 'add', args: [dot, { x: 'vector', pack: this.tensors.vector(bias, map(which)) }] };
    };
    const angle = (p: 'cos' | 'sin'): Element => ({ x: 'rope', part: p, table, half });
    const times = (a: Element, b: Element): Element => ({ x: 'apply', fn: 'mul', args: [a, b] });
    const [a, b] = [part(0), part(1)];
    const values: readonly [Element, Element] = [
      { x: 'apply', fn: 'sub', args: [times(a, angle('cos')), times(b, angle('sin'))] },
      { x: 'apply', fn: 'add', args: [times(b, angle('cos')), times(a, angle('sin'))] },
    ];
    this.done.add(linear.id).add(ropeNode.id);
    const user = this.view.onlyUser(ropeNode);
    if (user?.op.op !== 'attention') throw this.view.refuse(ropeNode, 'only attention reads rotated heads', 'gqa');
    let to: (plane: 0 | 1) => Destination;
    if (user.op.k === ropeNode.id) {
      const statePart = this.statePart(user, 'keys', user.op.kvHeads, stride);
      to = (plane) => ({ to: 'state', part: statePart, place: { at: 'head', half, stride, plane } });
    } else {
      const buffer = this.scratch(this.view.weightName(linear), heads * stride);
      this.home.set(ropeNode.id, { buffer, layout: { map: 'heads', heads, headDim, stride } });
      to = (plane) => ({ to: 'buffer', buffer, place: { at: 'head', half, stride, plane } });
    }
    return {
      name: this.view.weightName(linear),
      streams,
      rows: heads * half,
      stores: ([0, 1] as const).map((plane) => ({ to: to(plane), value: values[plane] })),
    };
  }

  /** Queries, keys or values without RoPE: heads padded to whole vectors, queries to a buffer, the others to the state. */
  private plainHeads(linear: Node, user: Node, op: Extract<Op, { op: 'attention' }>, columns: ColumnMap): Segment {
    const heads = op.q === linear.id ? op.heads : op.kvHeads;
    const { headDim } = op;
    const stride = padded(headDim, 4);
    const rows: RowMap = { map: 'heads', heads, headDim, stride };
    const { weight, bias } = this.view.linear(linear);
    const name = this.view.weightName(linear);
    const place = { at: 'head', half: stride, stride, plane: 0 } as const;
    let to: Destination;
    if (op.q === linear.id) {
      const buffer = this.scratch(name, heads * stride);
      this.home.set(linear.id, { buffer, layout: rows });
      to = { to: 'buffer', buffer, place };
    } else {
      to = { to: 'state', part: this.statePart(user, op.v === linear.id ? 'values' : 'keys', heads, stride), place };
    }
    const dot: Element = { x: 'dot', stream: 0 };
    const value: Element =
      bias === null
        ? dot
        : { x: 'apply', fn: 'add', args: [dot, { x: 'vector', pack: this.tensors.vector(bias, rows) }] };
    this.done.add(linear.id);
    return {
      name,
      streams: [this.tensors.matrix(weight, rows, columns, true)],
      rows: heads * stride,
      stores: [{ to, value }],
    };
  }

  // ---- attention

  private attention(node: Node, op: Extract<Op, { op: 'attention' }>): void {
    const part = (what: 'keys' | 'values') => this.state.findIndex((s) => s.name === `${what}${op.state}`);
    const [k, v] = [part('keys'), part('values')];
    if (k < 0 || v < 0) throw this.view.refuse(node, 'its keys and values must come from linears of their own', 'gqa');
    const q = this.home.get(op.q);
    if (!q) throw this.view.refuse(node, 'its queries are not ready', 'gqa');
    const keyStride = this.state[k]!.stride;
    const queryStride = q.layout.map === 'heads' ? q.layout.stride : op.headDim;
    if (queryStride !== keyStride)
      throw this.view.refuse(
        node,
        'queries and keys are padded differently',
        'rotating both or neither, with a headDim divisible by 4',
      );
    const valueStride = this.state[v]!.stride;
    const { heads, kvHeads, scale } = op;
    const out = this.scratch(node.path || 'attention', op.heads * valueStride);
    this.home.set(node.id, {
      buffer: out,
      layout:
        valueStride === op.headDim
          ? { map: 'plain', rows: op.heads * op.headDim }
          : { map: 'heads', heads: op.heads, headDim: op.headDim, stride: valueStride },
    });
    const name = `${node.path || 'attention'}`;
    this.ops.push({
      op: 'attention',
      name,
      scratch: {},
      q: q.buffer,
      k,
      v,
      heads,
      kvHeads,
      scale,
      keyStride,
      valueStride,
      codes: null,
      out,
    });
  }

  private statePart(user: Node, what: 'keys' | 'values', kvHeads: number, stride: number): number {
    if (user.op.op !== 'attention') throw this.view.refuse(user, 'only attention keeps state', 'gqa');
    return (
      this.state.push({ name: `${what}${user.op.state}`, format: 'f32', kvHeads, stride, offset: 0, bytes: 0 }) - 1
    );
  }

  // ---- values and their buffers

  /**
   * A buffer for a finished value: in place of an operand that only `inPlace.nodes` still read, each at the feature it writes; or
   * the residual stream, when nobody reads it any more; or a new one.
   */
  private result(
    node: Node,
    width: number,
    inPlace: { readonly buffers: readonly BufferId[]; readonly nodes: ReadonlySet<ValueId> } = {
      buffers: [],
      nodes: new Set(),
    },
  ): BufferId {
    const { buffers } = this.shared;
    const dying = inPlace.buffers.find((b) => this.isFree(b, inPlace.nodes) && buffers[b]!.width >= width);
    const takesStream =
      node.id === this.body.result && this.kind.role !== 'end' && this.isFree(this.shared.stream, new Set());
    const buffer =
      dying ?? (takesStream ? this.shared.stream : this.scratch(this.view.nameOf(node), padded(width, 16)));
    this.settle(node, buffer);
    return buffer;
  }

  /** Whether it is a norm that only linears read, which then compute it. */
  private isPrologue(node: Node): boolean {
    if (node.op.op !== 'rmsNorm' || this.body.result === node.id) return false;
    return this.view.usersOf(node).every((u) => u.op.op === 'linear');
  }

  private settle(node: Node, buffer: BufferId): void {
    this.home.set(node.id, { buffer, layout: { map: 'plain', rows: features(node) } });
    this.done.add(node.id);
  }

  /** Whether all who read this buffer ran before this operation, or are among `now`. */
  private isFree(buffer: BufferId, now: ReadonlySet<ValueId>): boolean {
    const finished = (user: Node): boolean =>
      this.doneBefore.has(user.id) ||
      now.has(user.id) ||
      // a norm that is a prologue is finished when its linears are
      (this.isPrologue(user) && this.view.usersOf(user).every((u) => this.doneBefore.has(u.id)));
    return this.body.nodes.every(
      (v) =>
        this.home.get(v.id)?.buffer !== buffer || (v.id !== this.body.result && this.view.usersOf(v).every(finished)),
    );
  }

  /** A value that no kernel left in the residual stream is copied there. */
  private returnStream(): void {
    const home = this.home.get(this.body.result);
    const node = this.body.nodes[this.body.result]!;
    if (home?.layout.map !== 'plain')
      throw this.view.refuse(node, 'a block cannot return it', 'ending with residual(...)');
    if (home.buffer === this.shared.stream) return;
    const value: Element = { x: 'buffer', buffer: home.buffer };
    this.ops.push({ op: 'map', name: 'return', scratch: {}, value, width: features(node), out: this.shared.stream });
  }

  private scratch(name: string, width: number): BufferId {
    return this.shared.buffer({
      name: `${this.kind.name}.${name}`,
      element: 'f32',
      width,
      rows: this.kind.role === 'end' ? 1 : this.shared.tile,
    });
  }

  private plainHome(v: ValueId, user: Node): BufferId {
    const home = this.home.get(v);
    if (home?.layout.map !== 'plain')
      throw this.view.refuse(user, 'its operand has padded heads', 'a headDim divisible by 4');
    return home.buffer;
  }

  private leaves(e: Element): BufferId[] {
    return e.x === 'buffer' ? [e.buffer] : e.x === 'apply' ? e.args.flatMap((a) => this.leaves(a)) : [];
  }
}

/** Kernels are named after operations, and two attentions of one block each have an `o_proj`: the second becomes `o_proj_2`. */
function distinctlyNamed(ops: readonly FusedOp[]): readonly FusedOp[] {
  const taken = new Set<string>();
  return ops.map((op) => ({ ...op, name: distinct(op.name, taken) }));
}
