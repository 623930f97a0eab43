/**
 * The contenders, and the work for which each is measured. An opened contender stays open during
 * the rounds of its comparison.
 */
import { join } from 'node:path';
import type { Contender, Generated } from './contender.ts';
import { type Host, openInPage } from './host.ts';
import { labSets } from './lab/kernel.ts';
import {
  assembleLab,
  headBytes,
  type LabShape,
  labModule,
  layerBytes,
  memoryPages,
  mobileLLM125M,
} from './lab/module.ts';
import { openNative } from './llama-cpp/child.ts';
import { type Built, CONTEXT, modelsFolder, type Variant } from './models.ts';
import { within } from './patience.ts';
import type { Measurement } from './rounds.ts';
import { median } from './statistics.ts';

/** The name of a package of ours in the results. */
export function titleOf({ model, quant, kv }: Variant): string {
  return `Lamella ${model} ${quant}${kv === 'q8' ? ', KV q8' : ''}`;
}
export const wllamaTitle = 'wllama 2.4 125m Q4_0';
export const newWllamaTitle = 'wllama 3.13 125m Q4_0';
export const onnxTitle = 'ONNX Runtime Web 125m int8';
export const nativeTitle = 'native llama.cpp 125m Q4_0';
/** What the bare kernels run: a model, or each of its blocks three times in a row. */
export type LabModel = '125m' | '125m-ls' | '125m, three times' | '125m-60';
export const labTitle = (format: 'q4' | 'q8', model: LabModel) => `bare kernels ${model} ${format}`;
export const readTitle = 'streaming read';

/** The work of a contender: tokens of the prompt, and tokens after the first. */
export interface Work {
  readonly name: string;
  readonly prompt: number;
  readonly tokens: number;
}

/** Ids spread over the vocabulary of 32,000. */
export function promptOf(length: number): number[] {
  return Array.from({ length }, (_, i) => 300 + ((i * 7919) % 31_700));
}

/** An opened contender, and its work in each round. */
export interface Entry {
  readonly title: string;
  readonly threads: number;
  readonly contender: Contender;
  readonly works: readonly Work[];
}

/**
 * Runs before each measurement and is not counted: after a minute of waiting, a contender's memory
 * has left the caches and its threads sleep.
 */
const WAKING: Work = { name: 'waking', prompt: 16, tokens: 32 };

/** Measures tokens/s: of the prompt if nothing follows it, otherwise of the tokens after it. */
export function measurementsOf({ title, threads, contender, works }: Entry): Measurement[] {
  return works.map(({ name, prompt, tokens }) => ({
    contender: title,
    work: name,
    threads,
    unit: 'tokens/s',
    once: async () => {
      await contender.generate(promptOf(WAKING.prompt), WAKING.tokens);
      return rateOf(await contender.generate(promptOf(prompt), tokens + 1), prompt);
    },
  }));
}

function rateOf({ firstMs, tokenMs }: Generated, prompt: number): number {
  return tokenMs.length === 0 ? (1000 * prompt) / firstMs : meanRate(tokenMs);
}

/** Steps per second, from the ms of each. */
function meanRate(ms: readonly number[]): number {
  return (1000 * ms.length) / ms.reduce((sum, each) => sum + each, 0);
}

export async function openLamella(host: Host, { folder }: Built, threads: number): Promise<Contender> {
  return openInPage(host, 'lamella', `${host.origin}/models/${folder}/`, threads);
}

export async function openWllama(host: Host, file: string, threads: number): Promise<Contender> {
  const { origin } = host;
  return openInPage(host, 'wllama', `${origin}/peers/`, `${origin}/models/${file}`, 32_000, CONTEXT, threads);
}

export async function openNewWllama(host: Host, file: string, threads: number): Promise<Contender> {
  const { origin } = host;
  return openInPage(host, 'newWllama', `${origin}/peers/`, `${origin}/models/${file}`, 32_000, CONTEXT, threads);
}

