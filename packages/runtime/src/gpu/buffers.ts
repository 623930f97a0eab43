/**
 * The memory of a model on a GPU, allocated once at load. Weights are copied to their final places
 * chunk by chunk, so they are never all held in main memory.
 */
import type { WeightChunk } from '../manifest/manifest.ts';
import type { GpuBinding, GpuTarget } from '../manifest/webgpu-manifest.ts';
import { waitForGpu } from './wait.ts';

/** WebGPU's usage flags; the numbers are fixed by the specification. */
const USAGE = { mapRead: 0x01, copyFrom: 0x04, copyTo: 0x08, uniform: 0x40, storage: 0x80 } as const;
const STORAGE = USAGE.storage | USAGE.copyFrom | USAGE.copyTo;

export class GpuBuffers {
  readonly step: GPUBuffer;
  readonly memory: GPUBuffer;
  readonly history: GPUBuffer;
  readonly candidates: GPUBuffer;
  /** Buffers for reading back the ids of a chunk, the candidates and the logits. */
  readonly idReads: readonly GPUBuffer[];
  readonly candidatesRead: GPUBuffer;
  readonly logitsRead: GPUBuffer;
  readonly #constants: GPUBuffer;
  readonly #weights: readonly GPUBuffer[];
  readonly #states: readonly GPUBuffer[];
  readonly #target: GpuTarget;
  readonly #queue: GPUQueue;
  /** Bytes of all buffers. */
  bytes = 0;

  constructor(device: GPUDevice, target: GpuTarget, vocab: number) {
    const { layout, chunk } = target;
    const make = (bytes: number, usage: number): GPUBuffer => {
      const size = Math.max(16, bytes);
      this.bytes += size;
      return device.createBuffer({ size, usage });
    };
    this.#target = target;
    this.#queue = device.queue;
    this.step = make(layout.step, STORAGE | USAGE.uniform);
    this.memory = make(layout.memory, STORAGE);
    this.history = make(layout.history, STORAGE);
    this.candidates = make(layout.candidates, STORAGE);
    this.#constants = make(layout.constants, STORAGE);
    this.#weights = layout.weights.map((bytes) => make(bytes, STORAGE));
    this.#states = layout.states.map((bytes) => make(bytes, STORAGE));
    const readUsage = USAGE.mapRead | USAGE.copyTo;
    this.idReads = [0, 1].map(() => make(Math.ceil(chunk / 4) * 16, readUsage));
    this.candidatesRead = make(layout.candidates, readUsage);
    this.logitsRead = make(vocab * 4, readUsage);
  }

  /** Copies a chunk's bytes to their places in the layout. */
  place({ offset, bytes }: Pick<WeightChunk, 'offset' | 'bytes'>, data: Uint8Array<ArrayBuffer>): void {
    for (const { from, bytes: length, to } of this.#target.layout.copies) {
      const first = Math.max(from, offset);
      const end = Math.min(from + length, offset + bytes);
      if (first >= end) continue;
      const buffer = to ? this.#weights[to.buffer]! : this.#constants;
      this.#queue.writeBuffer(buffer, (to?.offset ?? 0) + first - from, data, first - offset, end - first);
    }
  }

  /** Bytes of the KV states of all executions. */
  get stateBytes(): number {
    return this.#states.reduce((sum, { size }) => sum + size, 0);
  }

  /** Copies the KV states into `bytes`, one buffer after another. */
  async readStates(device: GPUDevice, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    let at = 0;
    for (const state of this.#states) {
      // Made for this copy alone, because most apps have one sequence and never need it.
      const read = device.createBuffer({ size: state.size, usage: USAGE.mapRead | USAGE.copyTo });
      try {
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(state, 0, read, 0, state.size);
        this.#queue.submit([encoder.finish()]);
        await waitForGpu(device, read.mapAsync(1));
        bytes.set(new Uint8Array(read.getMappedRange()), at);
      } finally {
        read.destroy();
      }
      at += state.size;
    }
  }

  /** Replaces the KV states by `bytes`, which `readStates` has filled. */
  writeStates(bytes: Uint8Array<ArrayBuffer>): void {
    let at = 0;
    for (const state of this.#states) {
      this.#queue.writeBuffer(state, 0, bytes, at, state.size);
      at += state.size;
    }
  }

  /** The buffer range that a kernel binds for a row of the execution table. */
  binding({ resource, group, offset, bytes }: GpuBinding, row: number): GPUBufferBinding {
    const { weights, state } = this.#target.layout.rows[row]!;
    switch (resource) {
      case 'weights': {
        const place = weights[group]!;
        return { buffer: this.#weights[place.buffer]!, offset: place.offset + offset, size: bytes };
      }
      case 'state':
        return { buffer: this.#states[state!.buffer]!, offset: state!.offset + offset, size: bytes };
      case 'step':
        return { buffer: this.step };
      case 'memory':
        return { buffer: this.memory };
      case 'history':
        return { buffer: this.history };
      case 'candidates':
        return { buffer: this.candidates };
      case 'constants':
        return { buffer: this.#constants };
      default:
        return resource satisfies never;
    }
  }
}
