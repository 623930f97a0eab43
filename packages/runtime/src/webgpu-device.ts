/** A WebGPU device, where there is one: in a page or worker the browser's, elsewhere what the host has put at `navigator.gpu`. */
import { RuntimeError } from './runtime-error.ts';

/** Whether there is a GPU that is no imitation by the CPU: there, WASM is faster. */
export async function hasGpu(): Promise<boolean> {
  const adapter = await findAdapter().catch(() => null);
  if (!adapter) return false;
  const { vendor, architecture, description } = adapter.info;
  return !/swiftshader|llvmpipe|lavapipe|software|basic render/i.test(`${vendor} ${architecture} ${description}`);
}

/** A device with WebGPU's default limits. L412 where there is none. */
export async function openDevice(): Promise<GPUDevice> {
  const missing = (reason: string) => new RuntimeError('L412', { what: 'webgpu', reason, remedy: 'device: "wasm"' });
  const adapter = await findAdapter().catch((cause: unknown) => {
    throw missing(String(cause));
  });
  if (!adapter) throw missing('there is no adapter here');
  return adapter.requestDevice().catch((cause: unknown) => {
    throw missing(String(cause));
  });
}

async function findAdapter(): Promise<GPUAdapter | null> {
  const gpu = typeof navigator === 'object' ? (navigator as { gpu?: GPU }).gpu : undefined;
  return gpu ? gpu.requestAdapter({ powerPreference: 'high-performance' }) : null;
}
