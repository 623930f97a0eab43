/**
 * Blocks and stacks. A block is a recipe: `init` makes one set of weights, `body` says what it computes. A stack holds `count` weight sets
 * and runs them in a sharing order. Weight set, execution and state slot stay three things (see the graph IR).
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis } from '@lamella/graph/ir';
import { type Along, type FitAll, type GivesBack, sameAxes, showAxes, type Uniform } from './axes.ts';
import { asModule, type Module, type Tree } from './module.ts';
import { type Sharing, unshared } from './share.ts';
import { type Capture, capture } from './site.ts';
import { activeTrace, type Tensor } from './trace.ts';

/** A block from `axes` to the same `axes`, made by `block`. */
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
 * Defines a block on values of `axes`, usually [t, d]. `init` runs once per weight set and returns modules under their checkpoint names; a
 * module made outside of it is the same set of weights everywhere. `body` is traced, and must return `axes` (L108).
 */
export function block<const Axes extends readonly Axis[], W extends Tree, R extends Tensor>(
  axes: Axes,
  init: () => W,
  body: GivesBack<R, Axes, (w: W, x: Tensor<Axes>) => R>,
): Block<Axes> {
  return new Block(axes, init, body as unknown as (w: Tree, x: Tensor) => unknown, capture());
}

/** Weight sets of blocks, callable with the value they run on. */
export interface Stack<Axes extends readonly Axis[]> extends Module {
  <X extends Tensor>(x: FitAll<X, Axes>): Along<X, Axes>;
}

/** What a stack is made of; the model reads it when it is defined. */
export interface StackRecipe {
  /** One block per weight set. */
  readonly blocks: readonly Block[];
  readonly sharing: Sharing;
}

const recipes = new WeakMap<Module, StackRecipe>();

/** The recipe of a module that `stack` made, else null. */
export function stackRecipe(module: Module): StackRecipe | null {
  return recipes.get(module) ?? null;
}

/**
 * `count` weight sets of a block, named `0`, `1`, ... in the checkpoint, executed in the order that `sharing` says (once each without it). A
 * function of the index lets a stack mix blocks. Every execution has a state slot of its own; calling a stack twice runs it twice.
 * Throws L101 when the blocks differ in axes, L105, L106, L107, L111.
 */
export function stack<B extends Block>(
  count: number,
  blocks: Uniform<B['axes'], B | ((index: number) => B)>,
  sharing: Sharing = unshared,
): Stack<B['axes']> {
  const site = capture();
  const isCount = Number.isSafeInteger(count) && count >= 1;
  const recipe = blocks as B | ((index: number) => B);
  const list = Array.from({ length: isCount ? count : 0 }, (_, i) => (recipe instanceof Block ? recipe : recipe(i)));
  const call = (x: Tensor): Tensor => activeTrace().runStack(module, x, list[0]!.axes);
  const check = (place: string): void => {
    const where = { place, site: site() };
    if (!isCount) throw new LamellaError('L105', { count }, where);
    const axes = list[0]!.axes;
    for (const { axes: odd, site: at } of list) {
      if (sameAxes(odd, axes)) continue;
      const args = { got: showAxes(odd), expected: showAxes(axes), remedy: 'blocks of the same axes in one stack' };
      throw new LamellaError('L101', args, { place, site: at() });
    }
    sharing.check(count, place);
  };
  const module: Module = asModule(call, { made: 'stack', children: {}, site, check });
  recipes.set(module, { blocks: list, sharing });
  return module as Stack<B['axes']>;
}
