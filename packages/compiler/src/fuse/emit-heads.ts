/**
 * Fusion, step 2, for heads: projections that write heads in attention's layout, attention itself,
 * and the keys and values that are stored in the state.
 *
 * RoPE becomes arithmetic on two streams: the weights of the first and second features of all pairs
 * are stored as two interleaved matrices, so both features of a pair are computed in one lane and
 * no lane moves.
 */
import type { Node, Rope } from '@lamella/graph/ir';
import type { BufferId, ElementExpr, HeadsDestination, RowOrder, Segment } from '../program/ir.ts';
import type { RowMap } from '../program/packs.ts';
import type { Draft } from './draft.ts';
import { type Attention, type Group, type Heads, isPlain, pairingOf } from './match.ts';

/** The window of an attention if it is smaller than the context; null otherwise. */
export function windowWithin({ window }: Attention, context: number): number | null {
  return window !== null && window < context ? window : null;
}

export class HeadsEmitter {
  readonly #draft: Draft;
  /** The largest window of the attentions on a state, in any kind. */
  readonly #largestWindow: (state: number) => number | null;
  /** The values of queries in attention's layout. */
  readonly #queries = new Map<Heads, BufferId>();

  constructor(draft: Draft, largestWindow: (state: number) => number | null) {
    this.#draft = draft;
    this.#largestWindow = largestWindow;
  }

  /** The segment of a contraction that writes the heads `wanted`. */
  segment(linear: Node, wanted: Heads, depth: number): Segment {
    return wanted.rope
      ? this.#rotatedHeads(linear, wanted, wanted.rope, depth)
      : this.#plainHeads(linear, wanted, depth);
  }

  /**
   * Heads with RoPE: two streams, the halves of all heads, whose results at the same row are
   * rotated.
   */
  #rotatedHeads(linear: Node, wanted: Heads, rope: Rope, depth: number): Segment {
    const { heads, headDim, layout } = wanted;
    const { half, stride } = layout;
    const { weight, bias } = this.#draft.view.linear(linear);
    const pairing = pairingOf(rope, headDim);
    const map = (which: 0 | 1): RowMap => ({ kind: 'half', heads, headDim, stride: half, which, pairing });
    const streams = ([0, 1] as const).map((which) => this.#draft.tensors.matrix(weight, map(which), depth, true));
    const table = this.#draft.angles(rope, headDim);
    const [a, b] = ([0, 1] as const).map((which) => this.#draft.biased(which, bias, map(which))) as [
      ElementExpr,
      ElementExpr,
    ];
    const angle = (part: 'cos' | 'sin'): ElementExpr => ({ kind: 'rope', part, table, half });
    const times = (a: ElementExpr, b: ElementExpr): ElementExpr => ({ kind: 'apply', fn: 'mul', args: [a, b] });
    const values: readonly ElementExpr[] = [
      { kind: 'apply', fn: 'sub', args: [times(a, angle('cos')), times(b, angle('sin'))] },
      { kind: 'apply', fn: 'add', args: [times(b, angle('cos')), times(a, angle('sin'))] },
    ];
    const name = this.#draft.view.weightName(linear);
    const to = this.#headsDestination(wanted, name);
    const stores = values.map((value, i) => {
      const order: RowOrder = { kind: 'head', half, stride, plane: i === 0 ? 0 : 1 };
      return { to: { ...to, order }, value };
    });
    return { name, streams, rows: heads * half, stores };
  }

  /** Heads without RoPE, padded to whole vectors. */
  #plainHeads(linear: Node, wanted: Heads, depth: number): Segment {
    const { heads, headDim } = wanted;
    const { stride } = wanted.layout;
    const rows: RowMap = { kind: 'heads', heads, headDim, stride };
    const { weight, bias } = this.#draft.view.linear(linear);
    const name = this.#draft.view.weightName(linear);
    const order: RowOrder = { kind: 'head', half: stride, stride, plane: 0 };
    return {
      name,
      streams: [this.#draft.tensors.matrix(weight, rows, depth, true)],
      rows: heads * stride,
      stores: [{ to: { ...this.#headsDestination(wanted, name), order }, value: this.#draft.biased(0, bias, rows) }],
    };
  }

  /** Attention, with the moves of heads that it needs before and after it. */
  attention({ node, queries: q, appends, state: layouts }: Extract<Group, { kind: 'attention' }>): void {
    if (node.op.kind !== 'attention') throw new Error(`value ${node.id} is not an attention`);
    const { heads, kvHeads, headDim, scale, softcap, state } = node.op;
    const name = node.path || 'attention';
    const queries = this.#queries.get(q) ?? this.#queriesOf(q, name);
    for (const each of appends)
      if (!each.isFused) this.#move(each, this.#headsDestination(each, name), `${name}.${each.role}`);
    const valueStride = layouts.values.stride;
    const out = this.#draft.headsValue(name, heads * valueStride);
    const parts = {
      k: this.#partOf('k', state),
      v: this.#partOf('v', state),
      heads,
      kvHeads,
      scale,
      window: windowWithin(node.op, this.#draft.common.context),
      softcap,
      keyStride: layouts.keys.stride,
      valueStride,
    };
    this.#draft.push({ kind: 'attention', name, q: queries, ...parts, codes: null, out });
    if (valueStride === headDim) {
      this.#draft.bind(node.id, out);
      return;
    }
    const to = { kind: 'buffer', buffer: this.#draft.valueOfNode(node) } as const;
    const layout = { pairing: null, half: headDim, stride: headDim };
    this.#draft.push({
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

  /**
   * Queries that no linear writes in attention's layout: the value itself if its layout fits, else
   * a moved copy.
   */
  #queriesOf(q: Heads, name: string): BufferId {
    if (q.rope === null && isPlain(q.layout, q.headDim)) return this.#draft.valueAt(q.source);
    const to = this.#headsDestination(q, `${name}.q`);
    this.#move(q, to, `${name}.q`);
    return this.#queries.get(q)!;
  }

  #move({ source, heads, headDim, rope, layout }: Heads, to: HeadsDestination, name: string): void {
    const turn = rope && { table: this.#draft.angles(rope, headDim), pairing: pairingOf(rope, headDim) };
    this.#draft.push({
      kind: 'heads',
      name,
      x: this.#draft.valueAt(source),
      heads,
      headDim,
      stride: headDim,
      rope: turn,
      layout,
      to,
    });
  }

  /** The destination of heads: a new value for queries, a part of the state for keys and values. */
  #headsDestination(wanted: Heads, name: string): HeadsDestination {
    const { role, heads, layout } = wanted;
    if (role === 'q') {
      const buffer = this.#draft.headsValue(name, heads * layout.stride);
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
    return { kind: 'state', part: this.#draft.state.push(part) - 1 };
  }

  /** The state part of keys or of values; one part if they are the same. */
  #partOf(role: 'k' | 'v', state: number): number {
    const names = [`both${state}`, `${role === 'k' ? 'keys' : 'values'}${state}`];
    return this.#draft.state.findIndex(({ name }) => names.includes(name));
  }
}
