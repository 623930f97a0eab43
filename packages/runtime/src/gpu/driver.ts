/**
 * The WebGPU driver. Nothing is allocated after load; a token is one submit of commands. If the GPU
 * can choose the next token (the largest logit, with or without noise), the next step reads that
 * choice on the GPU. The driver then runs ahead of its caller: one readback per chunk of tokens,
 * with the next chunk already queued. If the caller decodes another token than the chosen one, the
 * driver goes back, because state beyond the position is never read. For other sampling rules it
 * reads back a token's candidates, some kilobytes instead of all logits.
 */

import type { LoadOptions, Running } from '../api.ts';
import { Unusable } from '../driver/attempts.ts';
import type { Awaitable, Candidates, Driver, Listing, SavedState } from '../driver/driver.ts';
import { gpuLayout } from '../driver/state-layout.ts';
import { readChecked } from '../files/checked-file.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { readWeights, type StoreChunk } from '../files/weights.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { GpuTarget } from '../manifest/webgpu-manifest.ts';
import { type Draw, seedKey } from '../sampling/noise.ts';
import { GPU_STEP_WORDS, GPU_UNIFORM_WORDS, WORD, writeGpuStep } from '../step.ts';
import { GpuBuffers } from './buffers.ts';
import { candidatesFrom } from './candidates.ts';
import { encode, type GpuSteps, makeSteps } from './steps.ts';
import { waitForGpu } from './wait.ts';

/**
 * Loads a package's shaders and weights onto a device. `instead` lists why nothing better runs.
 * L405, L407; `Unusable` if the device cannot hold or compile them.
 */
export async function loadWebGpu(
  device: GPUDevice,
  target: GpuTarget,
  manifest: Manifest,
  files: PackageFiles,
  options: LoadOptions,
  instead: readonly string[],
): Promise<Driver> {
  const { weights, vocab, table } = manifest;
  if (weights === null) throw new LamellaError('L405', { path: files.place });
  device.pushErrorScope('out-of-memory');
  const buffers = new GpuBuffers(device, target, vocab);
  if (await device.popErrorScope()) throw new Unusable('refused', `the device has no room for ${buffers.bytes} bytes`);
  const store: StoreChunk = async (chunk, bytes) => {
    buffers.place(chunk, bytes);
    // The device holds a copy until it has taken the bytes; waiting limits these copies to the
    // chunks in flight.
    await waitForGpu(device, device.queue.onSubmittedWorkDone());
  };
  const making = readChecked(files, target, options).then((code) =>
    makeSteps(device, buffers, target, table, new TextDecoder().decode(code)).catch((cause: unknown) => {
      throw new Unusable('refused', `its kernels do not compile (${String(cause)})`);
    }),
  );
  const placing = readWeights(weights, files, store, options);
  // `making` may fail while `placing` is awaited.
  making.catch(() => {});
  await placing;
  const steps = await making;
  const why = [`WebGPU, ${target.profile} profile`, ...instead].join('; ');
  const running: Running = { device: 'webgpu', threads: 1, kernels: target.file, why };
  return new WebGpuDriver(device, target, manifest, buffers, steps, running);
}

/** A readback of ids: those of positions [from, from + count). */
interface Read {
  readonly from: number;
  readonly count: number;
  readonly done: Promise<void>;
}

class WebGpuDriver implements Driver {
  readonly running: Running;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly plannedBytes: number;
  readonly stateLayout: string;
  readonly stateBytes: number;
  readonly #device: GPUDevice;
  readonly #buffers: GpuBuffers;
  readonly #steps: GpuSteps;
  readonly #layout: GpuTarget['layout'];
  readonly #chunk: number;
  readonly #list: GpuTarget['candidates'];
  readonly #vocab: number;
  /** The token of a step, to be written to the GPU. */
  readonly #token = new Uint32Array(1);
  /** The words of a step, to be written to the GPU. */
  readonly #words = new Uint32Array(GPU_STEP_WORDS);
  #position = 0;
  /** The token at position - 1. */
  #last = 0;
  /** Where the last prefill began, and its tokens. */
  #tileAt = 0;
  #tile: readonly number[] = [];
  /**
   * The position after all queued steps, if the choice after them is queued too; null if no choice
   * is queued.
   */
  #front: number | null = null;
  /** Ids that were chosen and read back, by position. */
  readonly #chosen = new Map<number, number>();
  #reads: readonly Read[] = [];
  /** Buffers without a pending read. */
  readonly #free: GPUBuffer[];
  /** Tokens of the next chunk: few at first, so that the first ones arrive soon. */
  #ahead = 1;
  /** The draw for running ahead, and the position from which no choice is requested. */
  #draw: Draw = { temperature: 0, seed: 0 };
  #until = 0;
  /** Distinguishes the reads of an abandoned sequence. */
  #sequence = 0;

