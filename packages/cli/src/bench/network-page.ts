/**
 * `--on`: the measuring page for a phone in the same network. The address is printed as text and as
 * a QR code. It has HTTPS, because pages have threads and WebGPU only in a secure context.
 */
import { networkInterfaces } from 'node:os';
import { renderUnicodeCompact } from 'uqr';
import { selfSigned } from './certificate.ts';
import { type PageHost, pageHost } from './page-host.ts';

/** Opens the page and waits for a visitor. `tell` prints the lines in between. */
export async function networkPage(tell: (text: string) => void): Promise<PageHost> {
  const here = networkAddress();
  const host = await pageHost('page', { host: '0.0.0.0', tls: selfSigned(here) });
  const { port, pathname } = new URL(host.address);
  const address = `https://${here}:${port}${pathname}`;
  tell(`open this address on the device that should measure, and confirm its certificate:\n  ${address}\n`);
  tell(`${renderUnicodeCompact(address)}\n`);
  tell(`for Android by cable: adb reverse tcp:${port} tcp:${port}, and open https://localhost:${port}${pathname}\n`);
  await host.here;
  tell('a page has come; it measures now\n');
  return { ...host, address };
}

/** The first IPv4 address that other devices can reach; without a network, this machine alone. */
function networkAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
