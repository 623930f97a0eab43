/**
 * A project with one tool and the packages, installed as users install them. It stays in the user's
 * cache, so that a tool is installed once; the app and the packages are copied again each time.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import tools from './tools.json' with { type: 'json' };

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamella-bundlers');
const app = fileURLToPath(new URL('app/', import.meta.url));

/** No questions, no telemetry. */
const quiet = { CI: '1', NEXT_TELEMETRY_DISABLED: '1', PARCEL_WORKERS: '0', FORCE_COLOR: '0', NODE_ENV: '' };

export interface Project {
  readonly path: string;
  /** Runs a program of the project to its end. Throws its output if it fails. */
  run(bin: string, ...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Runs a server during `use`, which receives its origin. The port is appended to `args`. */
  serving<T>(bin: string, args: readonly string[], use: (origin: string) => Promise<T>): Promise<T>;
}

/** The project of `tool`, with the app's files under the given names and the packages installed. */
export async function project(
  tool: keyof typeof tools,
  tarballs: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<Project> {
  const path = join(cache, tool);
  await mkdir(path, { recursive: true });
  const dependencies = tools[tool];
  const wanted = JSON.stringify({ private: true, type: 'module', dependencies });
  const installed = await readFile(join(path, 'installed.json'), 'utf8').catch(() => '');
  if (installed !== wanted) await rm(path, { recursive: true });
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'package.json'), wanted);
  const npm = (...args: string[]) => execute(path, 'npm', ['install', '--no-save', '--no-audit', '--no-fund', ...args]);
  if (installed !== wanted) await npm();
  await writeFile(join(path, 'installed.json'), wanted);
  await npm('--prefer-offline', ...tarballs);
  for (const folder of ['app', 'dist', '.next', '.parcel-cache', 'node_modules/.vite'])
    await rm(join(path, folder), { recursive: true, force: true });
  for (const [name, source] of Object.entries(files)) await cp(join(app, source), join(path, name));
  const bin = (name: string) => (isAbsolute(name) ? name : join(path, 'node_modules', '.bin', name));
  return {
    path,
    run: (name, ...args) => execute(path, bin(name), args),
    async serving(name, args, use) {
      const port = await freePort();
      // In its own process group, because some tools start their server as a child process.
      const child = spawn(bin(name), [...args, '--port', String(port)], {
        cwd: path,
        env: { ...process.env, ...quiet },
        detached: true,
        stdio: 'ignore',
      });
      try {
        const origin = `http://localhost:${port}`;
        await answering(origin, child);
        return await use(origin);
      } finally {
        const gone = once(child, 'exit');
        process.kill(-child.pid!);
        await gone;
      }
    },
  };
}

function execute(cwd: string, program: string, args: readonly string[]): ReturnType<Project['run']> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...quiet }, maxBuffer: 1 << 26 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`));
      else resolve({ stdout, stderr });
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return (address as { port: number }).port;
}

/** Resolves when the server responds; rejects if it has ended. */
async function answering(origin: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const there = await fetch(origin).then(
      () => true,
      () => false,
    );
    if (there) return;
    await setTimeout(100);
  }
  throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
}
