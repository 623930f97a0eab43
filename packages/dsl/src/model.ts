/**
 * `defineModel`: makes the weights, names them, traces every body and builds the `Graph`. Equal
 * bodies become one `BlockKind`, so the size of the graph's code does not depend on the depth of a
 * stack.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { distinct } from '@lamella/graph/distinct';
import type { Axis, BlockKind, Body, Execution, Graph, Stack, WeightSet } from '@lamella/graph/ir';
import { readingBody } from '@lamella/graph/reading';
import { statesOf } from '@lamella/graph/verify';
import { callback, declared, optional, options, text } from './arguments.ts';
import { type GivesLogits, sameAxes, showAxes } from './axes.ts';
import { type Block, type StackRecipe, stackRecipe } from './block.ts';
import { describe } from './describe.ts';
import { reads, sourcesOf } from './kv.ts';
import { dotted, type Module, moduleInfo, nameTree, type Parameter, type Scope, type Tree } from './module.ts';
import { checkKey, checkModelName } from './names.ts';
import { original } from './original.ts';
import { capture } from './site.ts';
import { Tensor } from './tensor.ts';
import { Trace } from './trace.ts';
import { type NamedParameter, WeightTable } from './weights.ts';

/** Options of `defineModel`. */
export interface ModelOptions {
  /** The start of every weight's name, without the dot. Default: empty. */
  readonly prefix?: string | undefined;
}

/**
 * Defines a model. `init` returns its modules under their checkpoint names (all below `prefix`, if
 * given); `body` computes logits [t, vocab] from `input(t)`. Both run once, during this call. The
 * result is frozen plain data.
 *
 * A weight is named after the first place of its module; places in the model itself come before
 * places in a stack. To name a module that blocks share, return it from this `init` too:
 * `() => ({ ..., shared_mlp, layers: stack(...) })`.
 *
 * Throws an L1xx error for a mistake in the model.
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
 *   (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
 * );
 *
 * export default defineModel(
 *   'my-model',
 *   { prefix: 'model' }, // the checkpoint has model.embed_tokens.weight, model.layers.0.norm.weight, ...
 *   () => ({ embed_tokens: embedding(vocab, d), layers: stack(4, layer), norm: rmsNorm(d) }),
 *   (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
 * );
 */
export const defineModel = declared(
  'defineModel',
  {
    name: text,
    options: options({ prefix: optional(text) }, "{ prefix: 'model' }, or {}"),
    init: callback('() => ({ embed_tokens: embedding(vocab, d), layers: stack(4, layer), norm: rmsNorm(d) })'),
    body: callback('(m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t)))))'),
  },
  <W extends Tree, R extends Tensor>(
    name: string,
    { prefix = '' }: ModelOptions,
    init: () => W,
    body: GivesLogits<R, (m: W) => R>,
  ): Graph => {
    const site = capture();
    checkModelName(name, site);
    if (prefix !== '') checkKey(prefix, site);
    const scope = nameTree(init(), '', site);
    const stacks = makeStacks(scope);
    const traced = new Map(stacks.map((made) => [made.module, made.sets.map((set) => traceBlock(set, made.place))]));
    const bodies = new Map(stacks.map((made) => [made.module, asRun(made, traced.get(made.module)!)]));
    const idle = (parameter: Parameter, { module }: MadeStack, set: number): boolean =>
      traced.get(module)![set]!.parameters.includes(parameter) &&
      !bodies.get(module)![set]!.parameters.includes(parameter);
    const weights = new WeightTable(namedParametersOf(scope, stacks, prefix, idle));
    const kinds = new KindTable();
    const weightSets = new Map<Module, readonly WeightSet[]>();
    for (const { module, place } of stacks) {
      const bound = bodies.get(module)!.map((set): WeightSet => {
        return { kind: kinds.add(set, place), weights: weights.bind(set.parameters) };
      });
      weightSets.set(module, bound);
    }

    const trace = new Trace(scope, '', true);
    const result = trace.run(() => (body as (m: W) => unknown)(scope.tree as W));
    if (!(result instanceof Tensor))
      throw new LamellaError(
        'L109',
        { got: returned(result), remedy: missing(result, logits) },
        { place: name, site: trace.siteOf() ?? site() },
      );
    const root = trace.finish(trace.own(result));
    const { tokens, vocab } = outerAxes(root, name);
    const calls = trace.stackCalls.map((module) => stacks.find((made) => made.module === module)!);
    const uncalled = stacks.find((made) => !calls.includes(made));
    if (uncalled)
      throw new LamellaError('L122', { name: uncalled.place }, { site: uncalled.module[moduleInfo].site() });
    const run = slots(calls, weightSets, traced);
    const rootWeights = weights.bind(trace.parameters);
    weights.checkUsed();
    return original({ name, tokens, vocab, weights: weights.list, kinds: kinds.list, stacks: run, root, rootWeights });
  },
);

