/**
 * Pages that use the faces of a package: the package is compiled, packed by npm and installed
 * beside the libraries, and esbuild bundles a script of `app/` with both. The package's other files
 * are served from its folder.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import { build } from 'esbuild';
import { scratch } from 'lamella/test/lamella';
import { type Project, project } from '../bundlers/project.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const graphs = here('../../graphs/');

export type Browser = Awaited<ReturnType<typeof launchChromium>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;

export interface Apps {
  /** The folder of the compiled package. */
  readonly folder: string;
  /** The project that has the package and the libraries installed. */
  readonly installed: Project;
  /**
   * Bundles a script, opens a page with it in Chromium, calls `use`, and fails on an uncaught
   * error. The package is at `/assistant/`.
   */
  visit<T>(script: string, use: (page: Page) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * A chat template in the form of the assistant's training, which had one request and its answer. A
 * longer conversation is as well formed, and its answers are as good as chance. Tools are not written:
 * the assistant has learned its own.
 */
const template = `{#- tools #}{{- bos_token }}
{%- for message in messages %}{{ message.content }}
{{- eos_token if message.role == 'assistant' else sep_token }}{% endfor -%}`;

/** Compiles the assistant, with a chat template, as the package `assistant`. */
export async function apps(): Promise<Apps> {
  const home = await scratch();
  await cp(join(graphs, 'assistant.ts'), join(home.path, 'assistant.ts'));
  await mkdir(join(home.path, 'checkpoint'));
  for (const name of ['model.safetensors', 'tokenizer.json', 'tokenizer_config.json'])
    await cp(join(graphs, 'assistant', name), join(home.path, 'checkpoint', name));
  await writeFile(join(home.path, 'checkpoint/chat_template.jinja'), template);
  const { code, stderr } = await home.lamella('compile', 'assistant.ts', '--weights', 'checkpoint');
  if (code !== 0) throw new Error(stderr);
  const folder = join(home.path, 'out/assistant');
  const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', home.path], {
    cwd: folder,
    encoding: 'utf8',
  });
  const installed = await project('faces', [join(home.path, file.trim())], {});
  const browser = await launchChromium();
  return {
    folder,
    installed,
    async visit(script, use) {
      const site = await serve({
        '/': { text: '<!doctype html><body></body><script type="module" src="app.js"></script>' },
        '/app.js': { text: await bundle(script, installed) },
        '/assistant/': { folder },
      });
      const page = await browser.newPage();
      const errors: unknown[] = [];
      page.on('pageerror', (error) => errors.push(error));
      try {
        await page.goto(`${site.origin}/`);
        const result = await use(page);
        if (errors.length > 0) throw errors[0];
        return result;
      } finally {
        await page.close();
        await site.close();
      }
    },
    async close() {
      await browser.close();
      await home.remove();
    },
  };
}

/** The text of a script in `app/`. */
export const app = (name: string): string => readFileSync(new URL(`app/${name}`, import.meta.url), 'utf8');

/** The code below `heading` in a page of the documentation. */
export function example(heading: string, file = 'faces.md'): string {
  const page = readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');
  const [, code] = /```.*\n([\s\S]*?)```/.exec(page.slice(page.indexOf(`\n## ${heading}\n`)))!;
  return code!;
}

/** The script with all that it imports. React has its StrictMode only in `development`. */
async function bundle(script: string, { path }: Project): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: path, loader: 'jsx' },
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    jsxDev: true,
    define: { 'process.env.NODE_ENV': '"development"' },
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}
