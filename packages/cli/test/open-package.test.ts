/** Remedies of a package's own `load`, in terms of the command line. */
import { LamellaError } from '@lamella/runtime/lamella-error';
import { expect, test } from 'vitest';
import { inFlags } from '../src/terminal/in-flags.ts';

test.each([
  ['device: "wasm"', '--target wasm'],
  ['threads: 1', '--threads 1'],
  ['a current Node', 'a current Node'],
])('%s is suggested as %s', (remedy, suggested) => {
  const said = inFlags(new LamellaError('L412', { what: 'webgpu', reason: 'there is no adapter', remedy }, 'out/p'));
  expect(String(said)).toMatch(/L412 webgpu cannot be used: there is no adapter, at out\/p\. Try /);
  expect(String(said).endsWith(`Try ${suggested}`)).toBe(true);
});

test('other errors are unchanged', () => {
  for (const error of [new Error('threads: 1'), new LamellaError('L401'), null]) expect(inFlags(error)).toBe(error);
});