export async function openOnnx(host: Host, file: string, threads: number): Promise<Contender> {
  const { origin } = host;
  return openInPage(host, 'onnx', `${origin}/peers/`, `${origin}/models/${file}`, { kvHeads: 3, headDim: 64 }, threads);
}

export async function openLlamaCpp(file: string, threads: number): Promise<Contender> {
  return openNative(join(modelsFolder, file), 32_000, CONTEXT, threads);
}

/**
 * Steps per sample: as many as the others generate tokens, and like theirs not measured before the
 * kernels are warm.
 */
const LAB_STEPS = 128;
const LAB_LAYERS = 60;
const shape: LabShape = mobileLLM125M;

/** Bytes of weights that the bare kernels of a format read for a token of 125M. */
export const labBytes = (format: 'q4' | 'q8'): number => 30 * layerBytes(format, shape) + headBytes(shape);

/**
 * The lab's modules, as files of the site: of each format, one for each of its instruction sets.
 */
export async function labFiles(): Promise<Readonly<Record<string, Uint8Array<ArrayBuffer>>>> {
  const pages = memoryPages(shape, LAB_LAYERS);
  const made = (['q4', 'q8'] as const).flatMap((format) =>
    labSets[format].map(async (set, i) => {
      // q4's module also has the head, at eight bits
      const sets = { q4: labSets.q4[i]!, q8: labSets.q8[i]!, [format]: set };
      return [labFile(format, set), await assembleLab(labModule(format, shape, pages, sets))] as const;
    }),
  );
  return Object.fromEntries(await Promise.all(made));
}

const labFile = (format: 'q4' | 'q8', set: string): string => `lab-${format}-${set}.wasm`;

/**
 * The bare kernels in the same Chromium: base, every block twice in a row, and 60 different blocks;
 * and the loop that only reads.
 */
export async function openLab(
  host: Host,
  format: 'q4' | 'q8',
  threadCounts: readonly number[],
): Promise<Measurement[]> {
  const pages = memoryPages(shape, LAB_LAYERS);
  const measurements: Measurement[] = [];
  const page = await host.page();
  await page.evaluate(
    async ([script, modules, pages, threads]) => {
      window.lab = await window.openLab(script, modules, pages, threads);
    },
    [
      `${host.origin}/lab-worker.js`,
      labSets[format].map((set) => [set, `${host.origin}/models/${labFile(format, set)}`] as const),
      pages,
      Math.max(...threadCounts),
    ] as const,
  );
  const run = async (call: string, args: readonly number[], threads: number, repetitions: number) => {
    const order = [call, args, threads, repetitions] as const;
    return within(page.evaluate((order) => window.lab.run(...order), order));
  };
  for (const threads of threadCounts) {
    // by then the engine has optimised the kernels
    await run('step', [2, 2], threads, 50);
    const step = (model: LabModel, layers: number, repeats: number): Measurement => ({
      contender: labTitle(format, model),
      work: 'matrix-vector products',
      threads,
      unit: 'tokens/s',
      once: async () => {
        const ms = await run('step', [layers, repeats], threads, WAKING.tokens + LAB_STEPS);
        return meanRate(ms.slice(WAKING.tokens));
      },
    });
    measurements.push(
      step('125m', 30, 1),
      step('125m-ls', 30, 2),
      step('125m, three times', 30, 3),
      step('125m-60', LAB_LAYERS, 1),
    );
    // as much as two tokens' weights at q8, which no cache holds
    const bytes = LAB_LAYERS * layerBytes('q8', shape);
    await run('read', [bytes], threads, 5);
    measurements.push({
      contender: readTitle,
      work: `${(bytes / 1e6).toFixed(0)} MB, beside ${format}`,
      threads,
      unit: 'GB/s',
      once: async () => bytes / 1e6 / median(await run('read', [bytes], threads, 7)),
    });
  }
  return measurements;
}
