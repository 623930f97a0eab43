/**
 * A page written to the Prompt API runs unchanged, in Chromium, with a package's model. The rules
 * of the specification, one by one, are in `packages/runtime/test/faces/prompt-api.test.ts`.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Apps, app, apps, example } from './pages.ts';

/** What the page found out. */
declare global {
  var said: Promise<Record<string, unknown>>;
}

let all: Apps;
beforeAll(async () => {
  all = await apps();
});
afterAll(() => all?.close());

/** Sets `LanguageModel` before the page runs. */
const shim = `import { load } from 'assistant';
import { createLanguageModel } from 'assistant/prompt-api';
globalThis.LanguageModel = createLanguageModel((_, options) => load('/assistant/', options));
`;

test('the page', async () => {
  await all.visit(shim + app('prompt-api.js'), async (page) => {
    const { pieces, progress, contextUsage, usage, rating, ...said } = await page.evaluate(() => globalThis.said);
    const { answer, prefix, email, ...others } = said as Record<string, string>;
    expect(answer).toMatch(/^\{"name":.*\}$/);
    expect((pieces as string[]).join('')).toBe(answer);
    expect((pieces as string[]).length).toBeGreaterThan(2);
    expect(prefix).toBe(answer);
    expect(email).toMatch(/^[a-z]{2,8}@[a-z]{2,8}\.com$/);
    const { rating: stars } = rating as { rating: number };
    expect(stars >= 0 && stars <= 5).toBe(true);
    const shares = (progress as [number, number][]).map(([loaded]) => loaded);
    expect([shares[0], shares.at(-1)]).toEqual([0, 1]);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    const [mine, same, clone, window] = contextUsage as number[];
    expect(same).toBe(mine);
    expect(clone).toBe(mine);
    expect(mine).toBeGreaterThan(usage as number);
    expect(window).toBeGreaterThan(mine!);
    const { toolEnd, toolGiven, ...rest } = others as Record<string, unknown>;
    expect(toolGiven).toEqual({ query: expect.any(String) });
    // The model, which has learned to do nothing but call, calls again, or answers by chance.
    expect(['answer', 'AbortError']).toContain(toolEnd);
    expect(rest).toEqual({
      before: 'downloadable',
      after: 'available',
      params: { defaultTopK: 40, maxTopK: 128, defaultTemperature: 0.8, maxTemperature: 2 },
      isSession: true,
      wrong: 'TypeError',
      toolText: false,
      toolFails: ['RangeError', 'no map'],
      toolWrong: 'TypeError',
      overflows: true,
      within: true,
      quota: ['QuotaExceededError', true, true, true],
      aborted: 'AbortError',
      destroyed: ['AbortError', 'AbortError'],
    });
  });
});

test('the example of the documentation', async () => {
  const code = example('The Prompt API').replace(
    'createLanguageModel(load)',
    "createLanguageModel((_, options) => load('/assistant/', options))",
  );
  await all.visit(code, async (page) => {
    await expect.poll(() => page.locator('output').textContent()).toMatch(/^\{"name":.*\}$/);
  });
});
