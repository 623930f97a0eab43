/** Writes the goldens of all models again, after a change that you intended. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emit } from 'lamella';

const project = join(import.meta.dirname, '..');
for (const file of readdirSync(join(project, 'graphs'))) {
  if (!file.endsWith('.ts')) continue;
  const text = await emit(join(project, 'graphs', file), 'graph');
  writeFileSync(join(project, 'golden', file.replace(/\.ts$/, '.txt')), text);
}
