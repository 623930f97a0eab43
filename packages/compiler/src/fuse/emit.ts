/**
 * Fusion, second step: groups become operations over virtual values. A value is written by one operation, and its id stands where a buffer's will;
 * which buffer holds it is decided when all operations are known (`assign.ts`). Features of a value lie one after the other; heads that only
 * attention reads are values, too, in the layout that it asks for.
 *
 * RoPE turns into arithmetic on two streams: the first and second halves of all heads are stored as two interleaved matrices, so that a
 * rotated pair is computed in one place and no lane ever moves.
 */
import { distinct } from '@lamella/graph/distinct';
import { features, type Node, type Op, type Rope, type ValueId } from '@lamella/graph/ir';
import type {
  BufferId,
  Destination,
  ElementExpr,
  FusedOp,
  HeadsDestination,
  Kind,
  Norm,
  Pack,
  RopeTable,
  RowMap,
  RowOrder,
  Segment,
  StatePart,
} from '../program/ir.ts';
import { padded } from '../program/ir.ts';
import { PackTable } from '../program/pack-table.ts';
import type { BodyView } from './body-view.ts';
import { type Attention, type Group, type Heads, isPlain, pairingOf, type Tree } from './match.ts';

/** A value before it has a buffer. */
export interface Value {
  readonly name: string;
  readonly features: number;
  /** Features with room to compute them four and sixteen at a time. */
  readonly width: number;
  /** Whether it may lie where an operand that dies, or the residual stream, lay. */
  readonly isMovable: boolean;
}

export interface Emitted {
  readonly ops: readonly FusedOp[];
  readonly values: readonly Value[];
  /** The value that enters, and the one that leaves; null in the start and in the end. */
  readonly input: BufferId | null;
  readonly result: BufferId | null;
  readonly packs: readonly Pack[];
  readonly state: readonly StatePart[];
}

/** What kinds have in common: angles, and how many token ids and positions there are. */
export interface Common {
  readonly vocab: number;
  readonly context: number;
  readonly ropeTables: RopeTable[];
}

/** The window of an attention, where it hides anything of the context. */
export function windowWithin({ window }: Attention, context: number): number | null {
  return window !== null && window < context ? window : null;
}

/** The operations of a body's groups. `windowOf` says how many positions of a state are looked back at; `filled` are parts of an earlier execution. */
export function emit(
  view: BodyView,
  role: Kind['role'],
  groups: readonly Group[],
  common: Common,
  windowOf: (state: number) => number | null,
  filled: readonly StatePart[],
): Emitted {
  return new Emitter(view, role, common, windowOf, filled).emit(groups);
}

class Emitter {
  readonly #view: BodyView;
  readonly #role: Kind['role'];
  readonly #common: Common;
  readonly #tensors: PackTable;
  readonly #ops: FusedOp[] = [];
  readonly #values: Value[] = [];
  readonly #state: StatePart[];
  /** The largest window of the attentions on a state, in any kind. */
  readonly #largestWindow: (state: number) => number | null;
  /** The value of each node that has one. */
  readonly #valueOf = new Map<ValueId, BufferId>();
  /** Queries that a contraction leaves as heads. */
  readonly #queries = new Map<Heads, BufferId>();

  constructor(
    view: BodyView,
    role: Kind['role'],
    common: Common,
    windowOf: (state: number) => number | null,
    filled: readonly StatePart[],
  ) {
    this.#largestWindow = windowOf;
    this.#state = [...filled];
    this.#view = view;
    this.#role = role;
    this.#common = common;
    this.#tensors = new PackTable(view.body.params);
  }

  emit(groups: readonly Group[]): Emitted {
    const [first] = this.#view.body.nodes;
    const input = first!.op.kind === 'input' ? this.#valueOfNode(first!) : null;
    for (const group of groups) this.#group(group);
    const result = this.#role === 'end' ? null : this.#valueAt(this.#view.body.result);
    if (this.#role === 'end') this.#leaveLogits();
    const packs = this.#tensors.packs;
    return { ops: distinctlyNamed(this.#ops), values: this.#values, input, result, packs, state: this.#state };
  }

  #group(group: Group): void {
    switch (group.kind) {
      case 'embed':
        this.#embed(group.node);
        break;
      case 'contraction':
        this.#contraction(group);
        break;
      case 'attention':
        this.#attention(group);
        break;
      case 'normalise':
        this.#normalise(group.node);
        break;
      case 'rope':
        this.#rotate(group.node);
        break;
      case 'convolution':
        this.#convolve(group.node);
        break;
      case 'map':
        this.#map(group.node);
        break;
      default:
        group satisfies never;
    }
  }

  #embed(node: Node): void {
    if (node.op.kind !== 'embed' && node.op.kind !== 'positions') throw new Error(`value ${node.id} is no embedding`);
    const width = features(node);
    const by = node.op.kind === 'embed' ? 'token' : 'position';
    const rows: RowMap = { kind: 'plain', rows: by === 'token' ? this.#common.vocab : this.#common.context };
    const table = this.#tensors.matrix(node.op.table, rows, width, false);
    this.#push({ kind: 'embed', by, name: node.path || node.op.kind, table, width, out: this.#valueOfNode(node) });
  }

  #normalise(node: Node): void {
    const op = normOf(node);
    const heads = op.kind === 'rmsNorm' ? op.heads : 1;
    const width = features(node) / heads;
    const norm = this.#norm(op, width);
    const name = this.#view.nameOf(node);
    this.#push({ kind: 'normalise', name, x: this.#valueAt(op.x), norm, heads, width, out: this.#valueOfNode(node) });
  }

  #norm(op: NormOp, width: number): Norm {
    const vector = (param: number): number => this.#tensors.vector(param, { kind: 'plain', rows: width });
    const centred = op.kind === 'layerNorm';
    const gain = op.gain === null ? null : vector(op.gain);
    return { centred, gain, bias: centred && op.bias !== null ? vector(op.bias) : null, eps: op.eps };
  }

