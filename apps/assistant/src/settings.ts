/**
 * The user's choices: a package, a device, a number of threads. They are stored in the page's
 * address (`?package=URL&device=wasm&threads=2`), so that a link passes them on; anything not
 * chosen is left out.
 */
import type { LoadOptions } from '../package/index.js';

export type Device = NonNullable<LoadOptions['device']>;
export const devices: readonly Device[] = ['auto', 'webgpu', 'wasm'];

export interface Settings {
  /** The address of another package; null for the one that came with the page. */
  readonly package: string | null;
  readonly device: Device;
  /** null lets the package choose. */
  readonly threads: number | null;
}

/** The settings in an address; invalid values are ignored. */
export function settingsOf(address: string): Settings {
  const query = new URL(address).searchParams;
  const threads = Number(query.get('threads'));
  return {
    package: query.get('package') || null,
    device: devices.find((device) => device === query.get('device')) ?? 'auto',
    threads: Number.isInteger(threads) && threads > 0 ? threads : null,
  };
}

/** The page's address with these settings. */
export function addressOf(settings: Settings, page: string): string {
  const address = new URL(page);
  address.search = '';
  if (settings.package !== null) address.searchParams.set('package', settings.package);
  if (settings.device !== 'auto') address.searchParams.set('device', settings.device);
  if (settings.threads !== null) address.searchParams.set('threads', String(settings.threads));
  return address.href;
}
