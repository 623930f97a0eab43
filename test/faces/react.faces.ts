/** The hooks of `react.js` in React's StrictMode, which mounts every component twice. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Apps, app, apps, example, type Page } from './pages.ts';

/** The record of the page. */
declare global {
  var showComponents: (components: string) => void;
  var works: boolean;
  var record: {
    readonly loads: number;
    readonly aborted: number;
    /** The texts that were drawn, with the number of their frame. */
    readonly drawn: readonly { readonly text: string; readonly frame: number }[];
    readonly models: Set<{ generate(prompt: string): unknown }>;
    readonly results: readonly ({ readonly text: string; readonly finishReason: string } | null)[];
  };
}

let all: Apps;
beforeAll(async () => {
  all = await apps();
});
afterAll(() => all?.close());

const visit = (use: (page: Page) => Promise<void>) => all.visit(app('react.jsx'), use);
const show = (page: Page, components: string) => page.evaluate((shown) => globalThis.showComponents(shown), components);
const results = (page: Page) => page.evaluate(() => globalThis.record.results);
const counts = (page: Page) => page.evaluate(() => [globalThis.record.loads, globalThis.record.aborted]);
const click = (page: Page, button: string) => page.locator(`${button.replace(' ', ' [name=')}]`).click();

/** Whether every model that the page had is disposed of. */
const disposed = (page: Page) =>
  page.evaluate(() =>
    [...globalThis.record.models].every((model) => {
      try {
        model.generate('x');
        return false;
      } catch (error) {
        return (error as { code: string }).code === 'L411';
      }
    }),
  );

test('components share one model, which is loaded once and disposed of after the last of them', async () => {
  await visit(async (page) => {
    await show(page, 'first second');
    await click(page, '#first ask');
    await expect.poll(() => results(page)).toHaveLength(1);
    const [answer] = await results(page);
    expect(answer!.text).toMatch(/^\{"name"/);
    expect(await page.locator('#first output').textContent()).toBe(answer!.text);
    expect(await page.locator('#second output').textContent()).toBe('');
    expect(await counts(page)).toEqual([1, 0]);
    // Another component instead: the model stays.
    await show(page, 'second');
    await click(page, '#second ask');
    await expect.poll(() => page.locator('#second output').textContent()).toBe(answer!.text);
    expect(await counts(page)).toEqual([1, 0]);
    expect(await disposed(page)).toBe(false);
    await show(page, '');
    await expect.poll(() => disposed(page)).toBe(true);
    await show(page, 'first');
    await click(page, '#first ask');
    await expect.poll(() => page.locator('#first output').textContent()).toBe(answer!.text);
    expect(await counts(page)).toEqual([2, 1]);
  });
});

test('an effect that generates is aborted with the first mount and answers in the second', async () => {
  await visit(async (page) => {
    await show(page, 'first');
    await expect.poll(() => page.locator('#first [name=ask]').isEnabled()).toBe(true);
    await show(page, 'greeting');
    await expect.poll(() => page.locator('#greeting').textContent()).toMatch(/^\{"name"/);
    expect((await results(page)).map((result) => result!.finishReason)).toEqual(['abort', 'length']);
    expect(await counts(page)).toEqual([1, 0]);
  });
});

test('a component that leaves while its model loads ends the load', async () => {
  await visit(async (page) => {
    await page.route('**/weights-*.bin', () => {});
    await show(page, 'first');
    await expect.poll(() => counts(page)).toEqual([1, 0]);
    await show(page, '');
    await expect.poll(() => counts(page)).toEqual([1, 1]);
    await expect.poll(() => page.workers().length).toBe(0);
  });
});

test('stop keeps the text so far; another call begins anew; one that is superseded leaves no trace', async () => {
  await visit(async (page) => {
    await show(page, 'slow');
    await expect.poll(() => page.locator('#slow [name=ask]').isEnabled()).toBe(true);
    await click(page, '#slow long');
    await expect.poll(() => page.locator('#slow output').textContent()).not.toBe('');
    await click(page, '#slow stop');
    await expect.poll(() => results(page)).toHaveLength(1);
    const [stopped] = await results(page);
    expect(stopped!.finishReason).toBe('abort');
    expect(await page.locator('#slow output').textContent()).toBe(stopped!.text);
    expect(await page.locator('#slow i').textContent()).toBe('abort');
    await click(page, '#slow long');
    await click(page, '#slow ask');
    await expect.poll(() => results(page)).toHaveLength(3);
    expect((await results(page)).map((result) => result!.finishReason)).toEqual(['abort', 'abort', 'length']);
    expect(await page.locator('#slow i').textContent()).toBe('length');
    expect(await page.locator('#slow s').textContent()).toBe('12');
  });
});

test('text is drawn at most once per frame', async () => {
  await visit(async (page) => {
    await show(page, 'first');
    await expect.poll(() => page.locator('#first [name=ask]').isEnabled()).toBe(true);
    await click(page, '#first long');
    await expect.poll(() => page.locator('#first s').textContent()).toBe('200');
    const frames = await page.evaluate(() => globalThis.record.drawn.map(({ frame }) => frame));
    expect(new Set(frames).size).toBe(frames.length);
  });
});

test('errors of loading and of generating are state; a load is retried', async () => {
  await visit(async (page) => {
    await show(page, 'failing');
    await expect.poll(() => page.locator('#failing b').textContent()).toBe('Error: not now');
    await click(page, '#failing long');
    await expect.poll(() => results(page)).toEqual([null]);
    await page.evaluate(() => {
      globalThis.works = true;
    });
    await click(page, '#failing retry');
    await expect.poll(() => page.locator('#failing [name=ask]').isEnabled()).toBe(true);
    await click(page, '#failing wrong');
    await expect.poll(() => page.locator('#failing b').textContent()).toMatch(/^LamellaError: L408 .*maxTokens/);
    await click(page, '#failing ask');
    await expect.poll(() => page.locator('#failing i').textContent()).toBe('length');
    expect(await page.locator('#failing b').textContent()).toBe('');
    expect(await counts(page)).toEqual([2, 0]);
  });
});

test('the example of the documentation', async () => {
  const page = `${example('React')}
import { createElement, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
const main = document.body.appendChild(document.createElement('main'));
createRoot(main).render(createElement(StrictMode, null, createElement(Assistant)));`;
  await all.visit(page, async (page) => {
    await page.locator('button').click();
    await expect.poll(() => page.locator('output').textContent()).toMatch(/^\{"name"/);
    await expect.poll(() => page.locator('button').textContent()).toBe('Ask');
  });
});

test('a function that is new in every render is an error, not an endless load', async () => {
  await visit(async (page) => {
    await show(page, 'inline');
    await expect.poll(() => page.locator('p').textContent()).toMatch(/outside the component/);
  });
});
