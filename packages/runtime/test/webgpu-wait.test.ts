/**
 * Empty submissions while waiting for a GPU: in Firefox by timers, until the work is done or has
 * failed; in other browsers none.
 */
import { afterEach, expect, test } from 'vitest';
import { waitForGpu } from '../src/gpu/wait.ts';

const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
afterEach(() => {
  if (own) Object.defineProperty(globalThis, 'navigator', own);
  else Reflect.deleteProperty(globalThis, 'navigator');
});

/**
 * The submissions of a browser until `done` settles, which may wait for the third submission. Fails
 * if another one follows within 20 ms.
 */
async function submitted(
  userAgent: string,
  done: (third: Promise<void>) => Promise<void>,
): Promise<readonly unknown[]> {
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent }, configurable: true });
  const all: unknown[] = [];
  let reached = () => {};
  const third = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const submit = (commands: unknown) => {
    if (all.push(commands) === 3) reached();
  };
  await waitForGpu({ queue: { submit } } as unknown as GPUDevice, done(third)).catch(() => {});
  const meanwhile = [...all];
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(all).toEqual(meanwhile);
  return meanwhile;
}

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

test('in Firefox, one after the other', async () => {
  const empty = await submitted(firefox, (third) => third);
  expect(empty.length).toBeGreaterThan(2);
  expect(empty.every((commands) => Array.isArray(commands) && commands.length === 0)).toBe(true);
});

test('in Firefox, until it fails', async () => {
  const failing = (third: Promise<void>) => third.then(() => Promise.reject(new Error('lost')));
  expect((await submitted(firefox, failing)).length).toBeGreaterThan(2);
});

test('elsewhere none', async () => {
  const later = () => new Promise<void>((resolve) => setTimeout(resolve, 60));
  expect(await submitted(chrome, later)).toEqual([]);
});
