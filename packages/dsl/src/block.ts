/**
 * Blocks and stacks. A block is a recipe: `init` makes one weight set, `body` computes with it. A
 * stack holds `count` weight sets and runs them in a sharing order. Weight sets, executions and
 * state slots are separate (see the graph IR).
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis } from '@lamella/graph/ir';
import { axes, callback, checkValue, declared, type Kind, number, optional, options, tensor } from './arguments.ts';
import { type Along, type FitAll, type GivesBack, sameAxes, showAxes, type Uniform } from './axes.ts';
import { checkSources, type KvSharing, kvSharing } from './kv.ts';
import { checkCount, mostExecutions, mostWeightSets } from './limits.ts';
import { asModule, isModule, type Module, type Tree } from './module.ts';
import { type Sharing, sharing as sharingOrder, unshared } from './share.ts';
import { type Capture, capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

/** A block whose input and output have `axes`, made by `block`. */
export class Block<Axes extends readonly Axis[] = readonly Axis[]> {
  readonly axes: Axes;
  /** @internal */
  readonly init: () => Tree;
  /** @internal */
  readonly body: (w: Tree, x: Tensor) => unknown;
  /** @internal */
  readonly site: Capture;

  constructor(axes: Axes, init: () => Tree, body: (w: Tree, x: Tensor) => unknown, site: Capture) {
    this.axes = axes;
    this.init = init;
    this.body = body;
    this.site = site;
  }
}

/**
 * Defines a block on values of `axes`, usually [t, d]. `init` runs once per weight set and returns
 * modules under their checkpoint names; all weight sets share a module that is made outside `init`.
 * `body` is traced and must return a value of `axes` (L108).
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
 *   (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
 * );
 */
export const block = declared(
  'block',
  {
    axes,
    init: callback('() => ({ norm: rmsNorm(d) })'),
    body: callback('(w, x) => residual(x, (x) => w.norm(x))'),
  },
  <const Axes extends readonly Axis[], W extends Tree, R extends Tensor>(
    axes: Axes,
    init: () => W,
    body: GivesBack<R, Axes, (w: W, x: Tensor<Axes>) => R>,
  ): Block<Axes> => new Block(axes, init, body as unknown as (w: Tree, x: Tensor) => unknown, capture()),
);

const aBlock: Kind = {
  words: 'a block',
  example: 'stack(4, layer), where layer = block(...)',
  holds: (value) => value instanceof Block,
};

const blockOrRecipe: Kind = {
  words: 'a block, or a function of the index that returns one',
  example: aBlock.example,
  holds: (value) => value instanceof Block || (typeof value === 'function' && !isModule(value)),
};

/** A stack of blocks, callable with its input. */
export interface Stack<Axes extends readonly Axis[]> extends Module {
  <X extends Tensor>(x: FitAll<X, Axes>): Along<X, Axes>;
}

/** The parts of a stack, which `defineModel` reads. */
export interface StackRecipe {
  /** One block per weight set. */
  readonly blocks: readonly Block[];
  readonly sharing: Sharing;
  readonly kv: KvSharing;
}

/** Options of a stack. */
export interface StackOptions {
  /** The keys and values that executions read. Default: `'perExecution'`. */
  readonly kv?: KvSharing | undefined;
}

const recipes = new WeakMap<Module, StackRecipe>();

/** The recipe of a module that `stack` made; null for other modules. */
export function stackRecipe(module: Module): StackRecipe | null {
  return recipes.get(module) ?? null;
}

/**
 * `count` weight sets of a block, named `0`, `1`, ... in the checkpoint, executed in the order
 * `sharing` (default: once each). `blocks` may be a function of the index, to mix blocks. Every
 * execution has its own keys and values unless `kv` says otherwise; weights that only compute keys
 * and values that no execution reads are removed from the model. Calling a stack twice runs it
 * twice. Throws L101 if the axes of the blocks differ, and L105, L106, L107, L111, L127, L151.
 *
 * @example
 * stack(2, layer, share.immediate(2)); // weight sets A A B B, each execution with its own state
 */
export const stack = declared(
  'stack',
  {
    count: number('stack(4, layer)'),
    blocks: blockOrRecipe,
    sharing: optional(sharingOrder),
    options: optional(options({ kv: optional(kvSharing) }, kvSharing.example)),
  },
  <B extends Block>(
    count: number,
    blocks: Uniform<B['axes'], B | ((index: number) => B)>,
    sharing: Sharing = unshared,
    { kv = 'perExecution' }: StackOptions = {},
  ): Stack<B['axes']> => {
    const site = capture();
    const isCount = Number.isSafeInteger(count) && count >= 1;
    checkCount('weight sets in a stack', count, mostWeightSets, { site: site() });
    const recipe = blocks as B | ((index: number) => B);
    const list = Array.from({ length: isCount ? count : 0 }, (_, i) => (recipe instanceof Block ? recipe : recipe(i)));
    for (const [i, each] of list.entries()) checkValue('stack', `block ${i}`, each, aBlock);
    const call = declared('stack', { x: tensor }, (x: Tensor) => activeTrace().runStack(module, x, list[0]!));
    const check = (place: string): void => {
      const where = { place, site: site() };
      if (!isCount) throw new LamellaError('L105', { count, better: Math.max(1, Math.floor(count)) || 1 }, where);
      const axes = list[0]!.axes;
      for (const { axes: odd, site: at } of list) {
        if (sameAxes(odd, axes)) continue;
        const args = { got: showAxes(odd), expected: showAxes(axes), remedy: 'blocks of the same axes in one stack' };
        throw new LamellaError('L101', args, { place, site: at() });
      }
      sharing.check(count, place);
      checkCount('executions in a stack', sharing.executions(count), mostExecutions, where);
      checkSources(kv, sharing.indices(count), place, site);
    };
    const module: Module = asModule(call, { made: 'stack', axes: [], children: {}, site, check });
    recipes.set(module, { blocks: list, sharing, kv });
    return module as Stack<B['axes']>;
  },
);
