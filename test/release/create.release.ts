/**
 * `npm create lamella` from the packed packages, in an empty folder: the printed steps run as they
 * are printed, and so does everything that the project's README describes.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dist, tarball } from '@lamella/release/packed';
import { published } from '@lamella/release/workspace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ManagerName, type Shell, shellWith } from './managers.ts';

let home: string;
beforeAll(async () => {
  home = join(await mkdtemp(join(tmpdir(), 'lamella-create-')), 'Zoë #1 100%20');
  await mkdir(home);
});
afterAll(() => rm(join(home, '..'), { recursive: true }));

/** The command that creates the project; Yarn and Bun can do so only with packages of a registry. */
const creating: Readonly<Partial<Record<ManagerName, string>>> = {
  npm: `npm exec --yes --package='${tarball('create-lamella')}' -- create-lamella`,
  pnpm: `pnpm dlx '${tarball('create-lamella')}'`,
};

/** Makes the project use the packed packages, because the registry has none of them. */
async function usePacked(project: string, manager: ManagerName): Promise<void> {
  const file = join(project, 'package.json');
  const fields = JSON.parse(await readFile(file, 'utf8'));
  const packed = Object.fromEntries(published.map(({ json: { name } }) => [name, `file:${tarball(name)}`]));
  const { lamella, 'create-lamella': _, ...others } = packed;
  Object.assign(fields.devDependencies, { lamella, '@lamella/dsl': others['@lamella/dsl'] });
  await writeFile(file, JSON.stringify({ ...fields, overrides: others, resolutions: others }));
  if (manager !== 'pnpm') return;
  const settings = join(project, 'pnpm-workspace.yaml');
  await writeFile(settings, `${await readFile(settings, 'utf8')}overrides: ${JSON.stringify(others)}\n`);
}

/** The number of tests that Node's runner reports as passed. */
const passed = (output: string) => Number(/^(?:#|ℹ) pass (\d+)$/m.exec(output)?.[1]);

describe.each<ManagerName>(['npm', 'pnpm', 'yarn', 'modern-yarn', 'bun'])('%s', (manager) => {
  let shell: Shell;
  let project: string;
  /** What goes before a script, and before a command of a dependency. */
  let commands: { readonly run: string; readonly exec: string };

  test('create, and the steps that it prints: install, check, test, compile', async () => {
    shell = await shellWith(manager);
    const command = creating[manager] ?? `node '${join(dist, 'create-lamella', 'lib', 'main.js')}'`;
    const env = creating[manager] ? {} : { npm_config_user_agent: `${shell.agent} npm/? node/?` };
    const output = await shell.run(home, `${command} ${manager}-models`, env);
    const [enter, install, ...scripts] = [...output.matchAll(/^ {2}(\S.*)$/gm)].map(([, step]) => step!);
    expect(enter).toBe(`cd ${manager}-models`);
    project = join(home, `${manager}-models`);
    const readme = await readFile(join(project, 'README.md'), 'utf8');
    const [, exec = ''] = /`(\S.*) lamella inspect/.exec(readme)!;
    commands = { run: scripts[0]!.replace(/ check$/, ''), exec };
    await usePacked(project, manager);
    await shell.run(project, install!);
    expect(scripts.map((script) => script.split(' ').at(-1))).toEqual(['check', 'test', 'compile']);
    const [check, tests, compile] = scripts;
    expect(await shell.run(project, check!)).toContain('my-model is well formed');
    expect(passed(await shell.run(project, tests!))).toBe(2);
    await shell.run(project, compile!);
    const { tokens } = JSON.parse(
      (await shell.run(project, `${exec} lamella run out/my-model --tokens 1,2,3 --max-tokens 4 --json`)).match(
        /^\{.*\}$/m,
      )![0],
    );
    expect(tokens).toHaveLength(4);
  });

  test('the workflow installs what the lock file lists', async () => {
    const workflow = await readFile(join(project, '.github/workflows/check.yml'), 'utf8');
    const steps = [...workflow.matchAll(/- run: (.*)$/gm)].map(([, step]) => step!);
    const [locked] = steps.filter((step) => !step.includes('--global'));
    await rm(join(project, 'node_modules'), { recursive: true });
    await shell.run(project, locked!);
    expect(await shell.run(project, `${commands.exec} lamella --version`)).toMatch(/^\d+\.\d+\.\d+$/m);
  });

  test('another model is tested as well, once it has a golden', async () => {
    const made = await shell.run(project, `${commands.exec} lamella new graphs/wide`);
    expect(made).toContain(`  ${commands.exec} lamella check graphs/wide.ts\n`);
    await expect(shell.run(project, `${commands.run} test`)).rejects.toThrow(
      `golden/wide.txt is missing. Try ${commands.run} golden`,
    );
    await shell.run(project, `${commands.run} golden`);
    expect(passed(await shell.run(project, `${commands.run} test`))).toBe(4);
  });

  // The rest is the same with every package manager.
  test.runIf(manager === 'npm')('the studio is served', async () => {
    expect(await shell.fetchFrom(project, `${commands.run} studio`)).toContain('<meta name="lamella-dev"');
  });

  test.runIf(manager === 'npm')('a change of the graph fails the test', async () => {
    const file = join(project, 'graphs/my-model.ts');
    await writeFile(file, (await readFile(file, 'utf8')).replace('share.immediate(2)', 'share.cycle(2)'));
    await expect(shell.run(project, `${commands.run} test`)).rejects.toThrow(
      `If you intended this change, try ${commands.run} golden`,
    );
  });

  test.runIf(manager === 'npm')('a wrong axis is one line of the type checker, at the author’s line', async () => {
    const file = join(project, 'graphs/wide.ts');
    await writeFile(file, (await readFile(file, 'utf8')).replace('mlp: swiglu(d, ff)', 'mlp: swiglu(ff, d)'));
    await expect(shell.run(project, `${commands.run} check`)).rejects.toThrow(
      /^graphs\/wide\.ts\(\d+,\d+\): error TS/m,
    );
  });
});
