/**
 * How right everybody is, in the same run: logits behind a short prompt that is given to all, against the f64 oracle with the unquantised
 * weights; ours also against the oracle under the same quantisation, from which they differ only by what f32 rounding makes of a code.
 */
import { randomTensor } from '@lamella/checkpoint/random';
import type { Graph, Weight } from '@lamella/graph/ir';
import type { Quant } from '@lamella/graph/oracle/model';
import { Oracle } from '@lamella/graph/oracle/oracle';
import type { Contender } from './contender.ts';
import { promptOf } from './line-up.ts';
import { type Distance, distance } from './statistics.ts';

/** Tokens of the prompt that is checked. */
export const LENGTH = 6;

export interface Exactness extends Distance {
  readonly contender: string;
  readonly threads: number;
  /** Of the oracle's weights. */
  readonly against: Quant;
}

/** The oracle's logits [vocab] behind the prompt, weights of `random:1`. */
export function oracleLogits(graph: Graph, quant: Quant): Float64Array {
  const oracle = new Oracle(graph, (weight: Weight) => randomTensor(1, weight), { quant });
  return promptOf(LENGTH)
    .map((token) => oracle.step(token))
    .at(-1)!;
}

/** Compares one contender's logits with the oracle's. */
export async function compare(contender: Contender, exact: Float64Array): Promise<Distance> {
  return distance(await contender.logits(promptOf(LENGTH)), exact);
}
