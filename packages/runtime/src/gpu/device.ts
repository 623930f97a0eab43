/** A WebGPU device, where there is one: in a page or worker the browser's, elsewhere what the host has put at `navigator.gpu`. */
import { Unusable } from '../driver/attempts.ts';

/** Drivers that do a GPU's work on the CPU, for those that do not say so themselves. */
const IMITATIONS = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/** An adapter. `Unusable` where there is none. It gives one device: ask again for another. */
export async function findAdapter(): Promise<GPUAdapter> {
  const gpu = typeof navigator === 'object' ? (navigator as { gpu?: GPU }).gpu : undefined;
  if (!gpu) throw new Unusable('missing', 'there is no WebGPU here');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch((cause: unknown) => {
    throw new Unusable('missing', `WebGPU gives no adapter (${String(cause)})`);
  });
  if (!adapter) throw new Unusable('missing', 'WebGPU finds no adapter');
  return adapter;
}

/** What people call an adapter: the device, where that is told, and behind a comma its driver. */
export function nameOf({ info }: GPUAdapter): string {
  const { vendor, architecture, device, description } = info;
  const parts = device || description ? [device, description] : [[vendor, architecture].filter(Boolean).join(' ')];
  return parts.filter(Boolean).join(', ') || 'an adapter without a name';
}

/** Whether an adapter is no GPU but the CPU: there, WASM is many times faster. */
export function isImitation(adapter: GPUAdapter): boolean {
  const { vendor, architecture, device, description } = adapter.info;
  return (
    adapter.info.isFallbackAdapter === true || IMITATIONS.test(`${vendor} ${architecture} ${device} ${description}`)
  );
}

/** A device with WebGPU's default limits and the features named. `Unusable` where it cannot be had. */
export async function openDevice(adapter: GPUAdapter, features: readonly string[]): Promise<GPUDevice> {
  return adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[] }).catch((cause: unknown) => {
    throw new Unusable('refused', `${nameOf(adapter)} gives no device (${String(cause)})`);
  });
}
