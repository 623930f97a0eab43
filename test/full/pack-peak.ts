/**
 * Packs the weights of a MobileLLM-1.5B checkpoint in a separate process, so that its peak memory
 * is that of packing. Prints the resident bytes before packing, with everything loaded and
 * compiled, the peak, and the number of packed bytes.
 */
import { openWeights } from '@lamella/checkpoint/open';
import { compile } from '@lamella/compiler/pipeline';
import graph from '../../graphs/mobilellm-1.5b.ts';

const { pack } = await compile(graph, { quant: 'q8' });
const source = await openWeights(process.argv[2] ?? '', graph);
globalThis.gc?.();
const before = process.memoryUsage.rss();
let packed = 0;
for await (const { bytes } of pack((weight) => source.read(weight))) packed += bytes.byteLength;
await source.close();
console.log(JSON.stringify({ before, peak: 1024 * process.resourceUsage().maxRSS, packed }));