  constructor(
    device: GPUDevice,
    { layout, chunk, candidates, profile }: GpuTarget,
    { tile, vocab }: Manifest,
    buffers: GpuBuffers,
    steps: GpuSteps,
    running: Running,
  ) {
    this.running = running;
    this.#device = device;
    this.#buffers = buffers;
    this.#steps = steps;
    this.#layout = layout;
    this.#chunk = chunk;
    this.#list = candidates;
    this.#vocab = vocab;
    this.#free = [...buffers.idReads];
    this.tokens = new Uint32Array(tile);
    this.plannedBytes = layout.bytes;
    this.stateLayout = gpuLayout(profile);
    this.stateBytes = buffers.stateBytes;
  }

  get peakBytes(): number {
    return this.#buffers.bytes;
  }

  get position(): number {
    return this.#position;
  }

  set position(position: number) {
    this.#giveUp();
    this.#position = position;
  }

  prefill(n: number): void {
    this.#giveUp();
    this.#write(this.#position, n, 0);
    this.#device.queue.writeBuffer(this.#buffers.memory, this.#layout.tokens, this.tokens, 0, n);
    this.#submit((pass) => encode(pass, this.#steps.prefill, this.#position, n));
    this.#tileAt = this.#position;
    this.#tile = [...this.tokens.subarray(0, n)];
    this.#last = this.#tile.at(-1)!;
    this.#position += n;
  }

