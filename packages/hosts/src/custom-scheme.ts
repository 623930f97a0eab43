/**
 * Pages with a scheme other than HTTP, like those of a native app's WebView
 * (`capacitor://localhost` on iOS). In Chromium only extensions have such pages. As in the WebView,
 * files come from the device and not from a server, the Cache API refuses requests of the scheme,
 * no header makes the page cross-origin isolated, and a strict policy forbids inline scripts.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { chromiumPath, switches } from './chromium.ts';

export interface Shell {
  readonly context: BrowserContext;
  /** `chrome-extension://ID`, without a slash at the end. */
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Opens a browser with the files of `folder` at `origin`. `options` are those of a Playwright
 * context.
 */
export async function openShell(
  folder: string,
  options: Pick<
    NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>,
    'viewport' | 'hasTouch' | 'isMobile'
  >,
): Promise<Shell> {
  const place = await mkdtemp(join(tmpdir(), 'lamella-shell-'));
  const extension = join(place, 'extension');
  await cp(folder, extension, { recursive: true });
  // An extension's id is the hash of its key, in letters from a to p.
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  const id = [...hash].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join('');
  const manifest = {
    manifest_version: 3,
    name: 'shell',
    version: '1',
    key: key.toString('base64'),
    content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'" },
  };
  await writeFile(join(extension, 'manifest.json'), JSON.stringify(manifest));
  const context = await chromium.launchPersistentContext(join(place, 'profile'), {
    ...options,
    executablePath: chromiumPath(),
    headless: true,
    args: [...switches, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
  });
  return {
    context,
    origin: `chrome-extension://${id}`,
    async close() {
      await context.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}
