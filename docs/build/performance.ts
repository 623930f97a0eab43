/** The performance page: the committed results of both benchmarks, below each other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const results = new URL('../../packages/bench/results/', import.meta.url);

/** The page `docs/performance.md`. */
export function performancePage(): string {
  const cards = readdirSync(new URL('gpu/', results)).filter((file) => file.endsWith('.md'));
  const classes = readdirSync(results).filter((folder) => existsSync(new URL(`${folder}/README.md`, results)));
  const parts = [
    ...classes.map((folder) => section(`${folder}/README.md`)),
    ...cards.map((card) => section(`gpu/${card}`)),
  ];
  return `${[opening, ...parts].join('\n\n')}\n`;
}

const opening = `# Performance

\`npm run bench\` compares Lamella with wllama, ONNX Runtime Web, llama.cpp and hand-written kernels,
all with the same weights; \`npm run bench:gpu\` measures WebGPU on a machine with a GPU. This page has
the committed results of both, by \`npm run golden\`, with a section for each class of CPUs that was
met. [Working on Lamella](contributing.md) says how to repeat them.

- **of a streaming read**: the rate at which decoding reads the planned bytes, relative to a plain
  read of memory in the same run. It can exceed 100 %, because caches are faster than memory.
- **bare kernels**: the matrix products of the model in hand-written code, without a model around them.
- **LS**: each of the 30 blocks runs twice in a row; **60**: 60 different blocks.`;

/** A result as a section: its headings one level lower, a head for every column, its
 * pictures by their path from docs/. */
function section(file: string): string {
  return readFileSync(new URL(file, results), 'utf8')
    .trim()
    .replace(/^#/gm, '##')
    .replace(/^\| {2}\|(?=.*\n\| ---)/gm, '| measured |')
    .replace(/\]\(([\w-]+\.svg)\)/g, `](../packages/bench/results/${file.split('/')[0]}/$1)`);
}
