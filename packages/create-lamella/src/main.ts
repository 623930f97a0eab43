#!/usr/bin/env node
import { LamellaError } from '@lamella/graph/diagnostics';
import { packageManager } from 'lamella/package-manager';
/** `npm create lamella NAME`: starts a project of models in the new folder NAME. */
import { shellWord } from 'lamella/shell';
import { projectAt } from './project.ts';
import { version } from './project-files.ts';
import { writeProject } from './write-project.ts';

const usage = `Usage: npm create lamella NAME

Starts a project of models in the new folder NAME: a graph, its tests, and a workflow for CI.
`;

async function create(words: readonly string[]): Promise<string> {
  if (words.includes('--help') || words.includes('-h')) return usage;
  if (words.includes('--version')) return `${version}\n`;
  const unknown = words.find((word) => word.startsWith('-'));
  if (unknown !== undefined) {
    const reason = 'there is no such option';
    throw new LamellaError('L305', { option: unknown, reason, remedy: 'npm create lamella NAME' });
  }
  const [place, ...more] = words;
  if (place === undefined || more.length > 0) {
    const reason = place === undefined ? 'the name of the folder is missing' : 'there are too many arguments';
    throw new LamellaError('L305', { option: 'create-lamella', reason, remedy: 'npm create lamella my-models' });
  }
  const project = projectAt(place, process.cwd());
  const manager = packageManager();
  await writeProject(project, manager);
  const enter = project.folder === process.cwd() ? [] : [`cd ${shellWord(place)}`];
  const steps = [...enter, manager.install, `${manager.run} check`, `${manager.run} test`, `${manager.run} compile`];
  return `${place} has a small model, its tests, and a workflow for CI. Next:\n${steps.map((step) => `  ${step}\n`).join('')}`;
}

try {
  process.stdout.write(await create(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof LamellaError ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