  /**
   * Resolves when the GPU has finished, so that the time of a prompt includes computing its last
   * logits.
   */
  head(row: number): Promise<void> {
    this.#giveUp();
    this.#position = this.#tileAt + row + 1;
    this.#last = this.#tile[row]!;
    this.#write(this.#position, 1, row);
    this.#submit((pass) => encode(pass, this.#steps.head, this.#position, 1));
    return waitForGpu(this.#device, this.#device.queue.onSubmittedWorkDone());
  }

  decode(): void {
    const token = this.tokens[0]!;
    const ahead = this.#front !== null && this.#chosen.get(this.#position) === token;
    if (!ahead) {
      this.#giveUp();
      this.#step(this.#position, token);
    } else if (this.#front === this.#position) this.#queue();
    this.#last = token;
    this.#position += 1;
  }

  async readLogits(): Promise<Float32Array> {
    this.#stepBack();
    const { memory, logitsRead } = this.#buffers;
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(memory, this.#layout.logits, logitsRead, 0, logitsRead.size);
    this.#device.queue.submit([encoder.finish()]);
    return new Float32Array(await this.#read(logitsRead));
  }

  candidates(listing: Listing): Promise<Candidates> | null {
    const { lanes, each } = this.#list;
    // A vocabulary that is hardly longer than the list is read whole.
    return this.#vocab > 2 * lanes * each ? this.#listed(listing) : null;
  }

  async #listed({ order, sumTemperature }: Listing): Promise<Candidates> {
    this.#stepBack();
    const position = this.#position;
    // Unlike a choice, a list does not advance the step.
    this.#write(position, 0, 0);
    this.#writeChoice(order, sumTemperature);
    const { candidates, candidatesRead } = this.#buffers;
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass, this.#steps.candidates, 0, 0);
    pass.end();
    encoder.copyBufferToBuffer(candidates, 0, candidatesRead, 0, candidatesRead.size);
    this.#device.queue.submit([encoder.finish()]);
    return candidatesFrom(await this.#read(candidatesRead), this.#list, order, position);
  }

  /** Positions that the GPU computed ahead are in the copy too, and never read. */
  async saveState(reuse: SavedState | null): Promise<SavedState> {
    const { stateLayout: layout } = this;
    const bytes = reuse?.layout === layout ? reuse.bytes : new Uint8Array(this.stateBytes);
    await this.#buffers.readStates(this.#device, bytes);
    return { layout, bytes };
  }

  restoreState({ bytes }: SavedState, ids: Uint32Array): void {
    this.position = ids.length;
    this.#last = ids.at(-1) ?? 0;
    this.#buffers.writeStates(bytes);
  }

  /** If the GPU is ahead, its logits belong to a later token: runs the last token again. */
  #stepBack(): void {
    if (this.#front === null) return;
    const isAhead = this.#front !== this.#position;
    this.#giveUp();
    if (isAhead) this.#step(this.#position - 1, this.#last);
  }

  choose(draw: Draw, until: number): Awaitable<number> {
    if (draw.temperature !== this.#draw.temperature || draw.seed !== this.#draw.seed) {
      this.#stepBack();
      this.#draw = draw;
    }
    this.#until = Math.max(until, this.#position + 1);
    const known = this.#chosen.get(this.#position);
    if (known === undefined) return this.#waitFor(this.#position);
    if ((this.#front ?? 0) - this.#position < this.#ahead) this.#queue();
    return known;
  }

  async #waitFor(position: number): Promise<number> {
    const sequence = this.#sequence;
    for (;;) {
      const known = this.#chosen.get(position);
      if (known !== undefined) return known;
      if (sequence !== this.#sequence) throw new LamellaError('L411');
      const covering = this.#reads.find((r) => r.from <= position && position < r.from + r.count);
      if (!covering && this.#free.length > 0) this.#queue();
      // Also queues the next chunk, so that the GPU has work while this one is read.
      if (this.#free.length > 0) this.#queue();
      await (covering ?? this.#reads[0])?.done;
    }
  }

  /**
   * Queues the next chunk of choices. Each choice follows a step of its own, except the very first.
   */
  #queue(): void {
    const read = this.#free.pop();
    if (!read) return;
    const first = this.#front === null;
    const from = first ? this.#position : this.#front! + 1;
    const count = Math.min(this.#ahead, this.#until - from);
    if (count <= 0) {
      this.#free.push(read);
      return;
    }
    if (first) {
      this.#write(this.#position - 1, 1, 0);
      this.#writeChoice(this.#draw, 1);
    }
    const choice = this.#draw.temperature === 0 ? this.#steps.argmax : this.#steps.draw;
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < count; i++) {
      if (!first || i > 0) {
        encode(pass, this.#steps.decode, from + i - 1, 1);
        encode(pass, this.#steps.head, from + i - 1, 1);
      }
      encode(pass, choice, 0, 0);
    }
    pass.end();
    encoder.copyBufferToBuffer(this.#buffers.history, from * 4, read, 0, count * 4);
    this.#device.queue.submit([encoder.finish()]);
    this.#front = from + count - 1;
    this.#ahead = Math.min(this.#chunk, this.#ahead * 2);
    const done = this.#readIds(read, from, count, this.#sequence);
    const entry = { from, count, done };
    this.#reads = [...this.#reads, entry];
    const gone = () => {
      this.#reads = this.#reads.filter((r) => r !== entry);
      this.#free.push(read);
    };
    done.then(gone, gone);
  }

  async #readIds(buffer: GPUBuffer, from: number, count: number, sequence: number): Promise<void> {
    await this.#mapped(buffer);
    const ids = new Uint32Array(buffer.getMappedRange(), 0, count);
    if (sequence === this.#sequence) for (let i = 0; i < count; i++) this.#chosen.set(from + i, ids[i]!);
    buffer.unmap();
  }

  /** Discards the tokens chosen ahead. */
  #giveUp(): void {
    if (this.#front === null) return;
    this.#front = null;
    this.#ahead = 1;
    this.#chosen.clear();
    this.#sequence += 1;
  }

  /** Runs one token, logits included. */
  #step(position: number, token: number): void {
    this.#write(position, 1, 0);
    this.#token[0] = token;
    this.#device.queue.writeBuffer(this.#buffers.memory, this.#layout.tokens, this.#token);
    this.#submit((pass) => {
      encode(pass, this.#steps.decode, position, 1);
      encode(pass, this.#steps.head, position, 1);
    });
  }

  #write(position: number, count: number, row: number): void {
    writeGpuStep(this.#words, { position, count, row });
    this.#device.queue.writeBuffer(this.#buffers.step, 0, this.#words, 0, GPU_UNIFORM_WORDS);
  }

  #writeChoice({ temperature, seed }: Draw, sumTemperature: number): void {
    // Avoids Infinity: 0 (the largest logit's difference) times Infinity is NaN.
    const inverse = Math.min(1 / sumTemperature, 1e38);
    writeGpuStep(this.#words, { seed: seedKey(seed), temperature, inverse });
    this.#device.queue.writeBuffer(this.#buffers.step, GPU_UNIFORM_WORDS * WORD, this.#words, GPU_UNIFORM_WORDS);
  }

  #submit(commands: (pass: GPUComputePassEncoder) => void): void {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    commands(pass);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  /** The bytes of a buffer, read back. */
  async #read(buffer: GPUBuffer): Promise<ArrayBuffer> {
    await this.#mapped(buffer);
    const bytes = buffer.getMappedRange().slice(0);
    buffer.unmap();
    return bytes;
  }

  /** Resolves when a buffer can be read. */
  #mapped(buffer: GPUBuffer): Promise<void> {
    return waitForGpu(this.#device, buffer.mapAsync(1));
  }

  dispose(): void {
    this.#device.destroy();
  }
}
