/**
 * What the kernels cost on Arm, counted in V8's own code: instructions for 32 products in the loop
 * that multiplies one token with 16 rows. The counts are printed; the bounds are those of
 * docs/decisions.md.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lower } from '@lamella/compiler/pipeline';
import { schedule } from '@lamella/compiler/schedule/cpu/schedule';
import { assemble } from '@lamella/compiler/targets/wasm/assemble';
import { printModule } from '@lamella/compiler/targets/wasm/module';
import { variantFeatures } from '@lamella/compiler/targets/wasm/variants';
import { armNode } from '@lamella/hosts/arm-node';
import type { FormatName, WasmVariant } from '@lamella/runtime/choices';
import { afterAll, beforeAll, expect, test } from 'vitest';
import assistant from '../../graphs/assistant.ts';
import { loopsOf } from './instructions.ts';

/** Products of 16 rows with the 64 columns of a pair of groups. */
const PRODUCTS = 16 * 64;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-arm-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Instructions for 32 products in each loop with `dots` instructions `name`, fewest first. */
async function counts(quant: FormatName, variant: WasmVariant, name: string, dots: number): Promise<number[]> {
  const { plan } = lower(assistant, { quant });
  const features = variantFeatures[variant];
  const file = join(folder, `${quant}.${variant}.wasm`);
  await writeFile(file, await assemble(printModule(plan, schedule(plan, features), features)));
  const loops = (await loopsOf(file, armNode('sdot'))).filter(({ count }) => count.get(name) === dots);
  return loops.map(({ instructions }) => instructions / (PRODUCTS / 32)).sort((x, y) => x - y);
}

test.each([
  ['q4', 'sdot', 'sdot', PRODUCTS / 16, 10.3],
  ['q8', 'sdot', 'sdot', PRODUCTS / 16, 10.3],
  ['q4', 'relaxed', 'smull', PRODUCTS / 16, 24],
  ['q8', 'simd', 'smull', PRODUCTS / 8, 48],
] as const)('%s, %s', async (quant, variant, name, dots, most) => {
  const found = await counts(quant, variant, name, dots);
  const [least, largest] = [found[0]!, found.at(-1)!].map((count) => count.toFixed(1));
  console.log(`${quant} on Arm, ${variant}: ${least} to ${largest} instructions for 32 products`);
  expect(found.length).toBeGreaterThan(2);
  expect(found.at(-1)).toBeLessThan(most);
});
