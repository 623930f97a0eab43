/**
 * A source of weights: a checkpoint on disk, or a seed. The compiler reads and packs one tensor at
 * a time, so a model larger than half of the memory still compiles; no source holds all weights.
 */
import type { Weight } from '@lamella/graph/ir';

export interface WeightSource {
  /**
   * The values of one weight of the graph for which the source was opened: f32, row-major,
   * `elementCount(weight.shape)` of them. Throws L214 for a NaN or an infinity.
   */
  read(weight: Weight): Promise<Float32Array>;
  /** Closes the files. Reading afterwards fails. */
  close(): Promise<void>;
}
