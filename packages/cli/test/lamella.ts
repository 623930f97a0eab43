/**
 * Runs the real command as a child process, in a scratch folder whose files can be compared before
 * and after.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const bin = fileURLToPath(new URL('../bin/lamella.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Scratch {
  readonly path: string;
  /** Runs `lamella` in the folder, with the cache in its folder `cache`. */
  lamella(...args: readonly string[]): Promise<Outcome>;
  /** The same with `input` on stdin. */
  told(input: string, ...args: readonly string[]): Promise<Outcome>;
  /** The same with LAMELLA_DEBUG set. */
  debugged(...args: readonly string[]): Promise<Outcome>;
  /** Starts it, with its streams left to the caller. */
  start(...args: readonly string[]): ChildProcessByStdio<null, Readable, Readable>;
  /**
   * Runs `lamella` and expects a refusal: exit code 1, one message whose number matches the pattern
   * `code`, with all `parts` and a remedy; nothing on stdout, no stack trace, and every file
   * unchanged.
   */
  refuses(args: readonly string[], code: string, ...parts: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

export async function scratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), 'lamella-cli-'));
  // As if started from a shell, even if npm has started the tests.
  const cache = { XDG_CACHE_HOME: join(path, 'cache'), npm_command: '' };
  const lamella = (...args: readonly string[]) => execute(args, path, { ...cache, LAMELLA_DEBUG: '' });
  return {
    path,
    lamella,
    told: (input, ...args) => execute(args, path, { ...cache, LAMELLA_DEBUG: '' }, input),
    debugged: (...args) => execute(args, path, { ...cache, LAMELLA_DEBUG: '1' }),
    start: (...args) => start(args, path, { ...cache, LAMELLA_DEBUG: '' }),
    async refuses(args, code, ...parts) {
      const before = await files(path);
      const { code: exit, stdout, stderr: all } = await lamella(...args);
      // On a busy machine even short work takes long enough for a progress line.
      const stderr = all.replace(/^(?:(loading|packing) weights \d+ %|.* is still running; Ctrl-C ends it)\n/gm, '');
      expect(stderr).toMatch(new RegExp(`^${code} `));
      for (const part of parts) expect(stderr).toContain(part);
      expect(stderr).toMatch(/Try .+/);
      expect(stderr.match(/\bL\d{3}\b/g)).toHaveLength(1);
      expect(stderr).not.toMatch(/^ +at /m);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
      expect(await files(path)).toEqual(before);
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

function start(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const options = { cwd, env: { ...process.env, ...env } };
  return spawn(process.execPath, [bin, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

function execute(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  input = '',
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env } };
    const child = spawn(process.execPath, [bin, ...args], options);
    child.stdin.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Every file under `folder` with its content, and every folder. */
async function files(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const pairs = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path, entry.isFile() ? await readFile(path, 'latin1') : entry.isDirectory() ? 'folder' : 'other'] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

/**
 * A tiny model: 2 weight sets, 4 executions, 50 tokens of vocabulary, context 16. `change` edits
 * its text.
 */
export async function writeGraph(folder: string, name = 'tiny', change = (text: string) => text): Promise<string> {
  const file = join(folder, `${name}.ts`);
  await writeFile(file, change(tiny));
  return file;
}

const tiny = `import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, share, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 16, d: 16, ff: 24, vocab: 50 });

const layer = block(
  [t, d],
  () => ({
    norm: rmsNorm(d),
    attention: gqa(d, { heads: 4, kvHeads: 2, headDim: 4, rope: rope(10_000) }),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    const attended = residual(x, (x) => w.attention(w.norm(x)));
    return residual(attended, (x) => w.mlp(x));
  },
);

export default defineModel(
  'tiny',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
`;
