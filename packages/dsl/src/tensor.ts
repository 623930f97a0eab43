/** A symbolic value of a traced model: a node number and axes, without data. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, ValueId } from '@lamella/graph/ir';
import { capture } from './site.ts';
import type { Trace } from './trace.ts';

/**
 * A symbolic value: token ids [t] or f32 features [t, d]. Axes are literal types if their sizes are
 * literals.
 */
export class Tensor<Axes extends readonly Axis[] = readonly Axis[]> {
  readonly axes: Axes;
  /** @internal */
  readonly trace: Trace;
  /** @internal */
  readonly id: ValueId;

  constructor(trace: Trace, id: ValueId, axes: Axes) {
    this.trace = trace;
    this.id = id;
    this.axes = axes;
  }

  /** Called by `x + y` and `x * 2`. Throws L132. */
  [Symbol.toPrimitive](): never {
    throw new LamellaError('L132', {}, { place: this.trace.where, site: capture()() });
  }
}
