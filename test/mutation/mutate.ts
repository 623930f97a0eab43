/**
 * `npm run mutate [-- words of names]`: applies the mutations one at a time and requires the test
 * named beside each to fail. It works on copies of the repository in the temporary folder, so the
 * repository stays intact; the unchanged copy must pass first, so that a failure comes from the
 * mutation.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Mutation, mutations } from './mutations.ts';

const repository = resolve(import.meta.dirname, '../..');
/** Copies used at the same time, suitable for the cores of the machines that run this. */
const COPIES = 2;
const TIME_LIMIT = 120_000;

interface Verdict {
  /** Full name of the first test that failed, null if all passed. */
  readonly failed: string | null;
  readonly passed: number;
  readonly seconds: number;
}

/**
 * The repository without built and installed files; dependencies are linked, our own packages point
 * into the copy.
 */
async function makeCopy(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'lamella-mutate-'));
  const left = new Set(['node_modules', 'dist', 'out', '.git', '.turbo', '.cache']);
  for (const entry of await readdir(repository)) {
    if (left.has(entry)) continue;
    const filter = (source: string) => !left.has(basename(source)) && !source.endsWith('.safetensors');
    await cp(join(repository, entry), join(copy, entry), { recursive: true, filter });
  }
  const modules = join(copy, 'node_modules');
  await mkdir(join(modules, '@lamella'), { recursive: true });
  for (const name of await readdir(join(repository, 'node_modules'))) {
    if (name.startsWith('.') || name === '@lamella') continue;
    await symlink(join(repository, 'node_modules', name), join(modules, name));
  }
  for (const name of await readdir(join(copy, 'packages')))
    await symlink(join(copy, 'packages', name), join(modules, '@lamella', name));
  return copy;
}

const running = new Set<ReturnType<typeof spawn>>();

/** Runs test files in a copy until the first failure. Throws if they cannot run. */
async function runTests(copy: string, files: readonly string[]): Promise<Verdict> {
  const started = performance.now();
  const report = join(copy, 'report.json');
  await rm(report, { force: true });
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
  const reporting = ['--bail', '1', '--reporter', 'json', '--outputFile', report];
  const child = spawn(process.execPath, [vitest, 'run', ...reporting, ...files], { cwd: copy, stdio: 'pipe' });
  running.add(child);
  let said = '';
  const listen = (chunk: Buffer) => {
    said += chunk.toString();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const timer = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT);
  await new Promise((done) => child.on('close', done));
  clearTimeout(timer);
  running.delete(child);
  const text = await readFile(report, 'utf8').catch(() => null);
  if (text === null) throw new Error(`${files.join(', ')} did not end:\n${said}`);
  const { testResults } = JSON.parse(text) as VitestReport;
  const tests = testResults.flatMap((file) => file.assertionResults);
  const failed = tests.find((test) => test.status === 'failed');
  const broken = testResults.find((file) => file.status === 'failed' && file.message);
  if (!failed && broken) throw new Error(`${broken.name} could not be run: ${broken.message}`);
  return {
    failed: failed?.fullName ?? null,
    passed: tests.filter((test) => test.status === 'passed').length,
    seconds: (performance.now() - started) / 1000,
  };
}

/** The part of vitest's JSON report that is used. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** The mutated text of a file. Throws unless the mutation fits it exactly once. */
function mutate({ name, file, find, replace }: Mutation, text: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`"${name}": its text stands ${parts.length - 1} times in ${file}: ${find}`);
  return parts.join(replace);
}

/** Applies one mutation to a copy, tests it, and reverts it. */
async function judge(copy: string, mutation: Mutation): Promise<Verdict> {
  const path = join(copy, mutation.file);
  const text = await readFile(path, 'utf8');
  await writeFile(path, mutate(mutation, text));
  try {
    return await runTests(copy, [mutation.killedBy]);
  } finally {
    await writeFile(path, text);
  }
}

async function main(words: string): Promise<boolean> {
  const chosen = mutations.filter(({ name }) => name.includes(words));
  if (chosen.length === 0) throw new Error(`no mutation is named like "${words}"`);
  for (const mutation of chosen) mutate(mutation, await readFile(join(repository, mutation.file), 'utf8'));

  const queue = [...chosen];
  let stopped = false;
  process.once('SIGINT', () => {
    stopped = true;
    queue.length = 0;
    for (const child of running) child.kill('SIGKILL');
  });
  const copies = await Promise.all(Array.from({ length: COPIES }, makeCopy));
  try {
    if (stopped) return false;
    const unchanged = await runTests(copies[0]!, [...new Set(chosen.map((m) => m.killedBy))]);
    if (unchanged.failed) throw new Error(`without any mutation, this fails already: ${unchanged.failed}`);
    console.log(`unchanged: ${unchanged.passed} tests pass (${unchanged.seconds.toFixed(0)} s)\n`);

    const width = Math.max(...chosen.map((m) => m.name.length));
    let killed = 0;
    const work = async (copy: string): Promise<void> => {
      for (let mutation = queue.shift(); mutation; mutation = queue.shift()) {
        const result = await judge(copy, mutation).then(
          ({ failed }) => failed,
          (error: Error) => error,
        );
        if (typeof result === 'string') killed += 1;
        const by = result instanceof Error ? `NOT RUN: ${result.message}` : (result ?? 'SURVIVES');
        if (!stopped) console.log(`${mutation.name.padEnd(width)}  ${mutation.killedBy}: ${by}`);
      }
    };
    await Promise.all(copies.map(work));
    console.log(`\n${killed} of ${chosen.length} mutations killed`);
    return killed === chosen.length;
  } finally {
    await Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })));
  }
}

process.exitCode = (await main(process.argv.slice(2).join(' '))) ? 0 : 1;
