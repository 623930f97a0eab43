/**
 * Vulkan drivers for machines without a GPU. Chromium (Debian) contains SwiftShader. Dawn refuses
 * the lavapipe of Debian 12, so the one from its backports is unpacked into a separate folder,
 * beside the system's.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Driver = 'SwiftShader' | 'lavapipe';

const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';
const lavapipe = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamella', 'lavapipe');

/** The file through which Vulkan's loader finds a driver. */
export function driverFile(driver: Driver): string {
  return driver === 'SwiftShader' ? swiftShader : join(lavapipe, 'icd.json');
}

/** Installs missing packages through apt. Throws if that fails. */
export function installDrivers(): void {
  const apt = (...args: string[]) => execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const packages = ['chromium', 'libvulkan1', 'mesa-vulkan-drivers'];
  const present = [
    swiftShader,
    '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
    '/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so',
  ];
  if (!present.every((file) => existsSync(file))) {
    apt('update');
    // the system's mesa brings the libraries that the newer version needs
    apt('install', '-y', '--no-install-recommends', ...packages);
  }
  if (existsSync(driverFile('lavapipe'))) return;
  mkdirSync(join(lavapipe, 'lists', 'partial'), { recursive: true });
  const source = join(lavapipe, 'backports.list');
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  // the address of the system's own packages
  const targets = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Codename: bookworm'];
  const [site] = execFileSync('apt-get', targets, { encoding: 'utf8' }).split('\n');
  writeFileSync(source, `deb [signed-by=${key}] ${site} bookworm-backports main\n`);
  const own = [
    `Dir::Etc::sourcelist=${source}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(lavapipe, 'lists')}`,
  ];
  const options = own.flatMap((option) => ['-o', option]);
  apt(...options, 'update');
  execFileSync('apt-get', [...options, 'download', 'mesa-vulkan-drivers'], { cwd: lavapipe, stdio: 'ignore' });
  const deb = readdirSync(lavapipe).find((file) => file.endsWith('.deb'));
  if (!deb) throw new Error('apt downloaded no mesa-vulkan-drivers');
  execFileSync('dpkg-deb', ['-x', join(lavapipe, deb), join(lavapipe, 'unpacked')]);
  const library_path = join(lavapipe, 'unpacked/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so');
  const icd = { file_format_version: '1.0.0', ICD: { library_path, api_version: '1.4.305' } };
  writeFileSync(driverFile('lavapipe'), JSON.stringify(icd));
}

/** For vitest's `globalSetup`. */
export function setup(): void {
  installDrivers();
}
