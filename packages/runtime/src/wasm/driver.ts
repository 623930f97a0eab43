/**
 * The WASM driver: one linear memory at its final size, weights copied once to their final offsets,
 * the execution table, and a few exports. A decoded token crosses into the module once. With
 * several threads the memory is shared, and workers take part in every call from inside the module.
 *
 * `plannedBytes` is the compiler's plan and `peakBytes` the size of the memory in use. They are
 * equal because the memory is created with initial = maximum.
 */

import type { LoadOptions, Running } from '../api.ts';
import type { Driver } from '../driver/driver.ts';
import { WASM_LAYOUT } from '../driver/state-layout.ts';
import { readChecked } from '../files/checked-file.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { readWeights, type StoreChunk } from '../files/weights.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { type Draw, drawn } from '../sampling/noise.ts';
import { stepWords, WASM_STEP, writeStep, writeTable } from '../step.ts';
import { type Choice, chooseKernels, instructionSets, trapping, whyRefused } from './kernels.ts';
import { canShareMemory, cores, gatherThreads, type Threads } from './threads.ts';
import { WARM_MS, warmUp } from './warm-up.ts';

const PAGE = 65_536;

/**
 * Reads of a word before a waiting thread sleeps. With a core per thread it spins for some
 * milliseconds, because waking up takes time (6 % of the speed of two threads in Chromium). With
 * fewer cores it spins for a tenth of a millisecond, because a spinning thread keeps others from
 * working (three threads on two cores: 560 ms a token instead of 26).
 */
const PATIENCE = { ownCores: 1 << 23, sharedCores: 1 << 17 } as const;

/**
 * Tokens of the warm-up prompts: few, because with the largest models too the weights must be able
 * to arrive in between.
 */
const WARM_TOKENS = 8;

/** The exports of the compiled module. */
interface Kernels {
  prefill(n: number): void;
  head(row: number): void;
  decode(): void;
  /** The argmax of the logits, by the name that modules have exported it under from the first. */
  best?(): number;
  /** With threads: makes the other threads return from `serve`. */
  stop?(): void;
}

/** A driver whose every call is synchronous. */
export interface WasmDriver extends Driver {
  prefill(n: number): void;
  head(row: number): void;
  decode(): void;
  readLogits(): Float32Array;
  choose(draw: Draw): number;
  /** f32 [vocab]: the result of `head` or `decode`. A view into the memory. */
  readonly logits: Float32Array;
  /** The memory, for tests that look for writes outside the plan. */
  readonly memory: WebAssembly.Memory;
}

/** Inputs of the driver that neither the package nor the app's options contain. */
export interface WasmStart {
  /** URL of the script that threads run; one thread needs none. */
  readonly workerScript?: string;
  /** Why WASM runs, if it was not the first choice. */
  readonly instead?: readonly string[] | undefined;
}

/**
 * Loads a package's kernels and weights. L405 without weights, L413 if a file cannot be read, L407
 * if a file is short or its SHA-256 differs from the manifest's, L412 if requested threads cannot
 * be started. Rejects with the signal's reason when aborted.
 */
