/**
 * Run as a program with `--expose-gc`, for a package's folder, threads and a count: so many decode steps across resets, then as many generated
 * tokens, and what became of the heap, as JSON. `stepBytes` is what steps left on the heap while nothing was collected.
 */
import { readManifest } from '@lamella/runtime/manifest-file';
import { nodeFiles } from '@lamella/runtime/node-files';
import { Session } from '@lamella/runtime/session';
import { loadWasm } from '@lamella/runtime/wasm-driver';
import { openPackage } from '../src/open-package.ts';

export interface Steady {
  readonly threads: number;
  readonly steps: number;
  readonly stepBytes: number;
  readonly generated: number;
  /** Growth of the heap and of what it holds outside, after a collection each time. */
  readonly heapBytes: number;
  readonly outsideBytes: number;
  readonly sameMemory: boolean;
}

const greedy = { temperature: 0, seed: 0 };
const collect = globalThis.gc!;
const [folder, threads, count] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];

const files = await nodeFiles(folder);
const manifest = await readManifest(files);
const driver = await loadWasm(manifest, files, { threads });
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

/** Heap and what it holds outside, in bytes, after everything unused is gone. */
function held(): { heap: number; outside: number } {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, outside: external + arrayBuffers };
}

// Engines compile what is hot, and that takes memory: not of the step's making.
steps(count);
await generate(count);
// The least of some rounds: now and then the engine itself puts something on the heap, a step that allocates does so in every round.
let stepBytes = Number.POSITIVE_INFINITY;
for (let round = 0; round < 10; round++) {
  collect();
  const before = process.memoryUsage().heapUsed;
  steps(count);
  stepBytes = Math.min(stepBytes, process.memoryUsage().heapUsed - before);
}
const start = held();
const generated = await generate(count);
const end = held();
const steady: Steady = {
  threads: driver.running.threads,
  steps: count,
  stepBytes,
  generated,
  heapBytes: end.heap - start.heap,
  outsideBytes: end.outside - start.outside,
  sameMemory: driver.memory.buffer === buffer && buffer.byteLength === manifest.memory.plannedBytes,
};
process.stdout.write(JSON.stringify(steady));
driver.dispose();
model.dispose();
