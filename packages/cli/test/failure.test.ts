/**
 * Failures without a diagnostic: the system's as one numbered message, and defects of Lamella,
 * which are named as such.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { reportFailure } from '../src/terminal/failure.ts';

/** The output for an error. */
async function told(error: unknown): Promise<string> {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await reportFailure(error, [])).toBe(1);
    return stderr.mock.calls.map(([text]) => text).join('');
  } finally {
    stderr.mockRestore();
  }
}

/** The error that `work` throws. */
function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}

test('a call that the system refuses', async () => {
  const noProcess = thrown(() => process.kill(2 ** 31 - 1, 0));
  expect(await told(noProcess)).toMatch(
    /^L312 the system refused kill: no such process. Try again with LAMELLA_DEBUG=1/,
  );
  const noProgram = spawnSync('/nowhere/at/all').error;
  expect(await told(noProgram)).toMatch(/^L312 the system refused spawnSync .*: no such file or directory. Try again/);
});

test('memory that cannot be allocated', async () => {
  const said = /^L313 there is not enough memory: .*\. Try a smaller model/;
  expect(await told(thrown(() => new ArrayBuffer(Number.MAX_SAFE_INTEGER)))).toMatch(said);
  // V8's message for a memory of WebAssembly.
  expect(await told(new RangeError('WebAssembly.Memory(): could not allocate memory'))).toMatch(said);
});

test('a full output device: one message', () => {
  const full = openSync('/dev/full', 'w');
  const bin = fileURLToPath(new URL('../bin/lamella.js', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [bin, '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  expect({ status, stderr: String(stderr) }).toEqual({
    status: 1,
    stderr: 'L301 stdout cannot be written: the disk is full. Try another place for what is printed\n',
  });
});

test('LAMELLA_DEBUG=0 prints no stack trace', async () => {
  vi.stubEnv('LAMELLA_DEBUG', '0');
  expect(await told(new Error('whatever'))).not.toMatch(/^ +at /m);
  vi.stubEnv('LAMELLA_DEBUG', '1');
  expect(await told(new Error('whatever'))).toMatch(/^ +at /m);
  vi.unstubAllEnvs();
});

test('a defect of Lamella', async () => {
  const defect = thrown(() => (null as unknown as { x: number }).x);
  expect(await told(defect)).toMatch(/\nThis is a defect of Lamella, not of your input\./);
});
