/** The AI SDK, versions 6 and 7, with a package's model: in Chromium, and its types. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Apps, app, apps, example } from './pages.ts';

/** What the page found out. */
declare global {
  var said: Promise<Record<string, unknown>>;
}

interface Said {
  readonly text: string;
  readonly pieces: readonly string[];
  readonly usage: Readonly<Record<'inputTokens' | 'outputTokens' | 'totalTokens', number>>;
  readonly figures: readonly string[];
}

let all: Apps;
beforeAll(async () => {
  all = await apps();
});
afterAll(() => all?.close());

test('text, streams, objects, limits, warnings, errors and aborts', async () => {
  await all.visit(app('ai-sdk.js'), async (page) => {
    const said = await page.evaluate(() => globalThis.said);
    for (const version of ['ai7', 'ai6']) {
      const { text, pieces, usage, figures, ...others } = said[version] as Said;
      expect(text).toMatch(/^\{"name":.*\}$/);
      expect(pieces.join('')).toBe(text);
      expect(pieces.length).toBeGreaterThan(2);
      const { inputTokens, outputTokens, totalTokens } = usage;
      expect(inputTokens).toBe('call mom'.length + 2);
      expect(outputTokens).toBe(text.length + 1);
      expect(totalTokens).toBe(inputTokens + outputTokens);
      expect(figures).toContain('decodeTokensPerSecond');
      expect(others).toEqual({
        finish: ['stop', 'eos'],
        cached: inputTokens - 1,
        limited: ['length', 3],
        stopped: ['stop', text.split(':')[0]],
        object: true,
        asked: true,
        partial: true,
        called: ['tool-calls', ['call'], true],
        toolParts: [true, true, true],
        executed: true,
        after: 2,
        warnings: ['presencePenalty'],
        image: 'AI_UnsupportedFunctionalityError',
        wrong: 'L409',
        aborted: 'abort',
      });
    }
  });
});

test('the example of the documentation', async () => {
  await all.visit(example('The AI SDK'), async (page) => {
    await expect.poll(() => page.locator('output').textContent()).toMatch(/^\{"name":.*\}$/);
  });
});

test('the types are those of the SDK', async () => {
  const lines = ['ai', 'ai-6'].map(
    (name, i) => `import { streamText as stream${i} } from '${name}';\nstream${i}({ model, prompt: 'x' });`,
  );
  const text = `import { load } from 'assistant';\nimport { languageModel } from 'assistant/ai-sdk';
const model = languageModel(await load());\n${lines.join('\n')}\n`;
  await writeFile(join(all.installed.path, 'types.mts'), text);
  const strict = '--noEmit --strict --module nodenext --target es2023 --lib es2023,dom,dom.iterable --skipLibCheck';
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  await all.installed.run(tsc, ...strict.split(' '), '--types', '', 'types.mts');
});
