/**
 * Follows a page as a reader would, so that it stays true. The text after the fence of a Markdown
 * block says what the block is:
 *
 *   sh            commands that succeed
 *   sh fails      commands that fail
 *   text          lines that the commands before it print, in this order (other output may stand between them)
 *   text measured the same on some machine at some time: it is not compared
 *   diff FILE     an edit: the lines with - are in FILE once, and become those with +
 *   python FILE   a file to write; also ts and html
 *   ts            a module to check and to run
 *   ts quotes FILE  a part of this file of the repository
 *   ... not run: REASON  a block that cannot run in a test
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block: the words after the fence, and its lines. */
export interface Block {
  readonly info: string;
  readonly text: string;
}

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** All blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info = '', text = '']) => ({ info, text }));
}

/** The sections of `docs/NAME` with such blocks. */
export async function sections(name: string): Promise<readonly Section[]> {
  const markdown = await readFile(join(root, 'docs', name), 'utf8');
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      title: part.slice(0, part.indexOf('\n')),
      blocks: blocksOf(part),
    }));
}

/**
 * Copies the contents of a checkout to `folder`: the graphs, the documents, the installed packages.
 */
export async function checkout(folder: string): Promise<void> {
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const graphs = (await readdir(join(root, 'graphs'))).filter((file) => file.endsWith('.ts'));
  const files = [
    'README.md',
    'ARCHITECTURE.md',
    'docs/decisions.md',
    'docs/authoring.md',
    'tsconfig.json',
    'tsconfig.base.json',
  ];
  const assistant = ['tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
  files.push(...assistant.map((file) => `graphs/assistant/${file}`), ...graphs.map((file) => `graphs/${file}`));
  for (const file of files) await cp(join(root, file), join(folder, file), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await writeFile(
    join(folder, 'block.json'),
    '{ "extends": "./tsconfig.base.json", "compilerOptions": { "noUnusedLocals": false }, "files": ["block.ts"] }\n',
  );
}

/** Whether a block cannot run in a test; its info has the reason. */
export const isNotRun = ({ info }: Block): boolean => / not run: \S/.test(info);

/**
 * Follows `section` in `folder` and expects its results. Returns everything that the commands
 * printed.
 */
export async function follow(section: Section, folder: string): Promise<string> {
  let printed = '';
  let all = '';
  for (const block of section.blocks) {
    if (isNotRun(block)) continue;
    const { info, text } = block;
    const [kind, argument, name] = info.split(' ');
    if (kind === 'sh') {
      printed = '';
      for (const command of text.trimEnd().split('\n')) {
        const { code, output } = await shell(command, folder);
        if (argument === 'fails') expect(code, `${command}\n${output}`).not.toBe(0);
        else expect(code, `${command}\n${output}`).toBe(0);
        printed += output;
      }
      all += printed;
    } else if (kind === 'text') {
      if (argument === 'measured') continue;
      for (const line of text.trimEnd().split('\n')) expect(printed).toContain(line);
    } else if (kind === 'diff') {
      await edit(join(folder, argument!), text);
    } else if (kind === 'ts' && argument === 'quotes') {
      expect(await readFile(join(root, name!), 'utf8'), name).toContain(text.trimEnd());
    } else if (kind === 'ts' && argument === undefined) {
      await writeFile(join(folder, 'block.ts'), text);
      const { code, output } = await shell('npx tsc -p block.json && npx tsx block.ts', folder);
      expect(code, `${text}\n${output}`).toBe(0);
      printed = output;
      all += printed;
    } else if (argument && ['python', 'ts', 'html'].includes(kind!)) {
      await mkdir(dirname(join(folder, argument)), { recursive: true });
      await writeFile(join(folder, argument), text);
    } else {
      throw new Error(`${section.title}: nothing says what to do with a block of "${info}"`);
    }
  }
  return all;
}

async function edit(file: string, diff: string): Promise<void> {
  const lines = diff.trimEnd().split('\n');
  const side = (sign: string) =>
    lines
      .filter((line) => line.startsWith(sign))
      .map((line) => line.slice(1))
      .join('\n');
  const before = await readFile(file, 'utf8');
  expect(before.split(side('-')), `${file} has once: ${side('-')}`).toHaveLength(2);
  await writeFile(
    file,
    before.replace(side('-'), () => side('+')),
  );
}

/** `python3` is the program in the variable PYTHON. */
function shell(command: string, cwd: string): Promise<{ code: number | null; output: string }> {
  const python = process.env.PYTHON ?? 'python3';
  return new Promise((resolve, reject) => {
    const child = spawn(command.replace(/^python3 /, `${python} `), {
      cwd,
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1', LAMELLA_DEBUG: '' },
    });
    let output = '';
    const take = (text: string) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
