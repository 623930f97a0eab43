/**
 * Makes the native projects and copies the assistant into them, with Capacitor's own command; and
 * tests the messages for a missing SDK.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyProject, inside, type Project, web } from './project.ts';

let project: Project;
beforeAll(async () => {
  project = await copyProject();
});
afterAll(() => project?.remove());

const platforms = ['android', 'ios'] as const;

/** Files below a folder with their content. */
async function files(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(found.map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const)),
  );
}

test('the first sync makes both projects, a later one renews them; each time they hold the whole build', async () => {
  const built = await files(web);
  expect([...built.keys()].join('\n')).toMatch(/^assets\/weights-000-.*\.bin$/m);
  // a phone's WebView runs the kernels for Arm, or plain ones if it has no relaxed SIMD
  for (const set of ['sdot', 'simd'])
    expect([...built.keys()].join('\n')).toMatch(new RegExp(`^assets/kernels\\.${set}-.*\\.wasm$`, 'm'));
  for (const said of ['platform added!', 'Sync finished']) {
    expect(await project.script('sync')).toContain(said);
    for (const platform of platforms) {
      const folder = join(project.path, inside[platform]);
      const held = await files(folder);
      for (const [name, content] of built) expect(held.get(name)?.equals(content), `${platform}: ${name}`).toBe(true);
      // Damage that a later sync must repair.
      await writeFile(join(folder, 'index.html'), 'old');
      await rm(join(folder, 'assets'), { recursive: true });
    }
  }
});

test('the projects are the app: its name and identifier', async () => {
  const { appId, appName } = JSON.parse(await readFile(join(project.path, 'capacitor.config.json'), 'utf8'));
  const gradle = await readFile(join(project.path, 'native/android/app/build.gradle'), 'utf8');
  expect(gradle).toContain(`applicationId "${appId}"`);
  const plist = await readFile(join(project.path, 'native/ios/App/App/Info.plist'), 'utf8');
  expect(plist).toContain(`<string>${appName}</string>`);
});

test('if a native build is impossible, one message gives the reason and a remedy', async () => {
  const nowhere = { ANDROID_HOME: join(project.path, 'no-sdk') };
  const refused = (platform: string) =>
    project.script('build', [platform], nowhere).then(
      () => expect.fail('it was built'),
      ({ code, stderr }) => ({ code, stderr }),
    );
  const message = /^ANDROID_HOME names .*no-sdk, which does not exist\. Try .*\n$/;
  expect(await refused('android')).toEqual({ code: 1, stderr: expect.stringMatching(message) });
  expect(await refused('symbian')).toEqual({ code: 1, stderr: 'symbian is no platform. Try android or ios\n' });
});
