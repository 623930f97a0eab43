/** Dawn on SwiftShader, the driver that Chromium carries. */
import { conservative } from '@lamella/compiler/schedule/gpu/profile';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { cases } from './cases.ts';
import { check } from './conformance.ts';
import { dawn } from './dawn.ts';
import { onDevice } from './device.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await dawn('SwiftShader');
});
afterAll(() => device.destroy());

describe.each(cases)('%s %s', (quant, _, shape) => {
  const count = shape.context ? 140 : 70;
  test(`${count} tokens`, () =>
    check((graph, weightOf) => onDevice(device, 'SwiftShader', graph, weightOf, quant), quant, shape, count));
});

test('a table that is too large for one binding, weights in several buffers', () => {
  const shape = { vocab: 2000, context: 24 };
  const small = { ...conservative, bindingBytes: 200 << 10, bufferBytes: 600 << 10 };
  const machine = (graph: Graph, weightOf: WeightOf) => onDevice(device, 'SwiftShader', graph, weightOf, 'f32', small);
  return check(machine, 'f32', shape, 6);
});
