/** Dawn on lavapipe, Mesa's driver: another compiler, the default limits, and halves. */
import { halves } from '@lamella/compiler/schedule/gpu/profile';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { graphCases, tinyCases } from '../conformance/cases.ts';
import { conforms } from '../conformance/conformance.ts';
import { follows } from '../conformance/follows.ts';
import { attentionCompositions, headCompositions } from './compositions.ts';
import { dawn } from './dawn.ts';
import { onDevice } from './device.ts';
import { executorOn, type Setup } from './executor.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await dawn('lavapipe');
});
afterAll(() => device.destroy());
const execute = (setup: Setup) => executorOn(device, setup);

const cases = [...tinyCases, ...graphCases];
// a model with keys and values as codes has no halves; of the graphs, only the one with trained
// weights
const inHalves = [...tinyCases, ...graphCases.filter(({ name }) => name.endsWith('the assistant'))].filter(
  ({ setting }) => setting.kv === 'f32',
);

describe.each(cases)('$name', ({ name, setting, extent, make }) => {
  test('follows the oracle', async () => {
    const { graph, weightOf } = await make();
    await conforms(onDevice(execute), graph, weightOf, setting, extent, name);
  });
});

describe.each(inHalves)('halves, $name', ({ name, setting, extent, make }) => {
  test('follows the oracle', async () => {
    const { graph, weightOf } = await make();
    await conforms(onDevice(execute, halves), graph, weightOf, setting, extent, `halves, ${name}`);
  });
});

describe.each([...headCompositions, ...attentionCompositions])('$name', ({ graph, setting, profile, tolerance }) => {
  test('follows the oracle', () => follows(onDevice(execute, profile), graph, setting, tolerance, 6));
});
