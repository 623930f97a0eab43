/** The page's address contains the chosen settings. */
import { expect, test } from 'vitest';
import { addressOf, type Settings, settingsOf } from '../src/settings.ts';

const page = 'https://example.org/below/a/path/?device=wasm#x';
const nothing: Settings = { package: null, device: 'auto', threads: null };

test.each<Settings>([
  nothing,
  { package: 'https://example.org/p/?a=1&b', device: 'webgpu', threads: 3 },
  { ...nothing, package: '../other model' },
])('%o is what its address says', (settings) => {
  expect(settingsOf(addressOf(settings, page))).toEqual(settings);
});

test('an address without choices has no query', () => {
  expect(addressOf(nothing, page)).toBe('https://example.org/below/a/path/#x');
});

test('invalid choices are ignored', () => {
  expect(settingsOf('https://example.org/?package=&device=abacus&threads=-2')).toEqual(nothing);
});
