/**
 * The studio for a visitor: the build, below a sub-path of a static server, in a real browser. A
 * picture appears, an edit changes it, a fault is marked at its line and keeps the last picture, a
 * run measures. `studio.full.ts` has further tests.
 */
import { readFileSync } from 'node:fs';
import { launchChromium } from '@lamella/hosts/chromium';
import type { Site } from '@lamella/hosts/serve';
import axe from 'axe-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Browser,
  buildStudio,
  choose,
  markedLines,
  openStudio,
  type Page,
  problems,
  replace,
  serveStudio,
  settled,
} from './site.ts';

const assistant = readFileSync(new URL('../../../graphs/assistant.ts', import.meta.url), 'utf8').split('\n');
/** The first line of the assistant's graph that has this text. */
const lineOf = (text: string) => assistant.findIndex((line) => line.includes(text)) + 1;

let site: Site;
let browser: Browser;
let page: Page;
const complaints: string[] = [];
beforeAll(async () => {
  await buildStudio();
  site = await serveStudio();
  browser = await launchChromium();
  page = await openStudio(browser, site, complaints);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

test('the first model is drawn, and every kernel is listed for both targets', async () => {
  await settled(page, 'good');
  expect(await page.locator('#pictures h2').allTextContents()).toEqual([
    'mobilellm-125m-ls',
    'Stack',
    'Slow memory',
    'Parameters',
    'Memory',
    'Arena',
    'One token',
  ]);
  expect(await page.locator('#pictures svg.strip').count()).toBe(3);
  await page.getByRole('tab', { name: 'Kernels' }).click();
  const kernels = await page.locator('#kernel option').allTextContents();
  expect(kernels).toContain('layers.self_attn.decode');
  await page.locator('#kernel').selectOption('layers.self_attn.prefill');
  const texts = await page.locator('#kernel-code pre').allTextContents();
  const begins = [
    'kernel layers.self_attn.prefill',
    '(func $layers.self_attn.prefill',
    'kernel layers.self_attn.prefill',
    '// layers.self_attn.prefill',
  ];
  expect(texts.map((text, i) => text.startsWith(begins[i]!))).toEqual([true, true, true, true]);
  await page.getByRole('tab', { name: 'Pictures' }).click();
});

test('an edit of the graph changes the picture', async () => {
  await replace(page, 'share.immediate(2)', 'share.cycle(3)');
  await page.getByText('30 weight sets, 90 executions, 90 state slots: all weight sets 3 times over.').waitFor();
});

test('a wrong axis is marked at its line, with a remedy, and the last good picture is visibly old', async () => {
  await choose(page, 'assistant');
  await replace(page, 'mlp: swiglu(d, ff)', 'mlp: swiglu(ff, d)');
  await settled(page, 'fault');
  const line = lineOf('residual(x, (x) => w.mlp(');
  await page.locator('.problem', { hasText: `line ${line}` }).waitFor();
  // The checker and the run of the code both find it, and it is listed once.
  await expect
    .poll(() => problems(page))
    .toEqual([
      `line ${line} | L101 | axis d=128 does not fit: expected ff=256, at layers.mlp | Try swiglu(d, ff) at graphs/assistant.ts:${lineOf('mlp: swiglu(')}:10`,
    ]);
  expect(await markedLines(page)).toEqual([line]);
  expect(await page.locator('#panel-pictures .stale-note').isVisible()).toBe(true);
  expect(await page.locator('#pictures h2.name').textContent()).toBe('assistant');
  await replace(page, 'mlp: swiglu(ff, d)', 'mlp: swiglu(d, ff)');
  await settled(page, 'good');
  await expect.poll(() => problems(page)).toEqual([]);
  expect(await page.locator('#panel-pictures .stale-note').isVisible()).toBe(false);
});

test('faults of the verifier are marked as well', async () => {
  const line = lineOf('self_attn: gqa(');
  await replace(page, 'kvHeads: 2', 'kvHeads: 3');
  await settled(page, 'fault');
  await expect
    .poll(() => problems(page))
    .toEqual([`line ${line} | L104 | kvHeads must divide heads: 4 / 3, at layers.self_attn | Try kvHeads: 2`]);
  expect(await markedLines(page)).toEqual([line]);
  await replace(page, 'kvHeads: 3', 'kvHeads: 2');
  await settled(page, 'good');
});

test('a run on this device measures the planned figures', async () => {
  await page.getByRole('tab', { name: 'Run' }).click();
  await page.getByLabel('Generate').fill('8');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.locator('#run-result table').waitFor();
  expect(await page.locator('#run-result .lead').textContent()).toMatch(/^16 tokens of prompt, 8 generated on WASM/);
  const cells = await page.locator('#run-result tr', { hasText: 'memory' }).last().locator('td').allTextContents();
  expect(cells[0]).toMatch(/^\d.* MiB$/);
  expect(cells[1]).toBe(cells[0]);
});

test('figures of an earlier version are marked', async () => {
  const old = page.getByText('These are the figures of an earlier version.');
  expect(await old.count()).toBe(0);
  await page.locator('#kv').selectOption('q8');
  await old.waitFor();
  await page.locator('#kv').selectOption('f32');
  await old.waitFor({ state: 'detached' });
});

test('a narrow page that shows the code and becomes wide shows a view beside it', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('tab', { name: 'Code' }).click();
  expect(await page.locator('#panel-code').isVisible()).toBe(true);
  expect(await page.locator('#panel-pictures').isVisible()).toBe(false);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.locator('#panel-pictures').waitFor();
  expect(await page.locator('#panel-code').isVisible()).toBe(true);
  expect(await page.getByRole('tab', { selected: true }).allTextContents()).toEqual(['Pictures']);
});

test('arrow keys, Home and End go through the tabs', async () => {
  const selected = () => page.getByRole('tab', { selected: true }).allTextContents();
  await page.getByRole('tab', { name: 'Pictures' }).focus();
  for (const [key, name] of [
    ['ArrowRight', 'Kernels'],
    ['End', 'Run'],
    ['ArrowRight', 'Pictures'],
    ['ArrowLeft', 'Run'],
    ['Home', 'Pictures'],
  ] as const) {
    await page.keyboard.press(key);
    await expect.poll(selected).toEqual([name]);
    expect(await page.locator(':focus').textContent()).toBe(name);
  }
});

test('two graphs stand side by side', async () => {
  await choose(page, 'mobilellm-125m');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('#template').selectOption('graphs/mobilellm-125m-ls.ts');
  await page.locator('#summary', { hasText: '60 state slots' }).waitFor();
  expect(await page.locator('#kept-summary h2').textContent()).toBe('mobilellm-125m');
  expect(await page.locator('#summary h2').textContent()).toBe('mobilellm-125m-ls');
  expect(await page.locator('.side-by-side svg').count()).toBeGreaterThanOrEqual(2);
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('tab', { name: 'Pictures' }).click();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('#pictures').waitFor();
});

test('a link carries the graph, and its reader decides when it runs', async () => {
  await choose(page, 'assistant');
  await replace(page, 'kvHeads: 2', 'kvHeads: 1');
  await settled(page, 'good');
  await page.getByRole('button', { name: 'Share' }).click();
  await expect.poll(() => page.url()).toContain('#file=');
  const other = await openStudio(browser, site, complaints, { address: page.url() });
  await other.getByText('This graph comes from a link.').waitFor();
  await other.locator('#quant').selectOption('q4');
  await other.locator('#status[data-state=waiting]').waitFor();
  expect(await other.locator('#pictures h2').count()).toBe(0);
  await other.locator('#quant').selectOption('q8');
  await other.evaluate(axe.source);
  const { violations } = (await other.evaluate('axe.run()')) as axe.AxeResults;
  expect(violations.map(({ id }) => id)).toEqual([]);
  await other.getByRole('button', { name: 'Compile it' }).click();
  await settled(other, 'good');
  await other.locator('#pictures h2.name', { hasText: 'assistant' }).waitFor();
  const textOf = (each: Page) => each.locator('.cm-content').innerText();
  expect(await textOf(other)).toBe(await textOf(page));
  await other.close();
});

test('a file is opened and saved, here as an upload and a download', async () => {
  await page.evaluate(() => Object.assign(window, { showOpenFilePicker: undefined, showSaveFilePicker: undefined }));
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Open' }).click(),
  ]);
  const text = `// größe\n${assistant.join('\n')}`.replaceAll('\n', '\r\n');
  await chooser.setFiles({ name: 'mine.ts', mimeType: 'text/typescript', buffer: Buffer.from(text) });
  await page.locator('#template option', { hasText: 'mine.ts' }).waitFor({ state: 'attached' });
  await settled(page, 'good');
  await replace(page, 'größe', 'weite');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('mine.ts');
  expect(readFileSync(await download.path(), 'utf8')).toBe(text.replace('größe', 'weite'));
});

test('axe finds no fault, and there were no warnings', async () => {
  await page.evaluate(axe.source);
  for (const name of ['Pictures', 'Kernels', 'Run']) {
    await page.getByRole('tab', { name }).click();
    const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`)).toEqual([]);
  }
  expect(complaints).toEqual([]);
});
