import { expect, test } from 'vitest';
import type { Contender } from '../src/contender.ts';
import { patient, within } from '../src/patience.ts';
import { measure } from '../src/rounds.ts';

const never = () => new Promise<never>(() => {});
function contender(change: Partial<Contender>): Contender {
  const generate = async () => ({ firstMs: 1, tokenMs: [] });
  return { generate, logits: async () => [1], close: async () => {}, ...change };
}

test('work that takes too long is given up', async () => {
  await expect(within(never(), 10)).rejects.toThrow('no answer in 0.01 s');
  expect(await within(Promise.resolve(3), 10)).toBe(3);
});

test('a contender that hangs is closed and not called again', async () => {
  let [closed, asked] = [0, 0];
  const hanging = patient(
    contender({
      generate: () => {
        asked++;
        return never();
      },
      close: async () => void closed++,
    }),
    10,
  );
  expect(await hanging.logits([])).toEqual([1]);
  await expect(hanging.generate([], 1)).rejects.toThrow('no answer');
  await expect(hanging.generate([], 1)).rejects.toThrow('no answer');
  await expect(hanging.logits([])).rejects.toThrow('no answer');
  expect([closed, asked]).toEqual([1, 1]);
});

test('earlier samples, and those of others, are kept', async () => {
  let calls = 0;
  const measurement = (name: string, once: () => Promise<number>) =>
    ({ contender: name, work: 'decode', threads: 1, unit: 'tokens/s', once }) as const;
  const { series, failures } = await measure(
    [
      measurement('steady', async () => 5),
      measurement('failing', async () => {
        if (++calls === 2) throw new Error('out of memory\nat somewhere');
        return calls;
      }),
    ],
    2,
    () => {},
  );
  expect(series.map(({ samples }) => samples)).toEqual([
    [5, 5],
    [1, null],
  ]);
  expect(failures).toEqual([{ what: 'failing, decode, 1 thread, round 2', reason: 'out of memory' }]);
});
