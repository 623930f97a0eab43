/**
 * Fusion, step 1: groups the nodes of a body that run together. Linears over one x are one group. A
 * norm that only they read is the group's prologue, and element-wise functions of a linear's result
 * are its tree. Heads that a linear makes for attention alone are written in attention's layout.
 * Every other node is a group of its own. This step only finds groups; `emit` makes the operations.
 */
import { features, type Node, type Op, operands, type Rope, type ValueId } from '@lamella/graph/ir';
import type { HeadLayout } from '../program/ir.ts';
import { type Pairing, padded, samePairing } from '../program/packs.ts';
import type { BodyView } from './body-view.ts';

export type Attention = Extract<Op, { kind: 'attention' }>;
export type Role = 'q' | 'k' | 'v';

/** The heads of a value that attention reads. */
export interface Heads {
  readonly role: Role;
  readonly attention: Node;
  /** [heads * headDim], adjacent heads. */
  readonly source: ValueId;
  readonly heads: number;
  readonly headDim: number;
  /**
   * The rotation to apply when they are moved; null if there is none, or if another node reads the
   * rotated value.
   */
  readonly rope: Rope | null;
  readonly layout: HeadLayout;
  /** Whether the linear that computes the source writes them in this layout itself. */
  readonly isFused: boolean;
}

/** The layouts of keys and values in a state; all attentions on the state use them. */
export interface StateHeads {
  readonly keys: HeadLayout;
  readonly values: HeadLayout;
}

/**
 * The inputs of an attention. The first attention on a state appends keys and values to it: its
 * `appends`.
 */
export interface AttentionHeads {
  readonly queries: Heads;
  /** k and v, or one for both. */
  readonly appends: readonly Heads[];
  readonly state: StateHeads;
}

/** An element-wise expression over linears of one group. */
export interface Tree {
  readonly root: Node;
  /** The linears, in the order in which the expression names them. */
  readonly streams: readonly Node[];
  /** The heads that it writes, if it is a single linear that only attention reads. */
  readonly heads: Heads | null;
}

export type Group =
  | { readonly kind: 'embed'; readonly node: Node }
  | { readonly kind: 'contraction'; readonly x: ValueId; readonly norm: Node | null; readonly trees: readonly Tree[] }
  | ({ readonly kind: 'attention'; readonly node: Node } & AttentionHeads)
  | { readonly kind: 'normalise'; readonly node: Node }
  | { readonly kind: 'convolution'; readonly node: Node }
  | { readonly kind: 'rope'; readonly node: Node }
  | { readonly kind: 'map'; readonly node: Node };

/** Most linears of one tree: SwiGLU has two, and a GPU workgroup has memory for the sums of few. */
const MOST_STREAMS = 2;

/** The groups of a body and the layouts of its states. */
export interface Matched {
  readonly groups: readonly Group[];
  readonly states: ReadonlyMap<number, StateHeads>;
}

/**
 * The groups of a body, ordered so that each reads only results of earlier groups. `filled` are the
 * states that an earlier execution writes.
 */
