/**
 * The packages that `lamella profile` measures. They are compiled like any model, so the kernels
 * that are measured are the kernels that run. All are MobileLLMs with a small vocabulary. A profile
 * needs three sizes: one narrow block and many of them, whose calls cost more than their products,
 * and wide blocks, whose number is the working set.
 */
import { mobileLLM, share } from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

/**
 * Widths of a block. Both have three query heads for each head of keys and values, like MobileLLM,
 * because attention's time depends on both.
 */
interface Block {
  readonly d: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly ffn: number;
}

/** Large enough that its matrices run at full speed, and small enough for a second-level cache. */
const wide: Block = { d: 384, heads: 6, kvHeads: 2, ffn: 1024 };
const narrow: Block = { d: 96, heads: 3, kvHeads: 1, ffn: 128 };
/** Executions of a probe whose blocks are counted together. */
const EXECUTIONS = 8;
const VOCAB = 256;
const CONTEXT = 256;

export interface Probe {
  readonly graph: Graph;
  /** Products per token of its matrices. */
  readonly macs: number;
}

/** One block with hardly any arithmetic: a token, and little else. */
export const one = probe(narrow, 1, 1);
/** Many executions of it: the calls of their kernels. */
export const calls = probe(narrow, 1, 4 * EXECUTIONS);
/** `sets` different wide blocks, in turn: the products, and the reads of a working set. */
export const blocks = (sets: number): Probe => probe(wide, sets, sets * Math.ceil(EXECUTIONS / sets));

function probe({ d, heads, kvHeads, ffn }: Block, sets: number, executions: number): Probe {
  const graph = mobileLLM({
    ...{ name: `probe-${d}-${sets}-${executions}`, layers: sets, d, heads, kvHeads, ffn },
    ...{ vocab: VOCAB, context: CONTEXT, share: share.cycle(executions / sets) },
  });
  return { graph, macs: d * (VOCAB + executions * (2 * d + (2 * kvHeads * d) / heads + 3 * ffn)) };
}
