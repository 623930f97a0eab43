/**
 * Tracing: runs the author's body with symbolic values and records each operation as a node. One
 * trace makes one `Body`; a value belongs to the trace that made it.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import {
  type Axis,
  type Body,
  type Op,
  operands,
  type Param,
  type ParamId,
  type Site,
  type ValueId,
} from '@lamella/graph/ir';
import { sameAxes, sameAxis, showAxes, showAxis } from './axes.ts';
import { checkCount, mostOperations } from './limits.ts';
import { type Misfit, mend, mendTokens } from './mend.ts';
import { dotted, type Module, moduleInfo, type Parameter, type Scope } from './module.ts';
import { type Capture, capture } from './site.ts';
import { Tensor } from './tensor.ts';

interface Draft {
  readonly op: Op;
  readonly axes: readonly Axis[];
  readonly path: string;
  readonly module: Module | null;
  readonly site: Capture;
}

let active: Trace | null = null;

/** The trace in progress. Throws L110 if there is none. */
export function activeTrace(): Trace {
  if (!active) throw new LamellaError('L110', {}, { site: capture()() });
  return active;
}

/** Records one body. */
export class Trace {
  /** The name of the stack that the body belongs to; empty for the model itself. */
  readonly place: string;
  readonly isRoot: boolean;
  readonly #scope: Scope;
  readonly #drafts: Draft[] = [];
  readonly #params: Param[] = [];
  readonly #parameters = new Map<Parameter, ParamId>();
  readonly #stackCalls: Module[] = [];
  #path = '';
  #module: Module | null = null;
  #states = 0;

  constructor(scope: Scope, place: string, isRoot: boolean) {
    this.#scope = scope;
    this.place = place;
    this.isRoot = isRoot;
  }

