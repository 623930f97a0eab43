/**
 * Fusion, step 2: turns groups into operations over values. One operation writes each value, and
 * the value's id stands in place of a buffer's id; `assign.ts` chooses the buffers once all
 * operations exist. The features of a value are in order, except in heads that only attention
 * reads: those are in attention's layout (`emit-heads.ts`).
 */
import { features, type Node, type Op, type ValueId } from '@lamella/graph/ir';
import type { BufferId, Destination, ElementExpr, FusedOp, Kind, Norm, Segment, StatePart } from '../program/ir.ts';
import type { Pack, RowMap } from '../program/packs.ts';
import { padded } from '../program/packs.ts';
import type { BodyView } from './body-view.ts';
import { type Common, Draft, type Value } from './draft.ts';
import { HeadsEmitter } from './emit-heads.ts';
import { type Group, pairingOf, type Tree } from './match.ts';

export interface Emitted {
  readonly ops: readonly FusedOp[];
  readonly values: readonly Value[];
  /** The input and the result of the body; null in the start and in the end, respectively. */
  readonly input: BufferId | null;
  readonly result: BufferId | null;
  readonly packs: readonly Pack[];
  readonly state: readonly StatePart[];
}

/**
 * The operations of a body's groups. `windowOf` returns the largest window of the attentions on a
 * state; `filled` are the state parts that an earlier execution writes.
 */
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
  readonly #role: Kind['role'];
  readonly #draft: Draft;
  readonly #heads: HeadsEmitter;

  constructor(
    view: BodyView,
    role: Kind['role'],
    common: Common,
    windowOf: (state: number) => number | null,
    filled: readonly StatePart[],
  ) {
    this.#role = role;
    this.#draft = new Draft(view, common, filled);
    this.#heads = new HeadsEmitter(this.#draft, windowOf);
  }

  emit(groups: readonly Group[]): Emitted {
    const [first] = this.#draft.view.body.nodes;
    const input = first!.op.kind === 'input' ? this.#draft.valueOfNode(first!) : null;
    for (const group of groups) this.#group(group);
    const result = this.#role === 'end' ? null : this.#draft.valueAt(this.#draft.view.body.result);
    if (this.#role === 'end') this.#leaveLogits();
    const packs = this.#draft.tensors.packs;
    return { ops: this.#draft.ops, values: this.#draft.values, input, result, packs, state: this.#draft.state };
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
        this.#heads.attention(group);
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
    if (node.op.kind !== 'embed' && node.op.kind !== 'positions')
      throw new Error(`value ${node.id} is not an embedding`);
    const width = features(node);
    const by = node.op.kind === 'embed' ? 'token' : 'position';
    const rows: RowMap = {
      kind: 'plain',
      rows: by === 'token' ? this.#draft.common.vocab : this.#draft.common.context,
    };
    const table = this.#draft.tensors.matrix(node.op.table, rows, width, false);
    this.#draft.push({
      kind: 'embed',
      by,
      name: node.path || node.op.kind,
      table,
      width,
      out: this.#draft.valueOfNode(node),
    });
  }

  #normalise(node: Node): void {
    const op = normOf(node);
    const heads = op.kind === 'rmsNorm' ? op.heads : 1;
    const width = features(node) / heads;
    const norm = this.#norm(op, width);
    const name = this.#draft.view.nameOf(node);
    this.#draft.push({
      kind: 'normalise',
      name,
      x: this.#draft.valueAt(op.x),
      norm,
      heads,
      width,
      out: this.#draft.valueOfNode(node),
    });
  }

  #norm(op: NormOp, width: number): Norm {
    const vector = (param: number): number => this.#draft.tensors.vector(param, { kind: 'plain', rows: width });
    const centred = op.kind === 'layerNorm';
    const gain = op.gain === null ? null : vector(op.gain);
    return { centred, gain, bias: centred && op.bias !== null ? vector(op.bias) : null, eps: op.eps };
  }

  /**
   * The inputs of a tile are appended to the state, as one head, before the convolution reads it.
   */
  #convolve(node: Node): void {
    if (node.op.kind !== 'causalConv') throw new Error(`value ${node.id} is not a convolution`);
    const { x, weight, bias, state } = node.op;
    const width = features(node);
    const [, columns = 0] = this.#draft.view.body.params[weight]!.shape;
    const stride = padded(width, 4);
    const window = columns < this.#draft.common.context ? columns : null;
    const part = { name: `inputs${state}`, holds: 'inputs', format: 'f32', kvHeads: 1, stride, window } as const;
    const inputs = this.#draft.state.push({ ...part, offset: 0, bytes: 0 }) - 1;
    const name = this.#draft.view.nameOf(node);
    const layout = { pairing: null, half: stride, stride };
    const to = { kind: 'state', part: inputs } as const;
    const head = { x: this.#draft.valueAt(x), heads: 1, headDim: width, stride: width, rope: null, layout, to };
    this.#draft.push({ kind: 'heads', name: `${name}.append`, ...head });
    const tap = (column: number): number =>
      this.#draft.tensors.vector(weight, { kind: 'column', rows: width, columns, column });
    const taps = Array.from({ length: columns }, (_, i) => tap(i));
    const added = bias === null ? null : this.#draft.tensors.vector(bias, { kind: 'plain', rows: width });
    this.#draft.push({ kind: 'convolve', name, inputs, taps, bias: added, width, out: this.#draft.valueOfNode(node) });
  }

  #map(node: Node): void {
    const value = this.#element(node.id, []);
    this.#draft.push({
      kind: 'map',
      name: this.#draft.view.nameOf(node),
      value,
      width: features(node),
      out: this.#draft.valueOfNode(node),
    });
  }

  /** A rotation whose result is not read by attention alone. */
  #rotate(node: Node): void {
    if (node.op.kind !== 'rope') throw new Error(`value ${node.id} is not a rotation`);
    const { x, heads, headDim, rope } = node.op;
    this.#draft.push({
      kind: 'heads',
      name: this.#draft.view.nameOf(node),
      x: this.#draft.valueAt(x),
      heads,
      headDim,
      stride: headDim,
      rope: { table: this.#draft.angles(rope, headDim), pairing: pairingOf(rope, headDim) },
      layout: { pairing: null, half: headDim, stride: headDim },
      to: { kind: 'buffer', buffer: this.#draft.valueOfNode(node) },
    });
  }

  /** Copies the end's result to the logits if no contraction wrote them. */
  #leaveLogits(): void {
    const { body } = this.#draft.view;
    const buffer = this.#draft.existing(body.result);
    if (buffer === undefined) return;
    const width = features(body.nodes[body.result]!);
    this.#draft.push({ kind: 'map', name: 'logits', value: { kind: 'buffer', buffer }, width, out: null });
  }

  // ---- contractions

  #contraction({ x, norm, trees }: Extract<Group, { kind: 'contraction' }>): void {
    const source = norm && normOf(norm);
    const depth = features(this.#draft.view.body.nodes[x]!);
    const from = this.#draft.valueAt(source ? source.x : x);
    const segments = trees.map((tree) => this.#segment(tree, depth));
    this.#draft.push({
      kind: 'contraction',
      name: segments.map((s) => s.name).join('+'),
      x: from,
      depth,
      prologue: { norm: source && this.#norm(source, depth), codes: false },
      segments,
    });
  }

  #segment({ root, streams, heads }: Tree, depth: number): Segment {
    if (heads) return this.#heads.segment(root, heads, depth);
    const rows = features(root);
    const value = this.#element(root.id, streams);
    const name = streams.map((s) => this.#draft.view.weightName(s)).join('+');
    const packs = streams.map((s) =>
      this.#draft.tensors.matrix(this.#draft.view.linear(s).weight, { kind: 'plain', rows }, depth, false),
    );
    const isLogits = this.#role === 'end' && this.#draft.view.body.result === root.id;
    const to: Destination = isLogits
      ? { kind: 'logits' }
      : { kind: 'buffer', buffer: this.#draft.valueOfNode(root), order: { kind: 'same' } };
    return { name, streams: packs, rows, stores: [{ to, value }] };
  }

  /** The expression tree of a node. Linears are streams; values with a buffer are leaves. */
  #element(v: ValueId, streams: readonly Node[]): ElementExpr {
    const buffer = this.#draft.existing(v);
    if (buffer !== undefined) return { kind: 'buffer', buffer };
    const node = this.#draft.view.body.nodes[v]!;
    const { op } = node;
    const inner = (x: ValueId) => this.#element(x, streams);
    switch (op.kind) {
      case 'linear':
        return this.#draft.biased(streams.indexOf(node), op.bias, { kind: 'plain', rows: features(node) });
      case 'map':
        return { kind: 'apply', fn: op.fn, args: op.args.map(inner) };
      case 'scale':
        return { kind: 'apply', fn: 'mul', args: [inner(op.x), { kind: 'constant', value: op.by }] };
      default:
        throw new Error(`${op.kind} cannot be part of an element-wise expression`);
    }
  }
}

type NormOp = Extract<Op, { readonly kind: 'rmsNorm' | 'layerNorm' }>;

function normOf({ id, op }: Node): NormOp {
  if (op.kind !== 'rmsNorm' && op.kind !== 'layerNorm') throw new Error(`value ${id} is not a norm`);
  return op;
}
