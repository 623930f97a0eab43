/** Dawn on lavapipe, Mesa's driver: another compiler, and the default limits. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { cases } from './cases.ts';
import { check } from './conformance.ts';
import { dawn } from './dawn.ts';
import { onDevice } from './device.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await dawn('lavapipe');
});
afterAll(() => device.destroy());

describe.each(cases)('%s %s', (quant, _, shape) => {
  const count = shape.context ? 140 : 70;
  test(`${count} tokens`, () =>
    check((graph, weightOf) => onDevice(device, 'lavapipe', graph, weightOf, quant), quant, shape, count));
});
