/** Dawn on SwiftShader, the driver that Chromium contains. */
import { conservative } from '@lamella/compiler/schedule/gpu/profile';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { graphCases, tinyCases } from '../conformance/cases.ts';
import { conforms } from '../conformance/conformance.ts';
import { follows } from '../conformance/follows.ts';
import { model } from '../conformance/models.ts';
import { weightsOf } from '../conformance/weights.ts';
import { attentionCompositions, headCompositions } from './compositions.ts';
import { dawn } from './dawn.ts';
import { onDevice } from './device.ts';
import { executorOn, type Setup } from './executor.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await dawn('SwiftShader');
});
afterAll(() => device.destroy());
const execute = (setup: Setup) => executorOn(device, setup);

describe.each([...tinyCases, ...graphCases])('$name', ({ name, setting, extent, make }) => {
  test('follows the oracle', async () => {
    const { graph, weightOf } = await make();
    await conforms(onDevice(execute), graph, weightOf, setting, extent, name);
  });
});

test('a table that is too large for one binding, weights in several buffers', async () => {
  const graph = model({ vocab: 2000, context: 24 });
  const small = { ...conservative, bindingBytes: 200 << 10, bufferBytes: 600 << 10 };
  const extent = { prompt: 4, decoded: 2, generated: 2, stepped: 1, witnessed: 2 };
  await conforms(onDevice(execute, small), graph, weightsOf(graph), { quant: 'f32', kv: 'f32' }, extent);
});

describe.each([...headCompositions, ...attentionCompositions].filter(({ profile }) => profile.needs.length === 0))(
  '$name',
  ({ graph, setting, profile, tolerance }) => {
    test('follows the oracle', () => follows(onDevice(execute, profile), graph, setting, tolerance, 6));
  },
);
