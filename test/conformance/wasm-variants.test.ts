/**
 * A package has one module for each set of features that changes at least one kernel, and no copy
 * of the plain module.
 */
import { lower } from '@lamella/compiler/pipeline';
import { schedule } from '@lamella/compiler/schedule/cpu/schedule';
import { printModule } from '@lamella/compiler/targets/wasm/module';
import { variantFeatures, variantsOf } from '@lamella/compiler/targets/wasm/variants';
import { formatNames, kvNames } from '@lamella/runtime/choices';
import { expect, test } from 'vitest';
import { model } from './models.ts';

const settings = formatNames.flatMap((quant) => kvNames.map((kv) => ({ quant, kv })));

test.each(settings)('quant $quant, KV $kv', (options) => {
  const { plan } = lower(model({ tied: false }), options);
  const known = new Set<string>();
  // a variant without further changes has the text of an earlier one
  const distinct = (['simd', 'relaxed', 'vnni', 'sdot'] as const).filter((variant) => {
    const features = variantFeatures[variant];
    const text = printModule(plan, schedule(plan, features), features);
    const isNew = !known.has(text);
    known.add(text);
    return isNew;
  });
  expect(variantsOf(plan.program)).toEqual([...distinct, ...distinct.map((variant) => `${variant}-threads`)]);
});
