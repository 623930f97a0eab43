/**
 * Makes the packages that npm receives. The compiler compiles all sources of the workspace at once;
 * each published package is staged in `dist/NAME`, and npm packs it into `dist/tarballs`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageJson } from './manifest.ts';
import { dist, tarballs } from './packed.ts';
import { stage } from './stage.ts';
import { published, root, type WorkspacePackage } from './workspace.ts';

/** Folders that are part of a package as they are. */
const folders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lamella: { studio: 'apps/studio/dist' },
  'create-lamella': { templates: 'packages/create-lamella/templates' },
};

requireOneVersion(published);
rmSync(dist, { recursive: true, force: true });
mkdirSync(tarballs, { recursive: true });
const compiled = mkdtempSync(join(tmpdir(), 'lamella-release-'));
try {
  compileTo(compiled);
  const staged = published.map((target) => ({ target, staged: stage(target, compiled) }));
  const hash = createHash('sha256');
  for (const { staged: each } of staged) for (const entry of [...each.files].sort()) hash.update(JSON.stringify(entry));
  const build = hash.digest('hex').slice(0, 16);
  for (const { target, staged: each } of staged) {
    const { name } = target.json;
    const folder = join(dist, name);
    const copied = folders[name] ?? {};
    for (const [path, text] of each.files) write(join(folder, path), text);
    for (const [to, from] of Object.entries(copied)) cpSync(join(root, from), join(folder, to), { recursive: true });
    const tops = [...each.files.keys()].map((path) => path.slice(0, path.indexOf('/')));
    const all = [...new Set([...tops, ...Object.keys(copied)])].sort();
    write(join(folder, 'package.json'), packageJson(target, each, all, build));
    cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
    cpSync(join(root, 'packages', target.folder, 'README.md'), join(folder, 'README.md'));
    execFileSync('npm', ['pack', '--silent', '--pack-destination', tarballs], { cwd: folder, stdio: 'ignore' });
  }
} finally {
  rmSync(compiled, { recursive: true });
}

function compileTo(folder: string): void {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const project = fileURLToPath(new URL('../tsconfig.build.json', import.meta.url));
  const words = [join(typescript, 'bin/tsc'), '-p', project, '--outDir', folder];
  if (spawnSync(process.execPath, words, { stdio: 'inherit' }).status !== 0) throw new Error('tsc failed');
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function requireOneVersion(packages: readonly WorkspacePackage[]): void {
  const versions = new Set(packages.map(({ json }) => json.version));
  if (versions.size > 1) throw new Error(`published packages have versions ${[...versions].join(', ')}; they need one`);
}
