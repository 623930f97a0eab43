/**
 * MobileLLM-LS-350M (arXiv 2402.14905, section 3.4): 345,355,200 parameters, 64 executions, 64
 * state slots.
 */
import { mobileLLM, share } from '@lamella/dsl';

export default mobileLLM({
  name: 'mobilellm-350m-ls',
  layers: 32,
  d: 960,
  heads: 15,
  kvHeads: 5,
  ffn: 2560,
  share: share.immediate(2),
});
