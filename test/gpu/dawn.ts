/** Dawn in Node, on a software Vulkan driver: SwiftShader as Chromium carries it, or lavapipe. */
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);

/** Vulkan drivers that run on a CPU. */
const drivers = {
  SwiftShader: '/usr/lib/chromium/vk_swiftshader_icd.json',
} as const;

/** An instance must outlive its devices, and nothing else holds it. */
const kept: GPU[] = [];

/** A device of the driver. */
export async function dawn(
  adapter: keyof typeof drivers,
  features: readonly GPUFeatureName[] = [],
): Promise<GPUDevice> {
  process.env.VK_DRIVER_FILES = drivers[adapter];
  process.env.VK_ICD_FILENAMES = drivers[adapter];
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  const gpu = create([`adapter=${adapter}`]);
  kept.push(gpu);
  const found = await gpu.requestAdapter();
  if (!found) throw new Error(`Dawn finds no adapter ${adapter}`);
  return found.requestDevice({ requiredFeatures: [...features] });
}