  /** The weights used, in the order of `Body.params`. */
  get parameters(): readonly Parameter[] {
    return [...this.#parameters.keys()];
  }

  /** The module path being traced, for diagnostics. */
  get where(): string {
    return dotted(this.place, this.#path);
  }

  /** Runs the author's function with this trace active. */
  run<T>(body: () => T): T {
    const outer = active;
    active = this;
    try {
      return body();
    } finally {
      active = outer;
    }
  }

  /**
   * Runs a module's own operations under its path. Throws L120 for a module that `init` did not
   * return.
   */
  within<T>(module: Module, body: () => T): T {
    const path = this.#scope.modules.get(module);
    if (path === undefined) {
      const made = module[moduleInfo].made;
      throw new LamellaError('L120', { made }, { place: this.where, site: capture()() });
    }
    const [outerPath, outerModule] = [this.#path, this.#module];
    [this.#path, this.#module] = [path, module];
    const result = body();
    [this.#path, this.#module] = [outerPath, outerModule];
    return result;
  }

  /** The formal parameter of a weight in this body. */
  param(parameter: Parameter): ParamId {
    const known = this.#parameters.get(parameter);
    if (known !== undefined) return known;
    const id = this.#params.length;
    const name = this.#scope.parameters.get(parameter) ?? '';
    this.#params.push({ name, shape: parameter.shape, role: parameter.role });
    this.#parameters.set(parameter, id);
    return id;
  }

  /** The number of the next state of this body. */
  nextState(): number {
    return this.#states++;
  }

  /** Appends a node. Its place is the author's current call, unless `site` is given. */
  emit<const Axes extends readonly Axis[]>(op: Op, axes: Axes, site: Capture = capture()): Tensor<Axes> {
    const id = this.#drafts.length;
    if (id === mostOperations) {
      checkCount('operations in a body', id + 1, mostOperations, { place: this.where, site: site() });
    }
    this.#drafts.push({ op, axes, path: this.#path, module: this.#module, site });
    return new Tensor(this, id, axes);
  }

  /** A key that is equal for equal bodies, independent of their places in the file. */
  key(result: Tensor): string {
    const nodes = this.#drafts.map(({ op, axes, path }) => ({ op, axes, path }));
    return JSON.stringify({ params: this.#params, nodes, result: result.id });
  }

  /** The place that made `value`, or the last value of the body; null if it has none. */
  siteOf(value?: Tensor): Site | null {
    return this.#drafts.at(value?.id ?? -1)?.site() ?? null;
  }

  /** The finished body. */
  finish(result: Tensor): Body {
    const nodes = this.#drafts.map(({ op, axes, path, site }, id) => ({ id, op, axes, path, site: site() }));
    return { params: this.#params, nodes, result: result.id };
  }

  /**
   * The token ids [t], the first node of a model's body. Throws L101 for a second token axis, L116
   * in a block.
   */
  tokens<const T extends Axis>(t: T): Tensor<readonly [T]> {
    if (!this.isRoot) {
      const reason = 'a block takes values, not token ids';
      const remedy = "input(t) in the model's body";
      throw new LamellaError('L116', { op: 'input', reason, remedy }, { place: this.where, site: capture()() });
    }
    const first = this.#drafts[0]?.axes[0];
    if (!first) return this.emit({ kind: 'tokens' }, [t]);
    if (!sameAxis(first, t)) return this.#misfit(showAxis(t), showAxis(first), `input(${first.name}) everywhere`);
    return new Tensor(this, 0, [t]);
  }

  /** Records one run of a stack: [t, d] -> [t, d]. Throws L101. */
  runStack(module: Module, x: Tensor, block: NonNullable<Misfit['block']>): Tensor {
    const { axes } = block;
    return this.within(module, () => {
      const value = this.expectAll(x, axes, block);
      this.#stackCalls.push(module);
      return this.emit({ kind: 'stack', x: value.id, stack: this.#stackCalls.length - 1 }, axes);
    });
  }

  /** The stacks that ran, in order; `stack` nodes hold an index into this list. */
  get stackCalls(): readonly Module[] {
    return this.#stackCalls;
  }

  /** Returns `value`; throws L110 if it is not a value of this trace. */
  own(value: unknown): Tensor {
    if (!(value instanceof Tensor) || value.trace !== this) {
      throw new LamellaError('L110', {}, { place: this.where, site: capture()() });
    }
    return value;
  }

  /** x, checked to be [t, want] of this trace. Throws L101, L110. */
  expect(x: unknown, want: Axis): Tensor<readonly [Axis, Axis]> {
    const value = this.own(x);
    const [tokens, got] = value.axes;
    if (!tokens || !got || value.axes.length !== 2) {
      return this.#misfit(showLast(value.axes), `[t, ${showAxis(want)}]`, 'embedding the token ids first');
    }
    if (!sameAxis(got, want)) return this.#misfit(showAxis(got), showAxis(want), this.#mend(value, got, want));
    return value as Tensor<readonly [Axis, Axis]>;
  }

  /** x, checked to be features [t, d] of this trace. Throws L101, L110. */
  expectFeatures(x: unknown): Tensor<readonly [Axis, Axis]> {
    const value = this.own(x);
    if (value.axes.length !== 2)
      return this.#misfit(showLast(value.axes), '[t, features]', 'embedding the token ids first');
    return value as Tensor<readonly [Axis, Axis]>;
  }

  /** x, checked to be token ids [t] of this trace. Throws L101, L110. */
  expectTokens(x: unknown): Tensor<readonly [Axis]> {
    const value = this.own(x);
    if (value.axes.length !== 1) return this.#misfit(showLast(value.axes), 'token ids [t]', 'input(t)');
    return value as Tensor<readonly [Axis]>;
  }

  /**
   * x, checked to have the axes `want`. `block` is the block of the stack that takes x, if any.
   * Throws L101, L110.
   */
  expectAll(x: unknown, want: readonly Axis[], block: Misfit['block'] = null): Tensor {
    const value = this.own(x);
    const { axes } = value;
    if (sameAxes(axes, want)) return value;
    if (axes.length !== want.length) return this.#misfit(showLast(axes), showAxes(want), `axes ${showAxes(want)}`);
    const at = want.findLastIndex((axis, i) => !sameAxis(axis, axes[i]!));
    const [got, wanted] = [axes[at]!, want[at]!];
    // all values of a model have the input's token axis; only a stack's block can have another
    const remedy =
      at === 0 && block ? mendTokens(got, this.#drafts[0]!.site, block, this.#scope) : this.#mend(value, got, wanted);
    return this.#misfit(showAxis(got), showAxis(wanted), remedy);
  }

  /** The remedy for `value`, whose features are `got` where `want` is needed. */
  #mend(value: Tensor, got: Axis, want: Axis): string {
    const source = this.#source(value.id);
    const first = this.#drafts.find(({ op }) => op.kind === (this.isRoot ? 'embed' : 'input'));
    const table = source.op.kind === 'embed' ? source.module : null;
    const block = source.op.kind === 'input' ? source : null;
    const [scope, taker, width] = [this.#scope, this.#module, first?.axes[1]];
    return mend({ got, want, taker, table, block, width, scope });
  }

  /** The node that gave a value its axes. */
  #source(id: ValueId): Draft {
    const draft = this.#drafts[id]!;
    const [from] = operands(draft.op);
    return from !== undefined && sameAxes(this.#drafts[from]!.axes, draft.axes) ? this.#source(from) : draft;
  }

  #misfit(got: string, expected: string, remedy: string): never {
    throw new LamellaError('L101', { got, expected, remedy }, { place: this.where, site: capture()() });
  }
}

function showLast(axes: readonly Axis[]): string {
  return axes.slice(-1).map(showAxis).join();
}
