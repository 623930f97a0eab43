/** MobileLLM-1.5B: 1,511,188,800 parameters. Five query heads per KV head. */
import { mobileLLM } from '@lamella/dsl';

export default mobileLLM({ name: 'mobilellm-1.5b', layers: 54, d: 1600, heads: 25, kvHeads: 5, ffn: 4352 });
