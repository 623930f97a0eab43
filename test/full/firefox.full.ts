/**
 * Threads in Firefox, in pages with and without cross-origin isolation: one, two and three threads
 * compute the same, to the last bit, and the same as in Node.
 */
import { join } from 'node:path';
import { type Alone, firefoxAlone, openAlone, openListener } from '@lamella/hosts/alone';
import { serve } from '@lamella/hosts/serve';
import { openPackage } from 'lamella/open-package';
import { type Scratch, scratch, writeGraph } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';

let home: Scratch;
const folder = (quant: string) => join(home.path, quant);
beforeAll(async () => {
  home = await scratch();
  const graph = await writeGraph(home.path, 'wide', (text) =>
    text
      .replace('t: 16, d: 16, ff: 24, vocab: 50', 't: 100, d: 64, ff: 96, vocab: 200')
      .replace('headDim: 4', 'headDim: 16'),
  );
  for (const quant of ['f32', 'q4']) {
    const options = ['--weights', 'random:1', '--quant', quant, '--out', folder(quant)];
    const { code, stderr } = await home.lamella('compile', graph, ...options);
    expect(code, stderr).toBe(0);
  }
});
afterAll(() => home.remove());

const tokens = Array.from({ length: 75 }, (_, i) => (i * 37) % 200);

/** The results of a page with some number of threads. */
interface Found {
  readonly threads: number;
  readonly kernels: string;
  readonly why: string;
  readonly generated: readonly number[];
  /** f32 [vocab], after each of `tokens`. */
  readonly logits: readonly (readonly number[])[];
}

const page = `<!doctype html><script type="module">
  const { order, answerTo } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const work = async () => {
    const { load } = await import('/package/index.js');
    const found = [];
    for (const threads of order.threads) {
      const model = await load(undefined, { threads });
      const generation = model.generate(order.tokens, { maxTokens: 20 });
      for await (const _ of generation);
      const logits = (await model.logitsAll(order.tokens)).map((row) => [...row]);
      found.push({ ...model.running, generated: generation.tokens, logits });
      model.dispose();
    }
    return found;
  };
  const answer = await work().then((said) => ({ said }), (error) => ({ failed: String(error) }));
  await fetch(answerTo, { method: 'POST', body: JSON.stringify(answer) });
</script>`;

async function visit(browser: Alone, quant: string, isolated: boolean, threads: readonly number[]): Promise<Found[]> {
  const site = await serve({ '/': { text: page }, '/package/': { folder: folder(quant) } }, { isolated });
  const listener = await openListener<Found[]>(120_000);
  try {
    return await openAlone(browser, `${site.origin}/#${listener.hash({ tokens, threads })}`, () => listener.said);
  } finally {
    listener.close();
    await site.close();
  }
}

test.each(['f32', 'q4'])('%s: one, two and three threads, to the last bit', async (quant) => {
  const model = await openPackage(folder(quant), { threads: 1 });
  const logits = (await model.logitsAll(tokens)).map((row) => [...row]);
  const generation = model.generate(tokens, { maxTokens: 20 });
  for await (const _ of generation);
  const found = await visit(firefoxAlone, quant, true, [1, 2, 3]);
  expect(found.map(({ threads }) => threads)).toEqual([1, 2, 3]);
  expect(found.map(({ kernels }) => kernels.includes('threads'))).toEqual([false, true, true]);
  for (const each of found) expect(each).toMatchObject({ generated: generation.tokens, logits });
});

test('a page that is not isolated computes on one thread, and says why', async () => {
  const [found] = await visit(firefoxAlone, 'q4', false, [2]);
  expect(found!.threads).toBe(1);
  expect(found!.kernels).not.toContain('threads');
  expect(found!.why).toContain('cross-origin isolated');
});