/** Describes what a body returned instead of a value of the model. */
function returned(result: unknown): string {
  return result === undefined ? 'nothing' : describe(result);
}

/** The remedy for a body that returned `result`, and should end with `end`. */
function missing(result: unknown, end: string): string {
  if (result instanceof Promise) return 'a body without async';
  return result === undefined ? `a return in the body: return ${end}` : `a body that returns ${end}`;
}

/** The end of most models. */
const logits = 'embedding.logits(x)';

/** One weight set of a block. */
interface MadeSet {
  readonly block: Block;
  readonly scope: Scope;
}

interface MadeStack {
  readonly module: Module;
  readonly recipe: StackRecipe;
  /** The stack's name below the prefix, e.g. `layers`. */
  readonly place: string;
  readonly sets: readonly MadeSet[];
}

/** Runs each block's `init` once per weight set. */
function makeStacks(scope: Scope): readonly MadeStack[] {
  return [...scope.modules].flatMap(([module, place]) => {
    const recipe = stackRecipe(module);
    if (!recipe) return [];
    const sets = recipe.blocks.map((block): MadeSet => {
      const inner = nameTree(block.init(), place, block.site);
      for (const [child, path] of inner.modules) if (stackRecipe(child)) throw nested(child, dotted(place, path));
      return { block, scope: inner };
    });
    return [{ module, recipe, place, sets }];
  });
}

function nested(module: Module, place: string): LamellaError {
  const args = { op: 'stack', reason: 'a block cannot hold a stack', remedy: "both stacks in the model's own init" };
  return new LamellaError('L116', args, { place, site: module[moduleInfo].site() });
}

/**
 * The body of each weight set as it runs. If all executions of a set read the keys and values of
 * others, the operations that only compute keys and values are removed.
 */
function asRun({ recipe }: MadeStack, traced: readonly TracedBlock[]): readonly TracedBlock[] {
  const sets = recipe.sharing.indices(traced.length);
  const sources = sourcesOf(recipe.kv, sets);
  return traced.map((block, set) => {
    const hasOwn = sets.some((each, execution) => each === set && sources[execution] === execution);
    if (hasOwn || statesOf(block.body()).length === 0) return block;
    const { body, params } = readingBody(block.body());
    const parameters = params.map((p) => block.parameters[p]!);
    return { ...block, key: `reading ${block.key}`, parameters, body: () => body };
  });
}

/**
 * Every place of a weight with its checkpoint name, in checkpoint order, without weights that are
 * `idle` in their set.
 */
function namedParametersOf(
  scope: Scope,
  stacks: readonly MadeStack[],
  prefix: string,
  idle: (parameter: Parameter, made: MadeStack, set: number) => boolean,
): readonly NamedParameter[] {
  const name = (...parts: readonly (string | number)[]): string => dotted(prefix, ...parts);
  return [...scope.modules].flatMap(([module, path]): readonly NamedParameter[] => {
    const made = stacks.find((s) => s.module === module);
    if (!made) {
      const own = Object.values(module[moduleInfo].children);
      const parameters = [...scope.parameters].filter(([parameter]) => own.includes(parameter));
      return parameters.map(([parameter, local]) => ({ parameter, name: name(local), outer: true }));
    }
    return made.sets.flatMap(({ scope: inner }, i) =>
      [...inner.parameters]
        .filter(([parameter]) => !idle(parameter, made, i))
        .map(([parameter, local]) => ({ parameter, name: name(path, i, local), outer: false })),
    );
  });
}

