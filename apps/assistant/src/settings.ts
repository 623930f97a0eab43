/**
 * What the user has chosen: a package, a device, a number of threads. It stands in the page's address (`?package=URL&device=wasm&threads=2`), so
 * that a choice can be passed on as a link, and what is not chosen is not there.
 */
import type { LoadOptions } from '../package/index.js';

export type Device = NonNullable<LoadOptions['device']>;
export const devices: readonly Device[] = ['auto', 'webgpu', 'wasm'];

export interface Settings {
  /** Another package's address; null for the one that came with the page. */
  readonly package: string | null;
  readonly device: Device;
  /** null leaves it to the package. */
  readonly threads: number | null;
}

/** What an address says; what it says wrongly counts as not said. */
export function settingsOf(address: string): Settings {
  const query = new URL(address).searchParams;
  const threads = Number(query.get('threads'));
  return {
    package: query.get('package') || null,
    device: devices.find((device) => device === query.get('device')) ?? 'auto',
    threads: Number.isInteger(threads) && threads > 0 ? threads : null,
  };
}

/** The address that says so. */
export function addressOf(settings: Settings, page: string): string {
  const address = new URL(page);
  address.search = '';
  if (settings.package !== null) address.searchParams.set('package', settings.package);
  if (settings.device !== 'auto') address.searchParams.set('device', settings.device);
  if (settings.threads !== null) address.searchParams.set('threads', String(settings.threads));
  return address.href;
}
