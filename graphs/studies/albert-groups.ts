/**
 * Sharing in groups, as ALBERT does with `num_hidden_groups` (arXiv 1909.11942): MobileLLM-125M's
 * block with 6 weight sets, each run for 5 layers in a row. 39,673,152 parameters, 30 executions.
 */
import { mobileLLM, share } from '@lamella/dsl';

export default mobileLLM({
  name: 'albert-groups',
  layers: 6,
  d: 576,
  heads: 9,
  kvHeads: 3,
  ffn: 1536,
  share: share.immediate(5),
});
