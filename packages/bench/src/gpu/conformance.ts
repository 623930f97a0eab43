/** Runs the conformance tests on this machine's GPU (`test/gpu/card`) in a separate process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Conformance {
  readonly passed: number;
  readonly failed: number;
  /** Names of the failed cases. */
  readonly failures: readonly string[];
  readonly seconds: number;
}

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** The part of vitest's JSON report that is used. */
interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs the cases whose name matches `pattern`. Throws if none ran. */
export async function conformance(pattern: string): Promise<Conformance> {
  const began = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'lamella-card-'));
  try {
    const file = join(folder, 'report.json');
    const vitest = join(dirname(fileURLToPath(import.meta.resolve('vitest/package.json'))), 'vitest.mjs');
    const config = join(root, 'test/gpu/card/vitest.config.ts');
    const reports = ['--reporter=default', '--reporter=json', `--outputFile=${file}`];
    const child = spawn(process.execPath, [vitest, 'run', '--config', config, '-t', pattern, ...reports], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    await once(child, 'close');
    const { testResults } = JSON.parse(await readFile(file, 'utf8')) as Report;
    const ran = testResults.flatMap(({ assertionResults }) => assertionResults);
    const passed = ran.filter(({ status }) => status === 'passed').length;
    const failures = ran.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    if (passed + failures.length === 0)
      throw new Error(testResults.map(({ message }) => message).join('\n') || `no case is called ${pattern}`);
    return { passed, failed: failures.length, failures, seconds: (performance.now() - began) / 1000 };
  } finally {
    await rm(folder, { recursive: true });
  }
}
