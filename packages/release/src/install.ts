/** A project outside the repository, with packed packages, installed as users install them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarball } from './packed.ts';
import { published } from './workspace.ts';

export interface Project {
  readonly path: string;
  /** Runs a program to its end and returns what it prints. Throws its output if it fails. */
  run(program: string, ...args: readonly string[]): string;
  remove(): void;
}

/** All packages that a project with models needs. npm finds none of them elsewhere. */
const needed = published.map(({ json }) => json.name).filter((name) => name !== 'create-lamella');

/** A new project with the packed packages and with `others` from npm. Its path has a space. */
export function install(...others: readonly string[]): Project {
  const path = mkdtempSync(join(tmpdir(), 'lamella project '));
  writeFileSync(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, { cwd: path, encoding: 'utf8', stdio: 'pipe' });
  const packed = needed.map(tarball);
  run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...packed, ...others);
  return { path, run, remove: () => rmSync(path, { recursive: true }) };
}
