/** Dawn on lavapipe, Mesa's driver: another compiler, and the default limits. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { graphCases, tinyCases } from '../conformance/cases.ts';
import { conforms } from '../conformance/conformance.ts';
import { dawn } from './dawn.ts';
import { onDevice } from './device.ts';
import { executorOn, type Setup } from './executor.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await dawn('lavapipe');
});
afterAll(() => device.destroy());
const execute = (setup: Setup) => executorOn(device, setup);

describe.each([...tinyCases, ...graphCases])('$name', ({ name, setting, extent, make }) => {
  test('follows the oracle', async () => {
    const { graph, weightOf } = await make();
    await conforms(onDevice(execute), graph, weightOf, setting, extent, name);
  });
});
