/**
 * Where weights come from: a checkpoint on disk or a seed. The compiler reads one tensor at a time and packs it, so that a model
 * larger than memory's half still compiles; nothing here ever holds all weights.
 */
import type { Weight } from '@lamella/graph/ir';

export interface WeightSource {
  /**
   * The values of one weight of the graph it was opened for: f32, row-major, `elementCount(weight.shape)` of them. Throws L214 for a NaN or
   * an infinity.
   */
  read(weight: Weight): Promise<Float32Array>;
  /** Gives the files back. Reading afterwards fails. */
  close(): Promise<void>;
}
