/** What a token asks of a device, from the manifest of a package: the terms of a prediction. */
import { type Read, readsOfPackage } from '@lamella/compiler/residency';
import type { Target } from '@lamella/runtime/choices';
import type { Manifest } from '@lamella/runtime/manifest';

type Planned = Pick<Manifest, 'table' | 'vocab' | 'memory' | 'states' | 'kv' | 'report'>;

export interface TokenWork {
  /** Calls of kernels, or dispatches. */
  readonly calls: number;
  /** Reads of weights. */
  readonly reads: readonly Read[];
  readonly bytes: number;
}

/** Calls and reads of a decoded token on a target. */
export function tokenWork(manifest: Planned, target: Target): TokenWork {
  const { report } = manifest;
  const { dispatchesPerToken } = target === 'webgpu' && report.webgpu ? report.webgpu : report.wasm;
  const reads = readsOfPackage(manifest).flat();
  return { calls: dispatchesPerToken, reads, bytes: reads.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Bytes of keys and values that a token reads at `position`, as f32 whatever their format. */
export function stateBytes({ table, states, kv }: Planned, position: number): number {
  const elements = kv === 'q8' ? 4 : 1;
  return table.reduce((sum, { kind, state }) => {
    if (state === 0) return sum;
    const rows = states[kind]!.map(({ heads, positions, bytes }) => heads * Math.min(position, positions) * bytes);
    return sum + elements * rows.reduce((a, b) => a + b, 0);
  }, 0);
}
