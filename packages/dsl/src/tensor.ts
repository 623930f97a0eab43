/** A value of the model while it is traced: a number and its axes, nothing that could be computed with. */
import type { Axis, ValueId } from '@lamella/graph/ir';
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
}
