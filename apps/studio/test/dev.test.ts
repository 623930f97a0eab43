/**
 * `lamella dev` for its user: the command as a process, a graph file on disk and the studio in a
 * real browser. Edits of either show in the other, conflicts lose nothing, and other pages cannot
 * write the file.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '@lamella/hosts/chromium';
import axe from 'axe-core';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Browser, buildStudio, type Page, problems, replace, settled } from './site.ts';

const graph = readFileSync(new URL('../../../graphs/mobilellm-125m-ls.ts', import.meta.url), 'utf8');
const shape = 'export const shape = { layers: 4, d: 64, heads: 4, kvHeads: 2, ffn: 96 };\n';
const withImport = `import { mobileLLM, share } from '@lamella/dsl';
import { shape } from './parts/shape.ts';

export default mobileLLM({ name: 'ours', vocab: 50, context: 64, ...shape, share: share.immediate(2) });
`;

let folder: Scratch;
let browser: Browser;
beforeAll(async () => {
  await buildStudio();
  browser = await launchChromium();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  folder = await scratch();
  return () => folder.remove();
});

interface Dev {
  /** The printed address of the page. */
  readonly address: URL;
  readonly page: Page;
  read(): string;
  write(text: string): void;
  /** Sends a signal to the command. */
  send(signal: NodeJS.Signals): void;
}

