/** MobileLLM-R1-950M: 949,685,760 parameters. The family is written out in `mobilellm-r1-360m.ts`. */
import { mobileLLMR1 } from './mobilellm-r1-360m.ts';

export default mobileLLMR1({ name: 'mobilellm-r1-950m', layers: 22, d: 1536, ff: 6144, heads: 24, kvHeads: 6 });
