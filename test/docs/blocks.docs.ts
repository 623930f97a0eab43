/**
 * Runs every code block of the README and of docs/, page by page, in a copy of a checkout (see
 * `test/e2e/guide.ts`). `docs/authoring.md` has a test of its own, and the blocks of the generated
 * references are run by `reference.test.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import { writeHubFolder } from 'lamella/test/checkpoint-files';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Block, blocksOf, checkout, follow, isNotRun } from '../e2e/guide.ts';
import { repositoryFiles, textOf } from './repository.ts';

const elsewhere = ['docs/authoring.md', 'docs/reference/api.md', 'docs/reference/dsl.md', 'docs/reference/runtime.md'];
const pages = repositoryFiles()
  .filter((file) => /^(README|docs\/.*|apps\/mobile\/README)\.md$/.test(file) && !elsewhere.includes(file))
  .map((file) => ({ file, blocks: blocksOf(textOf(file)) }))
  .filter(({ blocks }) => blocks.some((block) => !isNotRun(block)));

/** Usage lines of the generated references are no commands. */
const isUsage = ({ info }: Block): boolean => info === 'text usage';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-page-'));
  await checkout(folder);
});
afterEach(() => rm(folder, { recursive: true }));

/** Commands whose results the pages take for granted. */
const before: Readonly<Record<string, string>> = {
  'docs/commands.md': 'npx lamella compile graphs/assistant.ts --weights graphs/assistant',
  'docs/generating.md': 'npx lamella compile graphs/assistant.ts --weights graphs/assistant',
  'docs/reference/cli.md': 'npx lamella new my-model\nnpx lamella compile my-model.ts --weights random:1',
  // small files under the names of the released ones
  'docs/checkpoints.md':
    'npx lamella export graphs/assistant.ts --weights graphs/assistant --to gguf --type q8_0 --out SmolLM2-135M-Instruct-Q8_0.gguf',
};

const page = (file: string) => pages.find((each) => each.file === file)!;

async function followPage(file: string): Promise<string> {
  const preparing = before[file] ? [{ info: 'sh', text: `${before[file]}\n` }] : [];
  const blocks = [...preparing, ...page(file).blocks.filter((block) => !isUsage(block))];
  return follow({ title: file, blocks }, folder);
}

test.each(pages)('$file', async ({ file }) => {
  if (file === 'docs/checkpoints.md') await writeHubFolder(join(folder, 'MobileLLM-125M'));
  await followPage(file);
});

test('pages with blocks that run are found', () => {
  expect(pages.map(({ file }) => file)).toEqual(
    expect.arrayContaining(['README.md', 'docs/language.md', 'docs/start/ml.md', 'docs/start/web.md']),
  );
});

test('a block that cannot run has a reason of several words', () => {
  const marked = repositoryFiles()
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => blocksOf(textOf(file)).map(({ info }) => info))
    .filter((info) => info.includes('not run'));
  for (const info of marked) expect(info).toMatch(/ not run: (\S+ ){3,}\S+/);
});

describe('pages that the guides write', () => {
  test.each([
    ['docs/start/web.md', 'web'],
    ['docs/start/mobile.md', 'www'],
  ])('%s answers in Chromium', async (file, served) => {
    await followPage(file);
    const site = await serve({ '/': { folder: join(folder, served) } });
    const browser = await launchChromium();
    const opened = await browser.newPage();
    const errors: Error[] = [];
    opened.on('pageerror', (error) => errors.push(error));
    await opened.goto(`${site.origin}/index.html`);
    const button = opened.locator('button');
    const answer = async () => {
      if ((await button.count()) > 0) await button.click();
      return opened.locator('output').textContent();
    };
    await expect.poll(answer).toMatch(/^\{"name"/);
    expect(errors).toEqual([]);
    await browser.close();
    await site.close();
  });
});
