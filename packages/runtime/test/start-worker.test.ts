import { expect, test } from 'vitest';
import { startWorker } from '../src/page/start-worker.ts';

test('without a script to try, the error has the reason and a remedy', async () => {
  await expect(startWorker([])).rejects.toThrow(
    /^L436 the model's worker cannot be started: a bundler did not copy worker\.js, .*Try copying the package's folder/,
  );
});
