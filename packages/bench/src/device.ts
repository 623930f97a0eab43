/**
 * `npm run bench:device`: profiles this machine, predicts six models from the profile, measures
 * them, and prints both. The target is 15 %. Threads that other work interrupts make measurements
 * longer, so each is the best of many short runs, like the profile's own. `--threads 1,2` measures these numbers alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { currentNode } from '@lamella/hosts/current-node';
import { nodeHost } from 'lamella/bench/node';
import { profile } from 'lamella/profile';
import { fastest } from 'lamella/profile/measure';
import { timesOn } from 'lamella/profile/predict';
import { buildVariant, type Model, modelsFolder, type Variant } from './models.ts';

/** The largest share by which a prediction may be off. */
const TARGET = 0.15;

const variants: readonly Variant[] = (
  [
    ['125m', 'q4'],
    ['125m', 'q8'],
    ['125m-ls', 'q4'],
    ['125m-60', 'q4'],
    ['350m', 'q4'],
    ['600m', 'q4'],
  ] as const satisfies readonly (readonly [Model, Variant['quant']])[]
).map(([model, quant]) => ({ model, quant, kv: 'f32' }));

const { values } = parseArgs({ options: { threads: { type: 'string' } } });

if (process.execPath === currentNode()) await run();
else {
  const args = ['--import', import.meta.resolve('tsx'), fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exitCode = spawnSync(currentNode(), args, { stdio: 'inherit' }).status ?? 1;
}

async function run(): Promise<void> {
  const device = await profile(nodeHost, {
    threads: values.threads?.split(',').map(Number),
    quants: [...new Set(variants.map(({ quant }) => quant))],
    onProgress: ({ done, total }) => process.stderr.write(`profile ${done} of ${total}\n`),
  });
  await mkdir(modelsFolder, { recursive: true });
  await writeFile(join(modelsFolder, 'device.json'), `${JSON.stringify(device, null, 2)}\n`);
  const rows: string[] = [];
  let missed = 0;
  for (const variant of variants) {
    const { folder } = await buildVariant(variant);
    for (const kernels of device.kernels.filter(({ quant }) => quant === variant.quant)) {
      const on = { device: 'wasm', threads: kernels.threads } as const;
      const loads: number[] = [];
      for (let load = 0; load < 2; load++) {
        const loaded = await nodeHost.open(join(modelsFolder, folder), on);
        loads.push(loaded.loadMs);
        await loaded.close();
      }
      const subject = await nodeHost.open(join(modelsFolder, folder), on);
      // The predicted token is at position 96.
      const late = await fastest(subject, { promptTokens: 94, generatedTokens: 3 });
      const prompt = await fastest(subject, { promptTokens: 64, generatedTokens: 1 });
      await subject.close();
      const predicted = timesOn(subject.manifest, kernels);
      const measured = {
        decodeMs: 1e3 / late.decodeTokensPerSecond,
        prefillMs: 64e3 / prompt.prefillTokensPerSecond,
        loadMs: Math.min(...loads, subject.loadMs),
      };
      const cells = (['decodeMs', 'prefillMs', 'loadMs'] as const).map((time) => {
        const off = predicted[time]! / measured[time] - 1;
        if (Math.abs(off) > TARGET) missed++;
        return `${predicted[time]!.toFixed(2)} / ${measured[time].toFixed(2)} (${off > 0 ? '+' : ''}${(100 * off).toFixed(0)} %)`;
      });
      rows.push(`| ${[`${variant.model} ${variant.quant}`, kernels.threads, ...cells].join(' | ')} |\n`);
      process.stderr.write(rows.at(-1)!);
    }
  }
  process.stdout.write(
    [
      `${device.device}, ${device.engine}: predicted / measured, ms\n\n`,
      '| model | threads | token | prompt of 64 | load |\n| --- | --- | --- | --- | --- |\n',
      ...rows,
      `\n${missed === 0 ? 'met' : `missed by ${missed} of ${3 * rows.length}`}: at most ${100 * TARGET} % off\n`,
    ].join(''),
  );
}
