/** The conformance test on Chromium's own WebGPU, in a page. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { graphCases, tinyCases } from '../conformance/cases.ts';
import { conforms } from '../conformance/conformance.ts';
import { type ChromiumGpu, chromiumGpu } from './chromium.ts';
import { onDevice } from './device.ts';

let chromium: ChromiumGpu;
beforeAll(async () => {
  chromium = await chromiumGpu();
});
afterAll(() => chromium.close());

describe.each([...tinyCases, ...graphCases])('$name', ({ name, setting, extent, make }) => {
  test('follows the oracle', async () => {
    const { graph, weightOf } = await make();
    await conforms(onDevice(chromium.execute), graph, weightOf, setting, extent, name);
  });
});
