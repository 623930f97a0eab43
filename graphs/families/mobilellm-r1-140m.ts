/** MobileLLM-R1-140M: 140,248,512 parameters. The family is written out in `mobilellm-r1-360m.ts`. */
import { mobileLLMR1 } from './mobilellm-r1-360m.ts';

export default mobileLLMR1({ name: 'mobilellm-r1-140m', layers: 15, d: 576, ff: 2048, heads: 9, kvHeads: 3 });
