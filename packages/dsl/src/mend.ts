/**
 * The remedy of L101: what to write if a value does not have the axis that a layer takes. Usually a
 * layer, an embedding, a block or the input was made with the wrong axis, and the remedy is to
 * change that call: a linear in between would only hide the mistake.
 */
import type { Axis } from '@lamella/graph/ir';
import { sameAxis } from './axes.ts';
import { type Module, moduleInfo, type Scope } from './module.ts';
import type { Capture } from './site.ts';

/** A value whose features do not fit, with its source and the module that takes it. */
export interface Misfit {
  readonly got: Axis;
  readonly want: Axis;
  /** The module that takes the value; null for an operation without weights. */
  readonly taker: Module | null;
  /** The embedding that the value comes from; null if it has another source. */
  readonly table: Module | null;
  /** The block, if the value is a block's input; null otherwise. */
  readonly block: { readonly axes: readonly Axis[]; readonly site: Capture } | null;
  /** The features of the block's input, or of the model's first embedding. */
  readonly width: Axis | undefined;
  readonly scope: Scope;
}

/** The remedy. */
export function mend(misfit: Misfit): string {
  const { got, want, scope } = misfit;
  if (got.name === want.name) return `one size for ${want.name}: ${got.size} or ${want.size}`;
  const there = layers(scope).find(([module]) => module[moduleInfo].made === 'linear' && links(module, got, want));
  return mendTable(misfit) ?? mendBlock(misfit) ?? (there ? `${there[1]} in between` : null) ?? mendTaker(misfit);
}

/**
 * A vocabulary is larger than the model's width: an embedding with fewer rows has its axes swapped.
 */
function mendTable({ got, want, table }: Misfit): string | null {
  const [rows] = table?.[moduleInfo].axes ?? [];
  if (!table || !rows || !sameAxis(rows, want) || rows.size >= got.size) return null;
  return written('embedding', [got, want], table[moduleInfo].site);
}

/** If all layers of a block take the same other axis, the block's own axes are wrong. */
function mendBlock({ got, want, block, scope }: Misfit): string | null {
  const [tokens] = block?.axes ?? [];
  const takers = layers(scope).map(([module]) => module[moduleInfo].axes[0]);
  const widths = takers.filter((axis) => axis !== undefined);
  if (!block || !tokens || widths.length < 2 || !widths.every((axis) => sameAxis(axis, want))) return null;
  const first = sameAxis(tokens, want) ? got : tokens;
  return `block([${first.name}, ${want.name}], ...)${placed(block.site)}`;
}

/**
 * The remedy if the token axis of a stack's block differs from that of the model's input (`got`):
 * change the input, unless the block has a feature axis in place of its token axis.
 */
export function mendTokens(got: Axis, input: Capture, block: NonNullable<Misfit['block']>, scope: Scope): string {
  const [tokens, features] = block.axes as readonly [Axis, Axis];
  const areFeatures = (axis: Axis): boolean =>
    [features, ...layers(scope).flatMap(([module]) => module[moduleInfo].axes)].some((each) => sameAxis(each, axis));
  if (areFeatures(tokens) && !areFeatures(got))
    return `block([${got.name}, ${features.name}], ...)${placed(block.site)}`;
  return `input(${tokens.name})${placed(input)}`;
}

/**
 * Make the layer with the value's axis; if the layer takes the body's width, put a linear before
 * it.
 */
function mendTaker({ got, want, taker, width }: Misfit): string {
  const { axes, made, site } = taker?.[moduleInfo] ?? { axes: [] };
  const place = axes.findIndex((axis) => sameAxis(axis, want));
  const isOdd = made !== 'rmsNorm' && width !== undefined && sameAxis(want, width);
  if (!made || !site || place < 0 || isOdd) return `linear(${got.name}, ${want.name}) in between`;
  const swapped = axes.map((axis, i) => (i === place ? got : sameAxis(axis, got) ? want : axis));
  return written(made, swapped, site);
}

/** The layers that cannot be written without options. */
const takesOptions: readonly string[] = ['gqa', 'headNorm', 'split', 'causalConv', 'adapter'];

/** `swiglu(d, ff) at model.ts:9:10` */
function written(made: string, axes: readonly Axis[], site: Capture): string {
  const names = axes.map(({ name }) => name);
  return `${made}(${[...names, ...(takesOptions.includes(made) ? ['...'] : [])].join(', ')})${placed(site)}`;
}

/** ` at file:line:column` of a call, or nothing if the place is unknown. */
function placed(site: Capture): string {
  const found = site();
  return found ? ` at ${found.file}:${found.line}:${found.column}` : '';
}

function links(module: Module, from: Axis, to: Axis): boolean {
  const [first, second] = module[moduleInfo].axes;
  return first !== undefined && second !== undefined && sameAxis(first, from) && sameAxis(second, to);
}

/** The modules that `init` returned, with their names, without their submodules. */
function layers({ modules }: Scope): readonly (readonly [Module, string])[] {
  const parts = new Set([...modules.keys()].flatMap((module) => Object.values(module[moduleInfo].children)));
  return [...modules].filter(([module]) => !parts.has(module));
}
