/** The hosts by name; a host's module is loaded on use. */
import type { HostName } from '../contract.ts';
import type { Host } from './host.ts';

const hosts: Readonly<Record<HostName, (webgpu: boolean) => Promise<Host>>> = {
  node: async () => (await import('./node.ts')).nodeHost,
  chromium: async (webgpu) => (await import('./chromium.ts')).chromiumHost(webgpu),
};

/** Opens a host; `webgpu` enables WebGPU in it. */
export function openHost(name: HostName, webgpu: boolean): Promise<Host> {
  return hosts[name](webgpu);
}
