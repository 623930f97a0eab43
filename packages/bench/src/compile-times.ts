/** Measures `lamella compile`: the command itself, in a separate process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelsFolder } from './models.ts';
import type { Results } from './results.ts';

const command = fileURLToPath(new URL('../../cli/bin/lamella.js', import.meta.url));
const graph = fileURLToPath(new URL('../../../graphs/mobilellm-125m.ts', import.meta.url));

/**
 * Compile times of MobileLLM-125M at q4, with weights and without, `count` of each; ms from the
 * start of the process to its end.
 */
export async function compileTimes(count: number): Promise<Results['compileMs']> {
  return { weights: await timesWith(['--weights', 'random:1'], count), none: await timesWith([], count) };
}

async function timesWith(options: readonly string[], count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const out = join(modelsFolder, 'compiled');
    const began = performance.now();
    const child = spawn(process.execPath, [command, 'compile', graph, '--quant', 'q4', '--out', out, ...options]);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`compiling ${graph} ended with ${code}`);
    times.push(performance.now() - began);
    await rm(out, { recursive: true });
  }
  return times;
}
