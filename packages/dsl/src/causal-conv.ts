/** A short causal convolution with its own state, as LFM2 has between two gates. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis } from '@lamella/graph/ir';
import { axis, boolean, declared, number, optional, options } from './arguments.ts';
import { checkSize } from './axes.ts';
import { type Layer, layer } from './layers.ts';
import { checkCount, mostTaps } from './limits.ts';
import { Parameter } from './module.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

/** Options of `causalConv`. */
export interface CausalConvOptions {
  /** Whether a bias is added. Default: false. */
  readonly bias?: boolean | undefined;
}

/**
 * The weighted sum of each feature's last `taps` inputs: [t, d] -> [t, d]. Inputs before the first
 * token are 0. Weights `weight` [d, 1, taps], the newest input's last, and, with `bias`, `bias`
 * [d], as in PyTorch's depthwise `Conv1d`. Only blocks may use it, because each execution keeps its
 * own inputs. Throws L116 in a model's own body, L102, and L127 for more than 64 taps.
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ in_proj: split(d, { before: d, after: d, x: d }), conv: causalConv(d, 3), out_proj: linear(d, d) }),
 *   (w, x) => {
 *     const part = w.in_proj(x);
 *     return residual(x, () => w.out_proj(mul(part.after, w.conv(mul(part.before, part.x)))));
 *   },
 * );
 */
export const causalConv = declared(
  'causalConv',
  {
    d: axis,
    taps: number('causalConv(d, 3)'),
    options: optional(options({ bias: optional(boolean) }, 'causalConv(d, 3, { bias: true })')),
  },
  <const D extends Axis>(d: D, taps: number, { bias: biased = false }: CausalConvOptions = {}): Layer<D, D> => {
    const site = capture();
    const rows = { first: 0, count: d.size, groups: 1, stride: d.size };
    const stored = { tensorOf: (name: string) => name, shape: [d.size, 1, taps], rows, plus: 0 };
    const weight = new Parameter([d.size, taps], 'filter', site, stored);
    const bias = biased ? new Parameter([d.size], 'bias', site) : null;
    const forward = (x: Tensor): Tensor => {
      const trace = activeTrace();
      if (trace.isRoot) {
        const reason = "a model's own body keeps no state";
        const remedy = 'a block, and stack(1, block)';
        throw new LamellaError('L116', { op: 'causalConv', reason, remedy }, { place: trace.where, site: capture()() });
      }
      const filter = trace.param(weight);
      const added = bias ? trace.param(bias) : null;
      const op = { kind: 'causalConv', x: x.id, weight: filter, bias: added, state: trace.nextState() } as const;
      return trace.emit(op, x.axes);
    };
    const check = (place: string): void => {
      const where = { place, site: site() };
      checkSize('taps', taps, where);
      checkCount('taps of a convolution', taps, mostTaps, where);
    };
    return layer('causalConv', [d], bias ? { weight, bias } : { weight }, forward, site, check) as Layer<D, D>;
  },
);
