/**
 * Dawn in Node, on a Vulkan driver for the CPU (Chromium's SwiftShader, or lavapipe) or on this
 * machine's GPU.
 */
import { create, globals } from 'webgpu';
import { type Driver, driverFile } from './drivers.ts';

Object.assign(globalThis, globals);

/** An instance must outlive its devices, and nothing else references it. */
const kept: GPU[] = [];

/** WebGPU on the driver, whose library is loaded when the first adapter is requested. */
export function dawnInstance(driver: Driver): GPU {
  const file = driverFile(driver);
  process.env.VK_DRIVER_FILES = file;
  process.env.VK_ICD_FILENAMES = file;
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  const gpu = create([]);
  kept.push(gpu);
  return gpu;
}

/** A device of the driver. */
export async function dawn(driver: Driver): Promise<GPUDevice> {
  const adapter = await dawnInstance(driver).requestAdapter();
  const name = `${adapter?.info.description} ${adapter?.info.device} ${adapter?.info.vendor}`;
  if (!adapter || !name.toLowerCase().includes(driver === 'SwiftShader' ? 'swiftshader' : 'llvmpipe'))
    throw new Error(`Dawn finds ${name} instead of ${driver}`);
  return deviceOf(adapter);
}

/** A device of this machine's GPU. */
export async function dawnHere(): Promise<GPUDevice> {
  const gpu = create([]);
  kept.push(gpu);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter)
    throw new Error('Dawn finds no GPU: it needs the loader of Vulkan (libvulkan1) and the driver of the GPU');
  return deviceOf(adapter);
}

/** With halves if the adapter has them. */
function deviceOf(adapter: GPUAdapter): Promise<GPUDevice> {
  return adapter.requestDevice({ requiredFeatures: adapter.features.has('shader-f16') ? ['shader-f16'] : [] });
}
