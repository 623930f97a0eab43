/**
 * Several linears whose weights are in one tensor of the checkpoint: Phi-3's `qkv_proj` and
 * `gate_up_proj`, GPT-NeoX's `query_key_value`. For the compiler they are separate linears; only
 * the position of their rows in the checkpoint differs.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis } from '@lamella/graph/ir';
import {
  axis,
  boolean,
  checkValue,
  declared,
  isPlainObject,
  type Kind,
  number,
  optional,
  options,
  tensor,
} from './arguments.ts';
import { checkSize, type Fit, type TokensOf } from './axes.ts';
import { divisorBelow } from './heads.ts';
import { projection } from './layers.ts';
import { asModule, dotted, type Module, type StoredAs } from './module.ts';
import { checkKey } from './names.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

type Parts = Readonly<Record<string, Axis>>;

/** A module with one linear for each of several axes. */
export interface Split<In extends Axis, To extends Parts> extends Module {
  <X extends Tensor>(x: Fit<X, In>): { readonly [Name in keyof To]: Tensor<readonly [TokensOf<X>, To[Name]]> };
}

const partsByName: Kind = {
  words: 'an object of axes',
  example: 'split(d, { gate: ff, up: ff })',
  holds: (value) => isPlainObject(value) && Object.keys(value).length > 0,
};

/** Options of `split`. */
export interface SplitOptions {
  /** Whether a bias is added. Default: false. */
  readonly bias?: boolean | undefined;
  /** The rows of the weight are in this many groups, each with every part. Default: 1. */
  readonly groups?: number | undefined;
}

/**
 * x W^T (+ bias) for each part of one weight: [t, from] -> a value [t, part] for each part, by
 * name. The checkpoint has `weight` [sum of parts, from] and, with `bias`, `bias` [sum of parts].
 * The rows are part after part; with `groups`, they are group after group, each with an equal share
 * of every part (GPT-NeoX: a group is a head; InternLM2: a key head with its query heads). Throws
 * L102, L124.
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ gate_up_proj: split(d, { gate: ff, up: ff }), down_proj: linear(ff, d) }), // as Phi-3
 *   (w, x) => {
 *     const { gate, up } = w.gate_up_proj(x);
 *     return residual(x, () => w.down_proj(mul(silu(gate), up)));
 *   },
 * );
 */
export const split = declared(
  'split',
  {
    from: axis,
    parts: partsByName,
    options: optional(
      options(
        { bias: optional(boolean), groups: optional(number('groups: 8')) },
        'split(d, { q, k, v }, { bias: true })',
      ),
    ),
  },
  <const In extends Axis, const To extends Parts>(
    from: In,
    parts: To,
    { bias, groups = 1 }: SplitOptions = {},
  ): Split<In, To> => {
    const site = capture();
    const entries = Object.entries(parts);
    for (const [name, part] of entries) {
      checkKey(name, site);
      checkValue('split', name, part, axis);
    }
    const total = entries.reduce((sum, [, { size }]) => sum + size, 0);
    let first = 0;
    const children = Object.fromEntries(
      entries.map(([name, part]) => {
        const rows = { first, count: part.size / groups, groups, stride: total / groups };
        first += part.size / groups;
        const stored = (row: readonly number[]): StoredAs => ({ tensorOf, shape: [total, ...row], rows, plus: 0 });
        return [name, projection(from, part, site, bias, stored)];
      }),
    );
    const call = declared('split', { x: tensor }, (x: Tensor) => {
      const trace = activeTrace();
      return trace.within(module, () => {
        const value = trace.expect(x, from);
        return Object.fromEntries(Object.entries(children).map(([name, part]) => [name, part(value)]));
      });
    });
    const check = (place: string): void => {
      const where = { place, site: site() };
      checkSize('groups', groups, where);
      for (const [name, { size }] of entries) {
        if (size % groups === 0) continue;
        const args = { call: 'split', expected: `a divisor of ${name}=${size}`, argument: 'groups' };
        throw new LamellaError(
          'L124',
          { ...args, got: groups, remedy: `groups: ${divisorBelow(size, groups)}` },
          where,
        );
      }
    };
    const axes = [from, ...entries.map(([, part]) => part)];
    const module: Module = asModule(call, { made: 'split', axes, children, site, check });
    return module as Split<In, To>;
  },
);

/** The tensor's name for the name of a part's weight: `h.0.qkv.weight` for `h.0.qkv.q.weight`. */
function tensorOf(name: string): string {
  const path = name.split('.');
  return dotted(...path.slice(0, -2), path.at(-1)!);
}
