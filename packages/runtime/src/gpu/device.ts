/**
 * Finds a WebGPU device: the browser's in a page or worker, elsewhere the one that the host has put
 * at `navigator.gpu`.
 */
import { Unusable } from '../driver/attempts.ts';

/** Names of drivers that compute on the CPU, for those that do not declare it. */
const SOFTWARE_DRIVERS = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/**
 * An adapter; throws `Unusable` if there is none. An adapter gives one device: call this again for
 * another.
 */
export async function findAdapter(): Promise<GPUAdapter> {
  const gpu = typeof navigator === 'object' ? (navigator as { gpu?: GPU }).gpu : undefined;
  if (!gpu) throw new Unusable('missing', 'there is no WebGPU here');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch((cause: unknown) => {
    throw new Unusable('missing', `WebGPU gives no adapter (${String(cause)})`);
  });
  if (!adapter) throw new Unusable('missing', 'WebGPU finds no adapter');
  return adapter;
}

/** The name of an adapter: its device, if known, and after a comma its driver. */
export function nameOf({ info }: GPUAdapter): string {
  const { vendor, architecture, device, description } = info;
  const parts = device || description ? [device, description] : [[vendor, architecture].filter(Boolean).join(' ')];
  return parts.filter(Boolean).join(', ') || 'an adapter without a name';
}

/** Whether an adapter is the CPU: WASM is many times faster there. */
export function isSoftwareAdapter(adapter: GPUAdapter): boolean {
  const { vendor, architecture, device, description } = adapter.info;
  return (
    adapter.info.isFallbackAdapter === true ||
    SOFTWARE_DRIVERS.test(`${vendor} ${architecture} ${device} ${description}`)
  );
}

/** A device with WebGPU's default limits and these features. Throws `Unusable` if there is none. */
export async function openDevice(adapter: GPUAdapter, features: readonly string[]): Promise<GPUDevice> {
  return adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[] }).catch((cause: unknown) => {
    throw new Unusable('refused', `${nameOf(adapter)} gives no device (${String(cause)})`);
  });
}
