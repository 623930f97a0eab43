/**
 * `npm run release:dry`: what a release would publish. Checks every packed package, and prints its
 * size, the size of an installed `lamella`, and how long the installed command takes. Nothing is
 * published.
 */
import { copyFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { install } from './install.ts';
import { findings, profileOf } from './lint.ts';
import { dist, tarball, tarballs } from './packed.ts';
import { published, root } from './workspace.ts';

const found = published.flatMap((each) => findings(tarball(each.json.name), profileOf(each)));
const rows = published.map(({ json: { name, version } }) => ({
  package: `${name}@${version}`,
  'packed, KB': kilobytes(statSync(tarball(name)).size),
  'unpacked, KB': kilobytes(sizeOf(join(dist, name))),
}));
console.table(rows);
console.log(`packed in ${relative(process.cwd(), tarballs)}\n`);

const project = install();
const lamella = join(project.path, 'node_modules/.bin/lamella');
try {
  const modules = join(project.path, 'node_modules');
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
  const parts = names.map((name) => ({ name, size: sizeOf(join(modules, name)) }));
  const large = parts.sort((a, b) => b.size - a.size).slice(0, 5);
  const installed = parts.reduce((sum, { size }) => sum + size, 0) / 1e6;
  console.log(
    `largest installed: ${large.map(({ name, size }) => `${name} ${(size / 1e6).toFixed(1)} MB`).join(', ')}`,
  );
  copyFileSync(join(root, 'graphs/mobilellm-125m.ts'), join(project.path, 'model.ts'));
  console.table([
    { what: 'installed, with dependencies', measured: `${installed.toFixed(1)} MB`, target: '60 MB' },
    { what: 'node alone', measured: seconds('node', '-e', '0'), target: '' },
    { what: 'npx lamella --version', measured: seconds('npx', 'lamella', '--version'), target: '0.3 s' },
    { what: 'lamella --version', measured: seconds(lamella, '--version'), target: '' },
    { what: 'lamella check, MobileLLM-125M', measured: seconds(lamella, 'check', 'model.ts'), target: '0.6 s' },
    { what: 'lamella compile, without weights', measured: seconds(lamella, 'compile', 'model.ts'), target: '1.0 s' },
  ]);
} finally {
  project.remove();
}
for (const each of found) console.error(each);
process.exitCode = found.length > 0 ? 1 : 0;

/** The median of five runs in the project, after one that fills the caches. */
function seconds(program: string, ...words: readonly string[]): string {
  const once = () => {
    const start = performance.now();
    project.run(program, ...words);
    return performance.now() - start;
  };
  once();
  const times = Array.from({ length: 5 }, once).sort((a, b) => a - b);
  return `${(times[2]! / 1000).toFixed(2)} s`;
}

function sizeOf(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function kilobytes(bytes: number): number {
  return Math.round(bytes / 1000);
}
