/**
 * `npm run bench`: compares Lamella with wllama and ONNX Runtime Web in Chromium, llama.cpp in a
 * process, and the bare kernels, on this machine, in one run. `--quick` measures less and takes
 * minutes. `README.md`, `results.json` and the plot go to `--out DIR`, or to the folder of the
 * CPU's class in `results`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { document } from './document.ts';
import { plot } from './plot.ts';
import { run } from './run.ts';
import { works } from './targets.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } } });
const results = await run(values.quick ? 'quick' : 'full', (line) =>
  process.stderr.write(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${line}\n`),
);
const folder = values.quick ? '../../../out/bench/' : `../results/${results.machine.instructions}/`;
const out = values.out ?? fileURLToPath(new URL(folder, import.meta.url));
await mkdir(out, { recursive: true });
const bars = results.series.filter(
  ({ contender, work }) => /\b125m/.test(contender) && (work === works.decode || contender.startsWith('bare')),
);
const text = document(results, 'decode.svg');
await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
await writeFile(join(out, 'decode.svg'), plot('MobileLLM-125M: tokens per second, 128 tokens after 16', bars));
await writeFile(join(out, 'README.md'), text);
process.stdout.write(text);