  /** The inputs are appended to the state, as one head, before any token looks back. */
  #convolve(node: Node): void {
    if (node.op.kind !== 'causalConv') throw new Error(`value ${node.id} is no convolution`);
    const { x, weight, bias, state } = node.op;
    const width = features(node);
    const [, columns = 0] = this.#view.body.params[weight]!.shape;
    const stride = padded(width, 4);
    const window = columns < this.#common.context ? columns : null;
    const part = { name: `inputs${state}`, holds: 'inputs', format: 'f32', kvHeads: 1, stride, window } as const;
    const inputs = this.#state.push({ ...part, offset: 0, bytes: 0 }) - 1;
    const name = this.#view.nameOf(node);
    const layout = { pairing: null, half: stride, stride };
    const to = { kind: 'state', part: inputs } as const;
    const head = { x: this.#valueAt(x), heads: 1, headDim: width, stride: width, rope: null, layout, to };
    this.#push({ kind: 'heads', name: `${name}.append`, ...head });
    const tap = (column: number): number =>
      this.#tensors.vector(weight, { kind: 'column', rows: width, columns, column });
    const taps = Array.from({ length: columns }, (_, i) => tap(i));
    const added = bias === null ? null : this.#tensors.vector(bias, { kind: 'plain', rows: width });
    this.#push({ kind: 'convolve', name, inputs, taps, bias: added, width, out: this.#valueOfNode(node) });
  }

