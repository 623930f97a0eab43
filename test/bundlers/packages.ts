/**
 * Makes the packages of these apps: the assistant's graph with and without kernels for GPUs, with
 * and without a tokenizer, compiled and packed by npm; and records the answer of each in this Node.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Model } from '@lamella/runtime/api';
import { type Scratch, scratch } from 'lamella/test/lamella';

const graphs = fileURLToPath(new URL('../../graphs/', import.meta.url));

/** `lamella-NAME` is the npm package; its folder is in `folder`. */
const kinds = {
  bare: ['--weights', 'random:1', '--quant', 'q4'],
  gpu: ['--weights', 'random:1', '--target', 'wasm,webgpu'],
  text: ['--weights', join(graphs, 'assistant')],
  'text-gpu': ['--weights', join(graphs, 'assistant'), '--target', 'wasm,webgpu'],
} as const;

export type Answers = { readonly [Name in keyof typeof kinds]: readonly number[] };

export interface Packages {
  readonly folder: string;
  readonly tarballs: readonly string[];
  readonly answers: Answers;
  /** What the examples in the README of `lamella-text` show. */
  readonly hello: string;
  remove(): Promise<void>;
}

export async function packages(): Promise<Packages> {
  const home = await scratch();
  const graph = await readFile(join(graphs, 'assistant.ts'), 'utf8');
  const answers: Record<string, readonly number[]> = {};
  const tarballs = [];
  for (const [kind, options] of Object.entries(kinds)) {
    const name = `lamella-${kind}`;
    await writeFile(join(home.path, `${name}.ts`), graph.replace("'assistant',", `'${name}',`));
    tarballs.push(await packed(home, name, options));
    answers[kind] = await answer(join(home.path, name));
  }
  return {
    folder: home.path,
    tarballs,
    answers: answers as unknown as Answers,
    hello: await hello(join(home.path, 'lamella-text')),
    remove: () => home.remove(),
  };
}

async function packed(home: Scratch, name: string, options: readonly string[]): Promise<string> {
  const { code, stderr } = await home.lamella('compile', `${name}.ts`, ...options, '--out', name);
  if (code !== 0) throw new Error(stderr);
  const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', home.path], {
    cwd: join(home.path, name),
    encoding: 'utf8',
  });
  return join(home.path, file.trim());
}

async function answer(folder: string): Promise<readonly number[]> {
  using model = await loaded(folder);
  const { tokens } = await model.generate(model.tokenizer ? 'call mom' : [1, 2, 3], { maxTokens: 12 }).result();
  return tokens;
}

async function hello(folder: string): Promise<string> {
  using model = await loaded(folder);
  return (await model.generate('Hello', { maxTokens: 32 }).result()).text;
}

async function loaded(folder: string): Promise<Model> {
  const { load }: { load(): Promise<Model> } = await import(pathToFileURL(join(folder, 'node.js')).href);
  return load();
}
