/**
 * A copy of this project for a test, with the assistant's build: a developer's native folders are
 * not touched.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const mobile = fileURLToPath(new URL('..', import.meta.url));
const tsx = join(dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist/cli.mjs');

/** The content that is copied into the native projects. */
export const web = fileURLToPath(new URL('../../assistant/dist', import.meta.url));
/** Its places in them. */
export const inside = {
  android: 'native/android/app/src/main/assets/public',
  ios: 'native/ios/App/App/public',
} as const;

export interface Project {
  readonly path: string;
  /** Runs one of the scripts in `src`. Rejects if it fails. */
  script(name: 'sync' | 'build', args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Builds the assistant if it has changed, and copies the project to a folder inside this one, where
 * Capacitor finds its packages.
 */
export async function copyProject(): Promise<Project> {
  const root = join(mobile, '../..');
  const build = ['turbo', 'run', 'build', '--filter=@lamella/assistant', '--output-logs=errors-only'];
  await promisify(execFile)('npx', build, { cwd: root });
  await mkdir(join(mobile, 'out'), { recursive: true });
  const path = await mkdtemp(join(mobile, 'out/test-'));
  for (const file of ['package.json', 'src']) await cp(join(mobile, file), join(path, file), { recursive: true });
  const config = JSON.parse(await readFile(join(mobile, 'capacitor.config.json'), 'utf8'));
  await writeFile(join(path, 'capacitor.config.json'), JSON.stringify({ ...config, webDir: web }));
  return {
    path,
    async script(name, args = [], env = {}) {
      const command = [tsx, join(path, 'src', `${name}.ts`), ...args];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, command, {
        cwd: path,
        env: { ...process.env, ...env },
      });
      return stdout + stderr;
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