  #map(node: Node): void {
    const value = this.#element(node.id, []);
    this.#push({
      kind: 'map',
      name: this.#view.nameOf(node),
      value,
      width: features(node),
      out: this.#valueOfNode(node),
    });
  }

  /** A rotation that is read by anything else than attention, or by more. */
  #rotate(node: Node): void {
    if (node.op.kind !== 'rope') throw new Error(`value ${node.id} is no rotation`);
    const { x, heads, headDim, rope } = node.op;
    this.#push({
      kind: 'heads',
      name: this.#view.nameOf(node),
      x: this.#valueAt(x),
      heads,
      headDim,
      stride: headDim,
      rope: { table: this.#angles(rope, headDim), pairing: pairingOf(rope, headDim) },
      layout: { pairing: null, half: headDim, stride: headDim },
      to: { kind: 'buffer', buffer: this.#valueOfNode(node) },
    });
  }

  /** The end's result where no contraction left it: a copy. */
  #leaveLogits(): void {
    const { body } = this.#view;
    const buffer = this.#valueOf.get(body.result);
    if (buffer === undefined) return;
    const width = features(body.nodes[body.result]!);
    this.#push({ kind: 'map', name: 'logits', value: { kind: 'buffer', buffer }, width, out: null });
  }

  // ---- contractions

  #contraction({ x, norm, trees }: Extract<Group, { kind: 'contraction' }>): void {
    const source = norm && normOf(norm);
    const depth = features(this.#view.body.nodes[x]!);
    const from = this.#valueAt(source ? source.x : x);
    const segments = trees.map((tree) => this.#segment(tree, depth));
    this.#push({
      kind: 'contraction',
      name: segments.map((s) => s.name).join('+'),
      x: from,
      depth,
      prologue: { norm: source && this.#norm(source, depth), codes: false },
      segments,
    });
  }

  #segment({ root, streams, heads }: Tree, depth: number): Segment {
    if (heads)
      return heads.rope ? this.#rotatedHeads(root, heads, heads.rope, depth) : this.#plainHeads(root, heads, depth);
    const rows = features(root);
    const value = this.#element(root.id, streams);
    const name = streams.map((s) => this.#view.weightName(s)).join('+');
    const packs = streams.map((s) =>
      this.#tensors.matrix(this.#view.linear(s).weight, { kind: 'plain', rows }, depth, false),
    );
    const isLogits = this.#role === 'end' && this.#view.body.result === root.id;
    const to: Destination = isLogits
      ? { kind: 'logits' }
      : { kind: 'buffer', buffer: this.#valueOfNode(root), order: { kind: 'same' } };
    return { name, streams: packs, rows, stores: [{ to, value }] };
  }

  /** Rotates what two streams, the halves of all heads, have at the same row. */
  #rotatedHeads(linear: Node, wanted: Heads, rope: Rope, depth: number): Segment {
    const { heads, headDim, layout } = wanted;
    const { half, stride } = layout;
    const { weight, bias } = this.#view.linear(linear);
    const pairing = pairingOf(rope, headDim);
    const map = (which: 0 | 1): RowMap => ({ kind: 'half', heads, headDim, stride: half, which, pairing });
    const streams = ([0, 1] as const).map((which) => this.#tensors.matrix(weight, map(which), depth, true));
    const table = this.#angles(rope, headDim);
    const [a, b] = ([0, 1] as const).map((which) => this.#biased(which, bias, map(which))) as [
      ElementExpr,
      ElementExpr,
    ];
    const angle = (part: 'cos' | 'sin'): ElementExpr => ({ kind: 'rope', part, table, half });
    const times = (a: ElementExpr, b: ElementExpr): ElementExpr => ({ kind: 'apply', fn: 'mul', args: [a, b] });
    const values: readonly ElementExpr[] = [
      { kind: 'apply', fn: 'sub', args: [times(a, angle('cos')), times(b, angle('sin'))] },
      { kind: 'apply', fn: 'add', args: [times(b, angle('cos')), times(a, angle('sin'))] },
    ];
    const name = this.#view.weightName(linear);
    const to = this.#headsDestination(wanted, name);
    const stores = values.map((value, i) => {
      const order: RowOrder = { kind: 'head', half, stride, plane: i === 0 ? 0 : 1 };
      return { to: { ...to, order }, value };
    });
    return { name, streams, rows: heads * half, stores };
  }

  /** Heads that nothing rotates, padded to whole vectors. */
  #plainHeads(linear: Node, wanted: Heads, depth: number): Segment {
    const { heads, headDim } = wanted;
    const { stride } = wanted.layout;
    const rows: RowMap = { kind: 'heads', heads, headDim, stride };
    const { weight, bias } = this.#view.linear(linear);
    const name = this.#view.weightName(linear);
    const order: RowOrder = { kind: 'head', half: stride, stride, plane: 0 };
    return {
      name,
      streams: [this.#tensors.matrix(weight, rows, depth, true)],
      rows: heads * stride,
      stores: [{ to: { ...this.#headsDestination(wanted, name), order }, value: this.#biased(0, bias, rows) }],
    };
  }

  /** A dot product with the bias of its rows. */
  #biased(stream: number, bias: number | null, rows: RowMap): ElementExpr {
    const dot: ElementExpr = { kind: 'dot', stream };
    if (bias === null) return dot;
    return { kind: 'apply', fn: 'add', args: [dot, { kind: 'vector', pack: this.#tensors.vector(bias, rows) }] };
  }

  /** The expression tree of a node; linears are streams, values that are there leaves. */
  #element(v: ValueId, streams: readonly Node[]): ElementExpr {
    const buffer = this.#valueOf.get(v);
    if (buffer !== undefined) return { kind: 'buffer', buffer };
    const node = this.#view.body.nodes[v]!;
    const { op } = node;
    const inner = (x: ValueId) => this.#element(x, streams);
    switch (op.kind) {
      case 'linear':
        return this.#biased(streams.indexOf(node), op.bias, { kind: 'plain', rows: features(node) });
      case 'map':
        return { kind: 'apply', fn: op.fn, args: op.args.map(inner) };
      case 'scale':
        return { kind: 'apply', fn: 'mul', args: [inner(op.x), { kind: 'constant', value: op.by }] };
      default:
        throw new Error(`${op.kind} cannot be part of an element-wise expression`);
    }
  }

  // ---- attention

  #attention({ node, queries: q, appends, state: layouts }: Extract<Group, { kind: 'attention' }>): void {
    if (node.op.kind !== 'attention') throw new Error(`value ${node.id} is no attention`);
    const { heads, kvHeads, headDim, scale, softcap, state } = node.op;
    const name = node.path || 'attention';
    const queries = this.#queries.get(q) ?? this.#queriesOf(q, name);
    for (const each of appends)
      if (!each.isFused) this.#move(each, this.#headsDestination(each, name), `${name}.${each.role}`);
    const valueStride = layouts.values.stride;
    const out = this.#headsValue(name, heads * valueStride);
    const parts = {
      k: this.#partOf('k', state),
      v: this.#partOf('v', state),
      heads,
      kvHeads,
      scale,
      window: windowWithin(node.op, this.#common.context),
      softcap,
      keyStride: layouts.keys.stride,
      valueStride,
    };
    this.#push({ kind: 'attention', name, q: queries, ...parts, codes: null, out });
    if (valueStride === headDim) {
      this.#valueOf.set(node.id, out);
      return;
    }
    const to = { kind: 'buffer', buffer: this.#valueOfNode(node) } as const;
    const layout = { pairing: null, half: headDim, stride: headDim };
    this.#push({
      kind: 'heads',
      name: `${name}.out`,
      x: out,
      heads,
      headDim,
      stride: valueStride,
      rope: null,
      layout,
      to,
    });
  }

  /** Queries that no linear leaves as heads: a value that lies as they must, or one that is moved. */
  #queriesOf(q: Heads, name: string): BufferId {
    if (q.rope === null && isPlain(q.layout, q.headDim)) return this.#valueAt(q.source);
    const to = this.#headsDestination(q, `${name}.q`);
    this.#move(q, to, `${name}.q`);
    return this.#queries.get(q)!;
  }

  #move({ source, heads, headDim, rope, layout }: Heads, to: HeadsDestination, name: string): void {
    const turn = rope && { table: this.#angles(rope, headDim), pairing: pairingOf(rope, headDim) };
    this.#push({
      kind: 'heads',
      name,
      x: this.#valueAt(source),
      heads,
      headDim,
      stride: headDim,
      rope: turn,
      layout,
      to,
    });
  }

  /** Where heads go: queries to a value of their own, keys and values into the state. */
  #headsDestination(wanted: Heads, name: string): HeadsDestination {
    const { role, heads, layout } = wanted;
    if (role === 'q') {
      const buffer = this.#headsValue(name, heads * layout.stride);
      this.#queries.set(wanted, buffer);
      return { kind: 'buffer', buffer };
    }
    const { k, v, state } = wanted.attention.op as Attention;
    const held = k === v ? 'both' : role === 'k' ? 'keys' : 'values';
    const window = this.#largestWindow(state);
    const part = {
      name: `${held}${state}`,
      holds: 'heads',
      format: 'f32',
      kvHeads: heads,
      stride: layout.stride,
      window,
      offset: 0,
      bytes: 0,
    } as const;
    return { kind: 'state', part: this.#state.push(part) - 1 };
  }

  /** The state part of keys or values, which may be one for both. */
  #partOf(role: 'k' | 'v', state: number): number {
    const names = [`both${state}`, `${role === 'k' ? 'keys' : 'values'}${state}`];
    return this.#state.findIndex(({ name }) => names.includes(name));
  }

  #angles({ theta, dims, scaling }: Rope, headDim: number): number {
    const { ropeTables } = this.#common;
    const stride = padded(headDim / 2, 4);
    const table: RopeTable = { theta, scaling: scaling ?? null, dims: dims ?? headDim, headDim, stride };
    const at = ropeTables.findIndex((t) => JSON.stringify(t) === JSON.stringify(table));
    return at >= 0 ? at : ropeTables.push(table) - 1;
  }

  // ---- values

  /** Heads: where queries lie, or what attention leaves. */
  #headsValue(name: string, features: number): BufferId {
    return this.#values.push({ name, features, width: features, isMovable: false }) - 1;
  }

  #valueOfNode(node: Node): BufferId {
    const width = padded(features(node), 16);
    const value = { name: this.#view.nameOf(node), features: features(node), width, isMovable: true };
    this.#valueOf.set(node.id, this.#values.push(value) - 1);
    return this.#values.length - 1;
  }

  #valueAt(v: ValueId): BufferId {
    const value = this.#valueOf.get(v);
    if (value === undefined) throw new Error(`value ${v} is not ready`);
    return value;
  }

  #push(op: Unscratched<FusedOp>): void {
    this.#ops.push({ ...op, scratch: {} });
  }
}

type NormOp = Extract<Op, { readonly kind: 'rmsNorm' | 'layerNorm' }>;

function normOf({ id, op }: Node): NormOp {
  if (op.kind !== 'rmsNorm' && op.kind !== 'layerNorm') throw new Error(`value ${id} is no norm`);
  return op;
}

type Unscratched<T> = T extends unknown ? Omit<T, 'scratch'> : never;

/** Kernels are named after operations, and two attentions of one block each have an `o_proj`: the second becomes `o_proj_2`. */
function distinctlyNamed(ops: readonly FusedOp[]): readonly FusedOp[] {
  const taken = new Set<string>();
  return ops.map((op) => ({ ...op, name: distinct(op.name, taken) }));
}