/** Runs `use` with the command and a page that shows its file. */
async function withDev(name: string, text: string, words: readonly string[], use: (dev: Dev) => Promise<void>) {
  const file = join(folder.path, name);
  if (text) writeFileSync(file, text);
  const command = folder.start('dev', name, ...words);
  const ended = new Promise((end) => command.on('close', end));
  const complaints: string[] = [];
  try {
    const address = await new Promise<URL>((found, fail) => {
      let said = '';
      command.stderr.on('data', (piece) => {
        said += piece;
        const [, address] = /^listening on (http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/)$/m.exec(said) ?? [];
        if (address) found(new URL(address));
      });
      command.on('close', () => fail(new Error(said)));
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(300_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(address.href);
    await use({
      address,
      page,
      read: () => readFileSync(file, 'utf8'),
      write: (to) => writeFileSync(file, to),
      send: (signal) => command.kill(signal),
    });
    await page.close();
  } finally {
    command.kill('SIGCONT');
    command.kill('SIGINT');
    await ended;
  }
  expect(complaints).toEqual([]);
  expect(command.exitCode).toBe(0);
}

const saved = (page: Page) => page.locator('#live-file[data-state=saved]').waitFor();

test('an edit on disk shows in the page, and one in the page on disk; line endings and permissions stay', async () => {
  const text = `\ufeff// größe 🧠\n${graph}`.replaceAll('\n', '\r\n');
  const name = 'é 1#%.ts';
  const file = join(folder.path, name);
  writeFileSync(file, text);
  chmodSync(file, 0o640);
  await withDev(name, '', [], async ({ page, read, write }) => {
    await page.getByText('30 weight sets, 60 executions').waitFor();
    const edited = text.replace('layers: 30', 'layers: 28');
    const times: number[] = [];
    for (const layers of [22, 24, 26, 28]) {
      // The type checker reads the version before, after its picture.
      await page.waitForTimeout(1000);
      const start = performance.now();
      write(text.replace('layers: 30', `layers: ${layers}`));
      await page.getByText(`${layers} weight sets, ${2 * layers} executions`).waitFor();
      times.push(Math.round(performance.now() - start));
    }
    console.log(`milliseconds from an edit on disk to its picture: ${times.join(', ')}`);
    await replace(page, 'layers: 28', 'layers: 26');
    await page.getByText('26 weight sets, 52 executions').waitFor();
    await expect.poll(read).toBe(edited.replace('layers: 28', 'layers: 26'));
    await saved(page);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    // As editors do that write a new file and rename it.
    writeFileSync(`${file}.new`, edited.replace('layers: 28', 'layers: 24'));
    renameSync(`${file}.new`, file);
    await page.getByText('24 weight sets, 48 executions').waitFor();
    await page.locator('.cm-content').focus();
    await page.keyboard.press('Control+z');
    await page.getByText('26 weight sets, 52 executions').waitFor();
    await expect.poll(read).toBe(edited.replace('layers: 28', 'layers: 26'));
    await replace(page, 'kvHeads: 3', 'kvHeads: 4');
    await settled(page, 'fault');
    await expect.poll(() => problems(page)).toEqual([expect.stringContaining('L104')]);
  });
});

test('if both have changed, nothing is written until the user chooses, and undo has the other text', async () => {
  await withDev('model.ts', graph, [], async ({ page, read, write, send }) => {
    await saved(page);
    await settled(page, 'good');
    const mine = () => page.locator('.cm-content').innerText();
    const conflict = async (disk: string, here: string) => {
      // The server stands still, so that the page edits a file that has changed.
      send('SIGSTOP');
      write(disk);
      await replace(page, /layers: \d+/.exec(await mine())![0], here);
      send('SIGCONT');
      await page.locator('.note button').first().waitFor();
      expect(read()).toBe(disk);
    };
    const disk = graph.replace('layers: 30', 'layers: 20');
    await conflict(disk, 'layers: 10');
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate("axe.run('#panel-code')")) as axe.AxeResults;
    expect(violations.map(({ id }) => id)).toEqual([]);
    await page.getByRole('button', { name: 'Keep this text' }).click();
    await expect.poll(read).toBe(graph.replace('layers: 30', 'layers: 10'));
    await page.locator('.cm-content').focus();
    await page.keyboard.press('Control+z');
    await expect.poll(read).toBe(disk);
    const later = graph.replace('layers: 30', 'layers: 6');
    await conflict(later, 'layers: 8');
    await page.getByRole('button', { name: 'Take the file' }).click();
    await saved(page);
    expect(read()).toBe(later);
    await page.getByText('6 weight sets, 12 executions').waitFor();
    await page.locator('.cm-content').focus();
    await page.keyboard.press('Control+z');
    await expect.poll(read).toBe(graph.replace('layers: 30', 'layers: 8'));
  });
});

test('imported files are followed, typed and watched; a fault in one names its place', async () => {
  const imported = join(folder.path, 'parts/shape.ts');
  mkdirSync(join(folder.path, 'parts'));
  await withDev('model.ts', withImport, [], async ({ page }) => {
    await expect
      .poll(() => problems(page))
      .toEqual(expect.arrayContaining([expect.stringContaining('does not exist')]));
    writeFileSync(imported, shape);
    await page.getByText('4 weight sets, 8 executions').waitFor();
    await expect.poll(() => problems(page)).toEqual([]);
    writeFileSync(imported, shape.replace('layers: 4', 'layers: 6'));
    await page.getByText('6 weight sets, 12 executions').waitFor();
    writeFileSync(imported, 'export const shape = ;\n');
    await expect.poll(() => problems(page).then((all) => all.join())).toContain('parts/shape.ts:1:');
    writeFileSync(imported, shape);
    await page.getByText('4 weight sets, 8 executions').waitFor();
    await settled(page, 'good');
  });
});

test('a run reads the weights that --weights names', async () => {
  await withDev(
    'model.ts',
    withImport.replace(/import .*parts.*\n/, shape),
    ['--weights', 'random:7'],
    async ({ page }) => {
      await saved(page);
      await settled(page, 'good');
      await page.getByRole('tab', { name: 'Run' }).click();
      await page.getByText('with the weights of random:7').waitFor();
      await page.getByLabel('Generate').fill('4');
      await page.getByRole('button', { name: 'Run' }).click();
      await page.locator('#run-result table').waitFor();
      expect(await page.locator('#run-result .lead').textContent()).toMatch(
        /^16 tokens of prompt, 4 generated on WASM/,
      );
    },
  );
});

test('a run continues a text with the tokenizer beside the weights', async () => {
  const assistant = fileURLToPath(new URL('../../../graphs/assistant', import.meta.url));
  await withDev('model.ts', readFileSync(`${assistant}.ts`, 'utf8'), ['--weights', assistant], async ({ page }) => {
    await saved(page);
    await settled(page, 'good');
    await page.getByRole('tab', { name: 'Run' }).click();
    await page.getByLabel('Text').fill('Play some jazz');
    await page.getByLabel('Generate').fill('4');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('#run-result table').waitFor();
    expect(await page.locator('#run-result .lead').textContent()).toMatch(/ tokens of prompt, 4 generated on WASM/);
  });
});

test('only this page may write, only to this address, and nothing else can be read', async () => {
  await withDev('model.ts', graph, [], async ({ address, page, read }) => {
    await saved(page);
    const { origin, pathname: secret } = address;
    const status = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: Buffer) =>
      new Promise<number>((done, fail) => {
        const asked = request(origin + path, { method, headers, path }, (answer) => done(answer.resume().statusCode!));
        asked.on('error', fail).end(method === 'PUT' ? (body ?? 'changed') : undefined);
      });
    const revision = await page.evaluate(
      () =>
        new Promise<number>((done) => {
          const events = new EventSource('live/graph');
          events.onmessage = ({ data }) => done(JSON.parse(data).revision);
        }),
    );
    const write = `${secret}live/graph?revision=${revision}`;
    // A chunked body, whose length no header has.
    const large = await new Promise<number | string>((done) => {
      const headers = { Origin: origin, 'Transfer-Encoding': 'chunked' };
      const asked = request(origin + write, { method: 'PUT', headers, agent: false }, (answer) =>
        done(answer.resume().statusCode!),
      );
      asked.on('error', (error: NodeJS.ErrnoException) => done(error.code!));
      asked.end(Buffer.alloc(5 << 20, 32));
    });
    // The connection may end before the rest of the body is sent.
    expect([413, 'EPIPE', 'ECONNRESET']).toContain(large);
    expect(await status('PUT', write, {})).toBe(403);
    expect(await status('PUT', write, { Origin: 'http://example.com' })).toBe(403);
    expect(await status('PUT', write, { Origin: 'null' })).toBe(403);
    expect(await status('PUT', write, { Host: 'example.com', Origin: 'http://example.com' })).toBe(403);
    expect(await status('GET', secret, { Host: 'example.com' })).toBe(403);
    expect(await status('PUT', `${secret}index.html`, { Origin: origin })).toBe(405);
    expect(await status('PUT', `${secret}live/graph?revision=1`, { Origin: origin })).toBe(200);
    expect(await status('PUT', write, { Origin: origin }, Buffer.from([0xe9]))).toBe(400);
    for (const path of ['model.ts', '../package.json', '%2e%2e/package.json', '..%2fpackage.json', '%00', '%E0'])
      expect([path, (await status('GET', secret + path, {})) >= 400]).toEqual([path, true]);
    // Another user of this machine can send the right headers, but does not have the secret.
    for (const path of ['/', '/live/graph', `/live/graph?revision=${revision}`, `/${'0'.repeat(32)}/live/graph`])
      for (const method of ['GET', 'PUT'])
        expect([path, await status(method, path, { Origin: origin })]).toEqual([path, 404]);
    expect(read()).toBe(graph);
    expect(await status('PUT', write, { Origin: origin })).toBe(200);
    expect(read()).toBe('changed');
  });
});

test('a deleted file is shown as deleted, and the next edit writes it again', async () => {
  await withDev('model.ts', graph, [], async ({ page, read }) => {
    await saved(page);
    unlinkSync(join(folder.path, 'model.ts'));
    await page.locator('#live-file[data-state=deleted]').waitFor();
    await page.getByText('The file was deleted. The next edit writes it again.').waitFor();
    await replace(page, 'layers: 30', 'layers: 28');
    await saved(page);
    expect(read()).toBe(graph.replace('layers: 30', 'layers: 28'));
  });
});

test('a file that is not a graph is refused', async () => {
  await folder.refuses(['dev', 'none.ts'], 'L302', 'none.ts');
  writeFileSync(join(folder.path, 'latin.ts'), Buffer.from([0x2f, 0x2f, 0xe9]));
  await folder.refuses(['dev', 'latin.ts'], 'L302', 'it is not UTF-8');
});
