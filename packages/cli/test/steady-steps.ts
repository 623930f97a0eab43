/**
 * A program, run with `--expose-gc` for a package's folder, threads and a count: runs this many
 * decode steps of one thread across resets, then generates this many tokens with all threads, and
 * prints the growth of the heap as JSON. `stepBytes` is the garbage of the steps, measured without
 * collection.
 */
import { readManifest } from '@lamella/runtime/manifest-file';
import { nodeFiles } from '@lamella/runtime/node-files';
import { Session } from '@lamella/runtime/session';
import { loadWasm } from '@lamella/runtime/wasm-driver';
import { openPackage } from '../src/package/open-package.ts';

export interface Steady {
  readonly threads: number;
  readonly steps: number;
  readonly stepBytes: number;
  readonly generated: number;
  /** Growth of the heap and of memory outside it, after a collection each time. */
  readonly heapBytes: number;
  readonly outsideBytes: number;
  readonly sameMemory: boolean;
}

const greedy = { temperature: 0, seed: 0 };
const collect = globalThis.gc!;
const [folder, threads, count] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];

const files = await nodeFiles(folder);
const manifest = await readManifest(files);
const driver = await loadWasm(manifest, files, { threads: 1 });
const session = new Session(manifest, driver);
const { buffer } = driver.memory;

function steps(count: number): void {
  for (let i = 0; i < count; i++) {
    if (session.position === session.context) session.reset();
    session.decode(i % session.vocab);
    session.choose(greedy, session.context);
  }
}

const model = await openPackage(folder, { threads });
async function generate(count: number): Promise<number> {
  let tokens = 0;
  for (let seed = 0; tokens < count; seed++)
    for await (const _ of model.generate([1], { eos: [], temperature: 1, topK: 4, seed })) tokens++;
  return tokens;
}

/** Heap and memory outside it, in bytes, after a collection. */
function held(): { heap: number; outside: number } {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, outside: external + arrayBuffers };
}

// Engines compile hot code, which takes memory that is not the step's.
steps(count);
await generate(count);
// The least of several rounds: the engine itself sometimes allocates, but a step that allocates
// does so in every round.
let stepBytes = Number.POSITIVE_INFINITY;
for (let round = 0; round < 10; round++) {
  collect();
  const before = process.memoryUsage().heapUsed;
  steps(count);
  stepBytes = Math.min(stepBytes, process.memoryUsage().heapUsed - before);
}
// The same holds for generating: a leak appears in every round.
let [heapBytes, outsideBytes, generated] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
for (let round = 0; round < 4 && heapBytes > 0; round++) {
  const start = held();
  generated = await generate(count);
  const end = held();
  heapBytes = Math.min(heapBytes, end.heap - start.heap);
  outsideBytes = Math.min(outsideBytes, end.outside - start.outside);
}
const steady: Steady = {
  threads: model.running.threads,
  steps: count,
  stepBytes,
  generated,
  heapBytes,
  outsideBytes,
  sameMemory: driver.memory.buffer === buffer && buffer.byteLength === manifest.memory.plannedBytes,
};
process.stdout.write(JSON.stringify(steady));
driver.dispose();
model.dispose();