export async function loadWasm(
  manifest: Manifest,
  files: PackageFiles,
  options: LoadOptions = {},
  { workerScript = '', instead = [] }: WasmStart = {},
): Promise<WasmDriver> {
  const { memory: plan, weights } = manifest;
  if (weights === null) throw new LamellaError('L405', { path: files.place });
  const available = await cores();
  const choice = chooseKernels(manifest, {
    threads: options.threads ?? null,
    cores: available,
    sharesMemory: canShareMemory(),
    sets: instructionSets(),
  });
  if (!choice)
    throw new LamellaError('L407', { file: 'manifest.json', reason: 'it names no simd kernels' }, files.place);
  const { kernel } = choice;
  const pages = plan.plannedBytes / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: choice.threads > 1 });
  const start = async () => {
    const module = await WebAssembly.compile(await readChecked(files, kernel, options));
    const { pool, threads, why } = await gather(workerScript, choice, options.threads !== undefined);
    // Written before any thread serves.
    writeStep(step, { threads, patience: threads > available ? PATIENCE.sharedCores : PATIENCE.ownCores });
    await pool?.serve(module, memory).catch((cause: unknown) => {
      throw threadsRefused(threads, cause);
    });
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    const { prefill, head, decode, best, stop } = exports as unknown as Kernels;
    const safe = <T>(run: (n: number) => T) => trapping(run, kernel.file, files.place);
    const kernels: Kernels = {
      prefill: safe(prefill),
      head: safe(head),
      decode: safe(decode),
      ...(best && { best: safe(best) }),
      ...(stop && { stop }),
    };
    const running: Running = { device: 'wasm', threads, kernels: kernel.file, why: [why, ...instead].join('; ') };
    return { pool, kernels, running };
  };
  const all = new Uint8Array(memory.buffer, plan.weights.offset, plan.weights.bytes);
  const store: StoreChunk = ({ offset }, bytes) => all.set(bytes, offset);
  const step = stepWords(memory.buffer, plan);
  writeTable(memory.buffer, manifest);
  const starting = start().catch((cause: unknown) => {
    throw whyRefused(cause, kernel.file, files.place);
  });
  const placing = readWeights(weights, files, store, options);
  let warmUntil = Number.POSITIVE_INFINITY;
  // Registered before `warming`, so that threads get no work after loading may have ended.
  placing.then(
    () => {
      warmUntil = performance.now() + WARM_MS;
    },
    () => {
      warmUntil = 0;
    },
  );
  const warming = starting.then(({ kernels }) =>
    warmUp(
      manifest,
      [
        (address) => {
          writeStep(step, { position: 0, count: 1, rows: 1, table: address });
          kernels.decode();
        },
        (address) => {
          // A prefill step leaves out the table's last row, the head.
          writeStep(step, { position: 0, count: 0, rows: 2, table: address });
          kernels.prefill(Math.min(manifest.tile, WARM_TOKENS));
        },
      ],
      () => performance.now() > warmUntil || options.signal?.aborted === true,
    ),
  );
  try {
    await Promise.all([placing, warming]);
    options.signal?.throwIfAborted();
  } catch (cause) {
    starting.then(({ pool }) => pool?.terminate()).catch(() => {});
    throw cause;
  }
  writeStep(step, { position: 0, count: 0, rows: manifest.table.length, table: plan.table.offset });
  const { pool, kernels, running } = await starting;
  return driver(kernels, memory, manifest, running, pool);
}

/**
 * Starts the threads of `choice` besides this one; they do not touch the memory yet. If some cannot
 * be started, this thread computes alone with the same kernels and says why; L412 if the caller
 * `asked` for that number.
 */
async function gather(
  script: string,
  { threads, why }: Choice,
  asked: boolean,
): Promise<{ readonly pool: Threads | null; readonly threads: number; readonly why: string }> {
  if (threads === 1) return { pool: null, threads, why };
  try {
    return { pool: await gatherThreads(script, threads), threads, why };
  } catch (cause) {
    if (asked) throw threadsRefused(threads, cause);
    const alone = `one thread, because ${threads} cannot be started (${reasonOf(cause)})`;
    return { pool: null, threads: 1, why: alone };
  }
}

function threadsRefused(threads: number, cause: unknown): LamellaError {
  return new LamellaError('L412', { what: `${threads} threads`, reason: reasonOf(cause), remedy: 'threads: 1' });
}

function driver(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  manifest: Manifest,
  running: Running,
  pool: Threads | null,
): WasmDriver {
  const { memory: plan, tile, vocab } = manifest;
  // The memory never grows, so its buffer is never replaced and these views stay valid.
  const step = stepWords(memory.buffer, plan);
  const logits = new Float32Array(memory.buffer, plan.logits.offset, vocab);
  const state = new Uint8Array(memory.buffer, plan.state.offset, plan.state.bytes);
  /** Where the last prefill began. */
  let tileAt = 0;
  return {
    running,
    prefill(n) {
      tileAt = step[WASM_STEP.position]!;
      kernels.prefill(n);
    },
    head(row) {
      kernels.head(row);
      step[WASM_STEP.position] = tileAt + row + 1;
    },
    decode: kernels.decode,
    choose: (draw) =>
      draw.temperature === 0 && kernels.best ? kernels.best() : drawn(logits, draw, step[WASM_STEP.position]!),
    memory,
    tokens: new Uint32Array(memory.buffer, plan.tokens.offset, tile),
    logits,
    readLogits: () => logits,
    stateLayout: WASM_LAYOUT,
    stateBytes: plan.state.bytes,
    saveState: (reuse) => {
      const bytes = reuse?.layout === WASM_LAYOUT ? reuse.bytes : new Uint8Array(plan.state.bytes);
      bytes.set(state);
      return { layout: WASM_LAYOUT, bytes };
    },
    restoreState: ({ bytes }, ids) => {
      state.set(bytes);
      step[WASM_STEP.position] = ids.length;
    },
    plannedBytes: plan.plannedBytes,
    get position() {
      return step[WASM_STEP.position]!;
    },
    set position(tokens: number) {
      step[WASM_STEP.position] = tokens;
    },
    get peakBytes() {
      return memory.buffer.byteLength;
    },
    dispose() {
      kernels.stop?.();
      pool?.terminate();
    },
  };
}
