/**
 * Package managers, installed from npm on first use into the user's cache, and a shell that has one
 * of them and nothing of the npm that runs the tests.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamella-managers');

/** The package and the version of each, and the user agent that it passes to its children. */
const packages = {
  pnpm: { name: 'pnpm', version: '12.21.0', agent: 'pnpm' },
  yarn: { name: 'yarn', version: '1.22.22', agent: 'yarn' },
  'modern-yarn': { name: '@yarnpkg/cli-dist', version: '4.18.1', agent: 'yarn' },
  bun: { name: 'bun', version: '1.4.5', agent: 'bun' },
} as const;

export type ManagerName = 'npm' | keyof typeof packages;

export interface Shell {
  /** The user agent of the package manager. */
  readonly agent: string;
  /** Runs commands in `folder`. Throws their output if one fails. Returns stdout. */
  run(folder: string, commands: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts a server and fetches the address that it prints. Returns the page; the server then ends. */
  fetchFrom(folder: string, command: string): Promise<string>;
}

export async function shellWith(manager: ManagerName): Promise<Shell> {
  if (manager === 'npm') return shell('npm/11', []);
  const { name, version, agent } = packages[manager];
  const folder = join(cache, manager);
  const wanted = JSON.stringify({ private: true, dependencies: { [name]: version } });
  const started = shell(`${agent}/${version}`, [join(folder, 'node_modules', '.bin')]);
  const { run } = started;
  if ((await readFile(join(folder, 'installed'), 'utf8').catch(() => '')) !== wanted) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), wanted);
    await run(folder, 'npm install --no-audit --no-fund');
    // npm runs install scripts only if they are allowed.
    if (manager === 'bun') await run(folder, 'node node_modules/bun/install.js');
    await writeFile(join(folder, 'installed'), wanted);
  }
  return started;
}

function shell(agent: string, paths: readonly string[]): Shell {
  const outside = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$|^NODE_OPTIONS$/i.test(name));
  const path = [
    ...paths,
    ...(process.env.PATH ?? '').split(delimiter).filter((each) => !each.includes('node_modules')),
  ];
  // pnpm and Yarn ask before they change a folder, unless they run in CI; there they refuse to
  // write a lock file, unless they are told to.
  const quiet = {
    FORCE_COLOR: '0',
    NO_COLOR: '1',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  };
  const base = { ...Object.fromEntries(outside), PATH: path.join(delimiter), ...quiet };
  return {
    agent,
    run: (cwd, commands, env = {}) =>
      new Promise((resolve, reject) => {
        const options = { cwd, env: { ...base, ...env }, maxBuffer: 1 << 26 };
        execFile('sh', ['-c', commands], options, (error, stdout, stderr) => {
          if (error) reject(new Error(`${commands}\n${stdout}${stderr}`));
          else resolve(stdout);
        });
      }),
    fetchFrom: async (cwd, command) => {
      // In its own process group, because a package manager starts the server as a child process.
      const server = spawn('sh', ['-c', command], {
        cwd,
        env: base,
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      try {
        let said = '';
        for await (const text of server.stderr.setEncoding('utf8')) {
          said += text;
          const [, origin] = /^listening on (http:\S+)$/m.exec(said) ?? [];
          if (origin) return await (await fetch(origin)).text();
        }
        throw new Error(`${command}\n${said}`);
      } finally {
        if (server.exitCode === null) process.kill(-server.pid!);
      }
    },
  };
}
