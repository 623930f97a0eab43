/**
 * Where the keys and values of a sequence lie in a state that a driver saved. A state has room for
 * a whole context; a sequence uses the first rows of every head. The other rows were never written,
 * or belong to an earlier sequence.
 */
import type { Manifest } from '../manifest/manifest.ts';
import type { GpuPlace } from '../manifest/webgpu-manifest.ts';

/** The layout of the WASM driver: one for all variants and numbers of threads. */
export const WASM_LAYOUT = 'wasm';

/**
 * The layout of the WebGPU driver with the kernels of a profile: its buffers, one after another.
 */
export function gpuLayout(profile: string): string {
  return `webgpu ${profile}`;
}

/** The bytes of a state that a sequence uses. */
export interface InUse {
  readonly runs: readonly { readonly from: number; readonly bytes: number }[];
  /** Bytes of all runs. */
  readonly bytes: number;
  /** Bytes of the whole state. */
  readonly stateBytes: number;
}

/**
 * The bytes that `tokens` tokens use in a state of this layout; null if the package has no such
 * layout. A ring that is full is used whole.
 */
export function inUse({ table, memory, ...wasm }: Manifest, layout: string, tokens: number): InUse | null {
  const gpu = wasm.webgpu?.find(({ profile }) => gpuLayout(profile) === layout);
  if (!gpu && layout !== WASM_LAYOUT) return null;
  // The WASM driver has one buffer.
  const sizes = gpu?.layout.states ?? [memory.state.bytes];
  const inWasm = (state: number): GpuPlace | null =>
    state ? { buffer: 0, offset: state - memory.state.offset } : null;
  const { states } = gpu ?? wasm;
  const startOf = (buffer: number) => sizes.slice(0, buffer).reduce((sum, size) => sum + size, 0);
  const runs = new Map<number, number>();
  for (const [i, { kind, state }] of table.entries()) {
    const place = gpu ? gpu.layout.rows[i]!.state : inWasm(state);
    if (!place) continue;
    // Executions with one slot have the same rows.
    for (const { offset, heads, positions, bytes } of states[kind]!)
      for (let head = 0; head < heads; head++) {
        const from = startOf(place.buffer) + place.offset + offset + head * positions * bytes;
        runs.set(from, Math.min(tokens, positions) * bytes);
      }
  }
  const list = [...runs].map(([from, bytes]) => ({ from, bytes }));
  return {
    runs: list,
    bytes: list.reduce((sum, { bytes }) => sum + bytes, 0),
    stateBytes: startOf(sizes.length),
  };
}
