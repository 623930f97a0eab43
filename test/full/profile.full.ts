/**
 * `lamella profile` measures figures that `inspect --device` takes. Smaller working sets than the
 * command's suffice here: their speed is not tested. `npm run bench:device` compares predictions
 * with measurements.
 */
import { compile } from 'lamella';
import { nodeHost } from 'lamella/bench/node';
import { faultOf } from 'lamella/profile/fault';
import { compileProbes, measureKernels } from 'lamella/profile/measure';
import { fastMemory, readWork } from 'lamella/profile/reads';
import { expect, test } from 'vitest';

test('every figure of a measured profile is in range', async () => {
  const { module, sizes: all } = await readWork();
  const sizes = all.slice(0, 6);
  const reads = await nodeHost.reads({ module, sizes });
  expect(reads.map(({ workingSetBytes }) => workingSetBytes)).toEqual(sizes);
  const pack = (quant: 'q8' | 'q4') =>
    compileProbes(quant, (graph) => compile(graph, { weights: 'random:1', quant }), [4 << 20]);
  const kernels = [
    await measureKernels(nodeHost, await pack('q8'), { device: 'wasm', threads: 1 }),
    await measureKernels(nodeHost, await pack('q4'), { device: 'wasm', threads: 1 }),
  ];
  const about = await nodeHost.about();
  const profile = {
    ...{ format: 'lamella-profile/1', ...about, reads, kernels },
    ...{ fastMemoryBytes: fastMemory(reads), threads: 1 },
  };
  expect(faultOf(JSON.parse(JSON.stringify(profile)))).toBeNull();
  expect(kernels.map(({ weights }) => weights.length)).toEqual([2, 2]);
  expect(kernels[1]!.kernels).toMatch(/^kernels\.\w+\.wasm$/);
});
