/**
 * What to write instead when a value has another axis than its taker wants. Mostly a layer, an
 * embedding, a block or the input was given the wrong one, and then that call is the one to mend: a
 * linear in between would only move the mistake.
 */
import type { Axis } from '@lamella/graph/ir';
import { sameAxis } from './axes.ts';
import { type Module, moduleInfo, type Scope } from './module.ts';
import type { Capture } from './site.ts';

/** A value whose features do not fit, and what is known of both ends. */
export interface Misfit {
  readonly got: Axis;
  readonly want: Axis;
  /** What takes the value; null when it is an operation without weights. */
  readonly taker: Module | null;
  /** The embedding that the value comes from; null when it comes from anything else. */
  readonly table: Module | null;
  /** The block whose input the value is; null when it is another value. */
  readonly block: { readonly axes: readonly Axis[]; readonly site: Capture } | null;
  /** The width of the body: of the block's input, or of a model's first embedding. */
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

/** A vocabulary has more entries than a model has features: an embedding with fewer was written the wrong way round. */
function mendTable({ got, want, table }: Misfit): string | null {
  const [rows] = table?.[moduleInfo].axes ?? [];
  if (!table || !rows || !sameAxis(rows, want) || rows.size >= got.size) return null;
  return written('embedding', [got, want], table[moduleInfo].site);
}

/** Where everything in a block takes another axis than the block's, it is the block that is wrong. */
function mendBlock({ got, want, block, scope }: Misfit): string | null {
  const [tokens] = block?.axes ?? [];
  const takers = layers(scope).map(([module]) => module[moduleInfo].axes[0]);
  const widths = takers.filter((axis) => axis !== undefined);
  if (!block || !tokens || widths.length < 2 || !widths.every((axis) => sameAxis(axis, want))) return null;
  const first = sameAxis(tokens, want) ? got : tokens;
  return `block([${first.name}, ${want.name}], ...)${placed(block.site)}`;
}

/**
 * The remedy where a stack's block has other tokens than the model's input, got: the input's, unless it
 * is the block that was given features for tokens.
 */
export function mendTokens(got: Axis, input: Capture, block: NonNullable<Misfit['block']>, scope: Scope): string {
  const [tokens, features] = block.axes as readonly [Axis, Axis];
  const areFeatures = (axis: Axis): boolean =>
    [features, ...layers(scope).flatMap(([module]) => module[moduleInfo].axes)].some((each) => sameAxis(each, axis));
  if (areFeatures(tokens) && !areFeatures(got))
    return `block([${got.name}, ${features.name}], ...)${placed(block.site)}`;
  return `input(${tokens.name})${placed(input)}`;
}

/** The layer with the axis that came; a linear where the layer takes the body's width, so that it is the value that is odd. */
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

/** Where the call to mend stands. */
function placed(site: Capture): string {
  const found = site();
  return found ? ` at ${found.file}:${found.line}:${found.column}` : '';
}

function links(module: Module, from: Axis, to: Axis): boolean {
  const [first, second] = module[moduleInfo].axes;
  return first !== undefined && second !== undefined && sameAxis(first, from) && sameAxis(second, to);
}

/** The modules that `init` returned and their names, without those that they are made of. */
function layers({ modules }: Scope): readonly (readonly [Module, string])[] {
  const parts = new Set([...modules.keys()].flatMap((module) => Object.values(module[moduleInfo].children)));
  return [...modules].filter(([module]) => !parts.has(module));
}
