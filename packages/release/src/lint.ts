/**
 * Checks a packed package with publint and with are-the-types-wrong, in their current versions.
 * They are installed on first use, into the user's cache: they bring 40 MB, a TypeScript of their
 * own among it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { entryPoints, type WorkspacePackage } from './workspace.ts';

const versions = { publint: '0.3.25', '@arethetypeswrong/cli': '0.18.5' };
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamella-release');

/**
 * The resolutions for which a package has types: none if it only has a command. `strict` is for
 * compiled packages: their main entry for all, their faces (`./react`) for ES modules.
 */
export type Profile = 'esm-only' | 'strict' | null;

/** The profile of a published package: it consists of ES modules. */
export function profileOf(target: WorkspacePackage): Profile {
  return entryPoints(target).size > 0 ? 'esm-only' : null;
}

/** What the two tools find in a tarball, as they print it; empty if they find nothing. */
export function findings(tarball: string, profile: Profile): readonly string[] {
  const tools = installed();
  const run = (tool: string, ...args: readonly string[]): readonly string[] => {
    const program = join(tools, 'node_modules/.bin', tool);
    const { status, stdout, stderr } = spawnSync(program, [...args, tarball], { encoding: 'utf8' });
    return status === 0 ? [] : [`${tool} ${tarball}\n${stdout}${stderr}`];
  };
  const ascii = ['--format', 'ascii', '--no-emoji'];
  return [
    ...run('publint', '--strict'),
    ...(profile === 'strict' ? run('attw', ...ascii, '--profile', 'strict', '--entrypoints', '.', '--') : []),
    ...(profile === null ? [] : run('attw', ...ascii, '--profile', 'esm-only')),
  ];
}

function installed(): string {
  const folder = join(cache, Object.values(versions).join('-'));
  const complete = join(folder, 'installed');
  if (existsSync(complete)) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: versions }));
  process.stderr.write('installing publint and are-the-types-wrong into the cache (40 MB)\n');
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  writeFileSync(complete, '');
  return folder;
}
