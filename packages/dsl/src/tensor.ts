/** A value of the model while it is traced: a number and its axes, nothing that could be computed with. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, ValueId } from '@lamella/graph/ir';
import { capture } from './site.ts';
import type { Trace } from './trace.ts';

/** A symbolic value: token ids [t] or f32 features [t, d]. Its axes are literal types where sizes are. */
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

  /** What `x + y` and `x * 2` ask for. Throws L132. */
  [Symbol.toPrimitive](): never {
    throw new LamellaError('L132', {}, { place: this.trace.where, site: capture()() });
  }
}
