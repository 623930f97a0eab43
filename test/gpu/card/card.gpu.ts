/** The conformance test on this machine's own GPU, in every profile that it supports. */
import { conservative, halves } from '@lamella/compiler/schedule/gpu/profile';
import { afterAll, describe, test } from 'vitest';
import { graphCases, tinyCases } from '../../conformance/cases.ts';
import { conforms } from '../../conformance/conformance.ts';
import { dawnHere } from '../dawn.ts';
import { onDevice } from '../device.ts';
import { executorOn, type Setup } from '../executor.ts';

const device = await dawnHere();
afterAll(() => device.destroy());
const execute = (setup: Setup) => executorOn(device, setup);

const profiles = [conservative, halves].filter(({ needs }) => needs.every((feature) => device.features.has(feature)));
const cases = profiles.flatMap((profile) =>
  [...tinyCases, ...graphCases]
    // a model with keys and values as codes has no halves
    .filter(({ setting }) => profile === conservative || setting.kv === 'f32')
    .map((each) => ({ ...each, profile, title: `${profile.name}, ${each.name}` })),
);

describe.each(cases)('$title', ({ title, profile, setting, extent, make }) => {
  test('follows the oracle', async () => {
    const { graph, weightOf } = await make();
    await conforms(onDevice(execute, profile), graph, weightOf, setting, extent, title);
  });
});