export function match(view: BodyView, filled: ReadonlyMap<number, StateHeads>): Matched {
  const { body } = view;
  const states = new Map(filled);
  const heads = new Map(
    body.nodes.flatMap((n) => (n.op.kind === 'attention' ? [[n.id, headsOf(view, n, n.op, states)] as const] : [])),
  );
  const all = [...heads.values()].flatMap(({ queries, appends }) => [queries, ...appends]);
  const groups: Group[] = [];
  /** Values that earlier groups have written and that any group can read. */
  const ready = new Set<ValueId>();
  /** Nodes that belong to a group. */
  const grouped = new Set<ValueId>();
  for (const node of body.nodes) {
    if (grouped.has(node.id)) continue;
    const { op } = node;
    switch (op.kind) {
      case 'tokens':
      case 'input':
        break;
      case 'embed':
      case 'positions':
        groups.push({ kind: 'embed', node });
        break;
      case 'linear': {
        const trees = treesOver(op.x);
        groups.push({
          kind: 'contraction',
          x: op.x,
          norm: isPrologue(view, body.nodes[op.x]!) ? body.nodes[op.x]! : null,
          trees,
        });
        for (const { root } of trees) ready.add(root.id);
        continue;
      }
      case 'rmsNorm':
      case 'layerNorm':
        if (isPrologue(view, node)) continue;
        groups.push({ kind: 'normalise', node });
        break;
      case 'attention':
        groups.push({ kind: 'attention', node, ...heads.get(node.id)! });
        break;
      case 'rope':
        if (all.some((h) => h.rope !== null && readerOf(view, node) === h.attention && sourceOf(node) === h.source))
          continue;
        groups.push({ kind: 'rope', node });
        break;
      case 'causalConv':
        groups.push({ kind: 'convolution', node });
        break;
      case 'map':
      case 'scale':
        groups.push({ kind: 'map', node });
        break;
      case 'stack':
        throw new Error('a stack is rows of the table, which `share` has made of it');
      default:
        op satisfies never;
    }
    ready.add(node.id);
  }
  return { groups, states };

  /** The trees over the linears of x; each linear is in one tree. */
  function treesOver(x: ValueId): readonly Tree[] {
    const linears = body.nodes.filter((n) => n.op.kind === 'linear' && n.op.x === x);
    const trees: Tree[] = [];
    for (const linear of linears) {
      if (grouped.has(linear.id)) continue;
      const own = all.find((h) => h.isFused && h.source === linear.id) ?? null;
      const root = own ? linear : grow(linear, linears);
      const streams = own ? [linear] : streamsOf(root);
      trees.push({ root, streams, heads: own });
      take(root);
    }
    return trees;
  }

  /**
   * Marks the nodes of a tree as grouped, except nodes that others also read: those are computed
   * twice.
   */
  function take(node: Node): void {
    if (ready.has(node.id)) return;
    grouped.add(node.id);
    if (node.op.kind === 'linear') return;
    for (const v of new Set(operands(node.op))) {
      const operand = body.nodes[v]!;
      if (v !== body.result && view.usersOf(operand).every((user) => grouped.has(user.id))) take(operand);
    }
  }

  /**
   * The root of the tree: from a linear through element-wise users whose other operands are ready
   * or in `linears`.
   */
  function grow(linear: Node, linears: readonly Node[]): Node {
    let root = linear;
    for (;;) {
      const user = view.onlyUser(root);
      if (!user || !isElementwise(user.op) || !fits(user, linears, features(linear))) return root;
      if (streamsOf(user).length > MOST_STREAMS) return root;
      root = user;
    }
  }

  /**
   * Whether the leaves of this tree are ready values, or linears of `rows` rows that no other node
   * reads.
   */
  function fits(node: Node, linears: readonly Node[], rows: number): boolean {
    if (ready.has(node.id)) return true;
    if (linears.includes(node)) return !grouped.has(node.id) && features(node) === rows && view.onlyUser(node) !== null;
    return isElementwise(node.op) && operands(node.op).every((v) => fits(body.nodes[v]!, linears, rows));
  }

  function streamsOf(node: Node): readonly Node[] {
    if (ready.has(node.id)) return [];
    if (node.op.kind === 'linear') return [node];
    return [...new Set(operands(node.op).flatMap((v) => streamsOf(body.nodes[v]!)))];
  }
}

function isElementwise(op: Op): boolean {
  return op.kind === 'map' || op.kind === 'scale';
}

/** Whether only linears read a norm; the norm is then the prologue of their contraction. */
function isPrologue(view: BodyView, node: Node): boolean {
  return (
    (node.op.kind === 'layerNorm' || (node.op.kind === 'rmsNorm' && node.op.heads === 1)) &&
    view.body.result !== node.id &&
    view.usersOf(node).every((user) => user.op.kind === 'linear')
  );
}

/**
 * The only node that reads a value; for keys or values of several attentions on one state, the
 * first attention.
 */