interface TracedBlock {
  readonly block: Block;
  readonly key: string;
  readonly parameters: readonly Parameter[];
  readonly body: () => Body;
}

/** Runs a block's body on symbolic values. Throws L108 and the errors of its operations. */
function traceBlock({ block, scope }: MadeSet, place: string): TracedBlock {
  const trace = new Trace(scope, place, false);
  const x = trace.emit({ kind: 'input' }, block.axes, block.site);
  const result = trace.run(() => block.body(scope.tree, x));
  const value = result instanceof Tensor ? trace.own(result) : undefined;
  if (!value || !sameAxes(value.axes, block.axes)) {
    const expected = showAxes(block.axes);
    const got = value ? showAxes(value.axes) : returned(result);
    const remedy = value
      ? `ending with residual(...) or a linear back to ${expected}`
      : missing(result, 'residual(...)');
    throw new LamellaError('L108', { expected, got, remedy }, { place, site: trace.siteOf(value) });
  }
  return { block, key: trace.key(value), parameters: trace.parameters, body: () => trace.finish(value) };
}

/** The distinct traced bodies. */
class KindTable {
  readonly list: BlockKind[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #names = new Set<string>();

  /**
   * The index of the kind equal to this block. A new kind is named after its stack: `layers`,
   * `layers_2`, ...
   */
  add({ block, key, body }: TracedBlock, place: string): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const index = this.list.length;
    this.list.push({ name: distinct(place, this.#names), body: body(), site: block.site() });
    this.#byKey.set(key, index);
    return index;
  }
}

/**
 * One `Stack` per call of a stack. Each execution, in running order, gets a new state slot, or the
 * slot of the execution that it reads. With `kv: 'perSet'`, later calls read the slots of the first.
 */
function slots(
  calls: readonly MadeStack[],
  sets: ReadonlyMap<Module, readonly WeightSet[]>,
  traced: ReadonlyMap<Module, readonly TracedBlock[]>,
): readonly Stack[] {
  let slot = 0;
  const perSet = new Map(calls.map(({ module }) => [module, new Map<number, number>()]));
  return calls.map(({ module, recipe, place }) => {
    const weightSets = sets.get(module)!;
    const { kind, text, indices } = recipe.sharing;
    const order = indices(weightSets.length);
    const sources = sourcesOf(recipe.kv, order);
    const bodyOf = (execution: number): Body => traced.get(module)![order[execution]!]!.body();
    const where = { place, site: module[moduleInfo].site() };
    const slotOfSet = perSet.get(module)!;
    const executions: Execution[] = [];
    for (const [execution, weightSet] of order.entries()) {
      const source = sources[execution]!;
      const filled = recipe.kv === 'perSet' ? slotOfSet.get(weightSet) : executions[source]?.slot;
      const canRead = filled !== undefined && reads(recipe.kv, execution, [bodyOf(execution), bodyOf(source)], where);
      executions.push(canRead ? { weightSet, slot: filled, reads: true } : { weightSet, slot: slot++ });
      if (!slotOfSet.has(weightSet)) slotOfSet.set(weightSet, executions[execution]!.slot);
    }
    return { name: place, weightSets, executions, sharing: { kind, text } };
  });
}

/** The token axis and the size of the vocabulary. Throws L109 if the result is not logits. */
function outerAxes(root: Body, name: string): { readonly tokens: Axis; readonly vocab: number } {
  const [tokens, features] = root.nodes[root.result]?.axes ?? [];
  const tables = root.nodes.flatMap(({ op }) => (op.kind === 'embed' ? [root.params[op.table]!.shape[0]] : []));
  if (!tokens || !features || tables.some((rows) => rows !== features.size)) {
    const got = showAxes(root.nodes[root.result]?.axes ?? []);
    throw new LamellaError(
      'L109',
      { got, remedy: `${logits}, or a linear to the vocabulary axis` },
      { place: name, site: root.nodes[root.result]?.site ?? null },
    );
  }
  return { tokens, vocab: features.size };
}
