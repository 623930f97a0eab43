/** MobileLLM-600M: 603,188,352 parameters. */
import { mobileLLM } from '@lamella/dsl';

export default mobileLLM({ name: 'mobilellm-600m', layers: 40, d: 1152, heads: 18, kvHeads: 6, ffn: 3072 });
