/** Answers with formats on Dawn, where the GPU makes the first choice of a token. */
import { formatModel, fuzzFormats } from 'lamella/test/fuzz-formats';
import { scratch } from 'lamella/test/lamella';
import { expect, test } from 'vitest';
import { dawnInstance } from './dawn.ts';

test('every answer satisfies its schema', async () => {
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: dawnInstance('SwiftShader') }, configurable: true });
  const home = await scratch();
  const model = await formatModel(home, 'webgpu');
  expect(model.running.device).toBe('webgpu');
  const names = ['const', 'lengths', 'few multiples'];
  const { wrong, ends } = await fuzzFormats(model, 2, names);
  expect(wrong).toEqual([]);
  expect(ends).toEqual({ eos: 6 });
  model.dispose();
  await home.remove();
});
