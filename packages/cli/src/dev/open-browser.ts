/** Opens an address in the user's browser, only where there is a user and a screen. */
import { spawn } from 'node:child_process';

type Surroundings = Readonly<Record<string, string | undefined>>;

/** The program that opens an address; null on a terminal without a screen, in CI and in a pipe. */
export function opener(
  env: Surroundings = process.env,
  platform: string = process.platform,
  isTerminal: boolean = process.stderr.isTTY === true,
): readonly string[] | null {
  if (!isTerminal || env.CI || env.SSH_CONNECTION) return null;
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['explorer.exe'];
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : null;
}

/** Opens `address` if `opener` finds a program. The address is printed too, so a failure is fine. */
export function openBrowser(address: string): void {
  const [program, ...words] = opener() ?? [];
  if (program === undefined) return;
  spawn(program, [...words, address], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
