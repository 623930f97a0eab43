/**
 * The generated pages of the documentation. `npm run golden` writes them, and `test/docs` compares
 * them with the sources.
 */
import { apiReference } from './api.ts';
import { cliReference } from './cli.ts';
import { diagnosticsReference } from './diagnostics.ts';
import { dslReference } from './dsl.ts';
import { performancePage } from './performance.ts';
import { runtimeReference } from './runtime.ts';

/** Each page and its text. */
export async function references(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['performance.md', performancePage()],
    ['reference/dsl.md', dslReference()],
    ['reference/api.md', apiReference()],
    ['reference/cli.md', await cliReference()],
    ['reference/runtime.md', runtimeReference()],
    ['reference/diagnostics.md', diagnosticsReference()],
  ]);
}

/** The folder of the pages. */
export const docsFolder = new URL('../', import.meta.url);
