import { expect, test } from 'vitest';
import type { Driver } from '../src/driver/driver.ts';
import { driverError } from '../src/driver/self-test.ts';
import { readManifest } from '../src/manifest/manifest-file.ts';
import { drawn } from '../src/sampling/noise.ts';
import { loadWasm } from '../src/wasm/driver.ts';
import { fromMap, toyFiles } from './toy-package.ts';

test('a driver with a large vocabulary is tested', async () => {
  const files = fromMap(await toyFiles());
  const manifest = await readManifest(files);
  const toy = await loadWasm(manifest, files, { threads: 1 });
  // The toy's logits, followed by more tokens than a call takes arguments.
  const logits = () => Float32Array.from({ length: 600_000 }, (_, id) => toy.logits[id] ?? -1e9);
  const wide: Driver = { ...toy, readLogits: logits, choose: (draw, position) => drawn(logits(), draw, position) };
  expect(await driverError(wide, manifest)).toBe(0);
  expect(await driverError({ ...wide, choose: () => 3 }, manifest)).toBe(Number.POSITIVE_INFINITY);
});