function readerOf(view: BodyView, node: Node): Node | null {
  const [first, ...others] = view.usersOf(node);
  if (!first || view.body.result === node.id) return null;
  const shares = ({ op }: Node): boolean =>
    op.kind === 'attention' && first.op.kind === 'attention' && op.state === first.op.state && op.q !== node.id;
  return others.every(shares) ? first : null;
}

/**
 * The heads that attention reads. Queries and keys are multiplied feature by feature, so they have
 * one layout, which the first attention on a state chooses. If the keys are also the values, their
 * layout is plain, because results have the layout of values.
 */
function headsOf(view: BodyView, attention: Node, op: Attention, states: Map<number, StateHeads>): AttentionHeads {
  const { nodes } = view.body;
  const { k: keysOf, v: valuesOf } = op;
  const isOne = keysOf === valuesOf;
  const read = isOne ? [op.q, keysOf] : [op.q, keysOf, valuesOf];
  const found = (role: Role, value: ValueId) => {
    const node = nodes[value]!;
    const once = read.filter((v) => v === node.id).length === 1;
    const rotates =
      role !== 'v' &&
      once &&
      node.op.kind === 'rope' &&
      node.op.headDim === op.headDim &&
      readerOf(view, node) === attention;
    const rope = rotates && node.op.kind === 'rope' ? node.op : null;
    const source = rope ? nodes[rope.x]! : node;
    const reader = rope ? view.onlyUser(source) : readerOf(view, source);
    const alone = once && source.op.kind === 'linear' && reader === (rope ? node : attention);
    return { role, source: source.id, rope: rope?.rope ?? null, alone };
  };
  const known = states.get(op.state);
  const q = found('q', op.q);
  const [k, v] = [keysOf === null ? null : found('k', keysOf), valuesOf === null ? null : found('v', valuesOf)];
  const turned = [k, q].find((each) => each && each.rope !== null && each.alone)?.rope;
  const wanted = turned ? pairingOf(turned, op.headDim) : null;
  const pairing = isOne && !isPlain(headLayout(op.headDim, wanted), op.headDim) ? null : wanted;
  const plain = headLayout(op.headDim, null);
  const keys = known?.keys ?? headLayout(op.headDim, pairing);
  const state = known ?? { keys, values: isOne ? keys : plain };
  states.set(op.state, state);
  const fits = ({ rope, alone }: typeof q): boolean =>
    alone &&
    (rope
      ? samePairing(pairingOf(rope, op.headDim), keys.pairing)
      : isPlain(keys, op.headDim) || keys.pairing === null);
  const heads = ({ role, source, rope }: typeof q, isFused: boolean, layout: HeadLayout): Heads => ({
    role,
    attention,
    source,
    rope,
    heads: role === 'q' ? op.heads : op.kvHeads,
    headDim: op.headDim,
    layout,
    isFused,
  });
  const appended = [...(k ? [heads(k, fits(k), keys)] : []), ...(v && !isOne ? [heads(v, v.alone, plain)] : [])];
  return { queries: heads(q, fits(q), keys), appends: known ? [] : appended, state };
}

/** The pairing of a rotation in heads of `headDim` features. */
export function pairingOf({ pairing: by, dims }: Rope, headDim: number): Pairing {
  return { by, dims: dims === headDim ? null : (dims ?? null) };
}

/**
 * The layout in which attention reads heads: padded to whole vectors, and in two planes if rotated.
 */
function headLayout(headDim: number, pairing: HeadLayout['pairing']): HeadLayout {
  const half = padded(pairing ? headDim / 2 : headDim, 4);
  return { pairing, half, stride: pairing ? 2 * half : half };
}

/** Whether the layout stores features in the order of a value, without padding. */
export function isPlain({ pairing, half, stride }: HeadLayout, headDim: number): boolean {
  const isWhole = pairing?.by === 'half' && pairing.dims === null && half === headDim / 2;
  return stride === headDim && (pairing === null || isWhole);
}

function sourceOf({ op }: Node): ValueId | null {
  return op.kind === 'rope' ? op.x : null;
}
