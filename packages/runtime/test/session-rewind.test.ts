/**
 * A session goes back to an earlier token as far as sliding windows allow, and says how far that
 * is.
 */
import { expect, test } from 'vitest';
import type { Ring } from '../src/manifest/manifest.ts';
import { readManifest } from '../src/manifest/manifest-file.ts';
import { Sequence } from '../src/model/sequence.ts';
import { Session } from '../src/model/session.ts';
import { loadWasm } from '../src/wasm/driver.ts';
import { expectedLogits, fromMap, toyFiles } from './toy-package.ts';

async function open(rings: readonly (Ring | null)[] | undefined) {
  const files = fromMap(await toyFiles());
  const manifest = await readManifest(files);
  const driver = await loadWasm(manifest, files);
  return { driver, session: new Session(rings ? { ...manifest, rings } : manifest, driver) };
}

test('without windows, to any token', async () => {
  const { driver, session } = await open(undefined);
  await session.prefill([1, 2, 3, 4, 5]);
  session.rewind(2);
  expect(session.position).toBe(2);
  session.decode(7);
  expect([...driver.logits]).toEqual(expectedLogits([1, 2, 7]));
  expect(() => session.rewind(4)).toThrow('L408 position must be a whole number from 0 to 3, not 4.');
  expect(() => session.rewind(1.5)).toThrow('L408');
  session.reset();
  expect(session.position).toBe(0);
});

test('with a window, as far as its ring is longer than it and than what a GPU runs ahead', async () => {
  // 40 - 20 - 16
  const { session } = await open([null, { positions: 40, window: 20, of: 'attention' }, null]);
  await session.prefill([1, 2, 3, 4, 5, 6, 7, 8]);
  session.rewind(4);
  session.decode(1);
  // what lies behind 8 has overwritten as much as before
  expect(() => session.rewind(3)).toThrow(
    'L445 the sequence cannot return to 3 tokens: it reached 8, and the sliding windows of this model keep enough for 4 tokens back. Try an empty sequence, and its first tokens again',
  );
  expect(session.position).toBe(5);
  session.rewind(4);
  session.reset();
  await session.prefill([1, 2, 3]);
  session.rewind(1);
  expect(session.position).toBe(1);
});

test('a copy of a sequence goes back no farther than the sequence itself', async () => {
  const { session } = await open([{ positions: 40, window: 20, of: 'attention' }]);
  await session.prefill([1, 2, 3, 4, 5, 6, 7, 8]);
  session.rewind(5);
  const own = session.sequence;
  const copy = new Sequence(session.context);
  const state = await session.save();
  await session.replace(copy, own.ids.subarray(0, own.length), state, own.farthest);
  await session.use(copy, () => true);
  expect(() => session.rewind(3)).toThrow('it reached 8');
  session.rewind(4);
});
