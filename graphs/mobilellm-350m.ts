/** MobileLLM-350M (arXiv 2402.14905, table 1): 345,355,200 parameters. */
import { mobileLLM } from '@lamella/dsl';

export default mobileLLM({ name: 'mobilellm-350m', layers: 32, d: 960, heads: 15, kvHeads: 5, ffn: 2560 });
