/**
 * MobileLLM-LS-125M (arXiv 2402.14905, section 3.4): the 30 weight sets of MobileLLM-125M, each
 * executed twice in a row. 124,635,456 parameters, 60 executions, 60 state slots.
 *
 * Each execution has its own KV slot: run r of weight set i has slot 2i + r. The code released with
 * the paper gives both runs of a module the same slot. With its cache on, the second run appends to
 * the keys of the first and attends to the wrong keys: after a prefill of 8 tokens a slot holds 16
 * rows, positions count from 16, and the result is off by 0.39 (float rounding is 5e-7). The
 * published checkpoints therefore set `use_cache: false`. Without a cache the released code is
 * right, and this graph computes the same.
 */
import { mobileLLM, share } from '@lamella/dsl';

export default mobileLLM({
  name: 'mobilellm-125m-ls',
  layers: 30,
  d: 576,
  heads: 9,
  kvHeads: 3,
  ffn: 1536,
  share: share.immediate(2),
});
