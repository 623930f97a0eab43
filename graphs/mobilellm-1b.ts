/**
 * MobileLLM-1B: 1,005,461,760 parameters. Four query heads per KV head; smaller sizes have three.
 */
import { mobileLLM } from '@lamella/dsl';

export default mobileLLM({ name: 'mobilellm-1b', layers: 54, d: 1280, heads: 20, kvHeads: 5, ffn: 3584 });
