/** `oracle`: what the logits of a model should be, for tests of models. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Weight } from '@lamella/graph/ir';
import type { TokenIds } from '@lamella/runtime/api';
import { uncompiled, withoutWeights } from './graph.ts';
import { inWordsOfApi } from './lamella-error.ts';
import type { AnyModel } from './model.ts';
import { choosing, listed, readOptions, type WeightedChoices } from './options.ts';

/**
 * The logits [vocab] after each of `tokens`, from an interpreter of the graph that computes in f64
 * and shares no code with the compiler: a compiled model differs from it only by rounding. With
 * `quant` and `kv` it rounds weights, activations, keys and values to the same integers. It is made
 * for small models and short sequences: it holds all weights in memory as f32, and takes half a
 * second per token for 125 million parameters in f32.
 *
 * Throws L305 for a compiled package and for a graph without `weights`, L402 and L403 for `tokens`,
 * and the errors of the model (L1xx) and of its weights (L2xx).
 *
 * @example
 * const expected = await oracle(graph, [1, 2, 3], { weights: 'random:1', quant: 'f32' });
 */
export function oracle(model: AnyModel, tokens: TokenIds, given: WeightedChoices = {}): Promise<Float64Array[]> {
  return inWordsOfApi(async () => {
    const options = readOptions(given, [...choosing, 'weights', 'ignore']);
    const { graph, options: how, checkpoint } = await uncompiled(model, options);
    const { context = graph.tokens.size } = how;
    if (tokens.length > context) throw new LamellaError('L403', { count: tokens.length, context });
    const spec = options.weights ?? checkpoint;
    if (spec === null) throw withoutWeights(graph);
    const [{ openWeights }, { sequence }] = await Promise.all([
      import('@lamella/checkpoint/open'),
      import('@lamella/graph/oracle/sequence'),
    ]);
    const source = await openWeights(spec, graph, listed(options.ignore ?? []));
    try {
      const values = new Map<Weight, Float32Array>();
      for (const weight of graph.weights) values.set(weight, await source.read(weight));
      return sequence(graph, (weight) => values.get(weight)!, [...tokens], how);
    } finally {
      await source.close();
    }
  });
}
