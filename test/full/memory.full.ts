/**
 * Converting the largest model takes little more memory than its largest tensor: 1,511,188,800
 * parameters in F16 are 3 GB, packed as q8 1.5 GB. In addition to the compiler itself, only one
 * tensor as f32 is held, the embedding's 205 MB, and a piece of the output. The checkpoint is a
 * header and a sparse file of zeros, which takes no disk space.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { WEIGHT_CHUNK_BYTES } from '@lamella/compiler/pack';
import { elementCount } from '@lamella/graph/ir';
import { expect, test } from 'vitest';
import graph from '../../graphs/mobilellm-1.5b.ts';

/** A safetensors file of these sizes whose data was never written. */
async function writeHollow(file: string): Promise<void> {
  let end = 0;
  const entries = graph.weights.map(({ name, shape }) => {
    const begin = end;
    end += 2 * elementCount(shape);
    return [name, { dtype: 'F16', shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const handle = await open(file, 'w');
  await handle.writev([length, json]);
  await handle.truncate(length.length + json.length + end);
  await handle.close();
}

test('a 1.5B checkpoint is packed in 1.2 times its largest tensor and a piece of output', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lamella-memory-'));
  try {
    const file = path.join(folder, 'hollow.safetensors');
    await writeHollow(file);
    const script = path.join(import.meta.dirname, 'pack-peak.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', script, file]);
    const { before, peak, packed } = JSON.parse(stdout) as { before: number; peak: number; packed: number };
    const largest = 4 * Math.max(...graph.weights.map(({ shape }) => elementCount(shape)));
    const [grown, bound] = [peak - before, 1.2 * largest + WEIGHT_CHUNK_BYTES];
    console.log(
      `${packed >> 20} MiB packed; ${grown >> 20} MiB more at the peak than the ${before >> 20} MiB before; ${bound >> 20} allowed`,
    );
    expect(packed).toBeGreaterThan(1.5e9);
    expect(grown).toBeGreaterThan(largest / 2); // otherwise this measures nothing
    expect(grown).toBeLessThan(bound);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 300_000);
