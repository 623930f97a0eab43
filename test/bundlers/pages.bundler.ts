/**
 * An app with four packages, made with each bundler and without one: no configuration, and in
 * Chromium the same tokens as in Node. Where a bundler needs a line of configuration
 * (docs/embedding.md), the test uses that line.
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { type ServeOptions, serve } from '@lamella/hosts/serve';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Packages, packages } from './packages.ts';
import { type Project, project } from './project.ts';

type Page = Awaited<ReturnType<Awaited<ReturnType<typeof launchChromium>>['newPage']>>;

/** The results that the app leaves for the test. */
declare global {
  var answers: Promise<Record<string, { tokens: number[]; threads: number; why: string }>>;
  var folders: string;
  var mounts: string[];
  var inOwnWorker: () => Promise<{ tokens: number[] }>;
}

let packed: Packages;
let browser: Awaited<ReturnType<typeof launchChromium>>;
beforeAll(async () => {
  packed = await packages();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await packed?.remove();
});

const files = { 'app/app.js': 'app.js', 'app/main.js': 'main.js', 'app/own-worker.js': 'own-worker.js' };
const html = { 'app/index.html': 'index.html' };

/** The answers of the app at `url`, or the message of its failure; `ask` may request more. */
async function visit<T>(url: string, ask?: (page: Page) => Promise<T>) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    await page.waitForFunction(() => 'answers' in globalThis);
    const said = await page.evaluate(() => globalThis.answers.catch((error) => String(error.message)));
    return { said, asked: await ask?.(page) };
  } finally {
    await page.close();
  }
}

/** The same for a folder, served to a cross-origin isolated page, where threads compute. */
async function visitFolder(folder: string, path = '/', options: ServeOptions = {}) {
  const site = await serve({ '/': { folder } }, options);
  try {
    return await visit(`${site.origin}${path}`);
  } finally {
    await site.close();
  }
}

/** Expects Node's tokens, computed by this many threads. */
function expectAnswers(said: Awaited<ReturnType<typeof visit>>['said'], threads = 2): void {
  if (typeof said === 'string') expect.fail(said);
  const tokens = Object.fromEntries(Object.entries(said).map(([name, { tokens }]) => [name, tokens]));
  expect(tokens).toEqual(packed.answers);
  expect(Object.values(said).map(({ threads }) => threads)).toEqual(Object.keys(said).map(() => threads));
}

/** Expects no warnings of a bundler about the packages' imports. */
function expectNoRemarks({ stdout, stderr }: Awaited<ReturnType<Project['run']>>): void {
  expect(stdout + stderr).not.toMatch(/resolve|critical|not found|externaliz|import\.meta/i);
}

const askOwnWorker = (page: Page) => page.evaluate(() => globalThis.inOwnWorker());

describe('Vite', () => {
  let vite: Project;
  beforeAll(async () => {
    const strict = { 'app/strict-mode.js': 'strict-mode.js', 'app/strict-mode.html': 'strict-mode.html' };
    vite = await project('vite', packed.tarballs, { ...files, ...html, ...strict });
  });

  test('build', async () => {
    expectNoRemarks(await vite.run('vite', 'build', 'app'));
    const site = await serve({ '/': { folder: join(vite.path, 'app/dist') } });
    const { said, asked } = await visit(`${site.origin}/`, askOwnWorker);
    expectAnswers(said);
    expect(asked).toEqual({ tokens: packed.answers.bare });
    await site.close();
  });

  test('dev', async () => {
    await vite.serving('vite', ['app', '--strictPort'], async (origin) => {
      const { said, asked } = await visit(origin, askOwnWorker);
      expectAnswers(said, 1);
      expect(asked).toEqual({ tokens: packed.answers.bare });
    });
  });

  test("React's StrictMode in dev: mount, abort, mount", async () => {
    await vite.serving('vite', ['app', '--strictPort'], async (origin) => {
      const page = await browser.newPage();
      await page.goto(`${origin}/strict-mode.html`);
      expect(await page.locator('output').textContent()).toBe(packed.answers.bare.join(' '));
      expect(await page.evaluate(() => globalThis.mounts)).toEqual(['abort', 'length']);
      await page.close();
    });
  });

  test("build, of the code for bundlers in a package's README", async () => {
    const text = await readFile(join(packed.folder, 'lamella-text/README.md'), 'utf8');
    const [, , code] = text.split('```js\n').map((part) => part.split('```')[0]!);
    const app = join(vite.path, 'app');
    await writeFile(join(app, 'readme.js'), code!);
    await writeFile(join(app, 'index.html'), '<output></output><script type="module" src="./readme.js"></script>');
    await vite.run('vite', 'build', 'app', '--outDir', 'readme');
    await cp(join(import.meta.dirname, 'app/index.html'), join(app, 'index.html'));
    const site = await serve({ '/': { folder: join(app, 'readme') } });
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction((text) => document.querySelector('output')!.textContent === text, packed.hello);
    await page.close();
    await site.close();
  });

  // Vite inlines small files into URLs, which a policy may forbid to load.
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'";
  const under = (more: string) =>
    visitFolder(join(vite.path, 'app/dist'), '/', { headers: { 'Content-Security-Policy': `${policy}; ${more}` } });

  test('in a page with a strict policy that requires Trusted Types', async () => {
    expectAnswers((await under('trusted-types lamella')).said);
  });

  test.each(["trusted-types 'none'", "trusted-types lamella; worker-src 'none'"])(
    'under %s it says what to allow',
    async (more) => {
      expect((await under(more)).said).toMatch(
        /^L439 .* forbids http.*worker.*Try .*worker-src 'self' blob:.*trusted-types lamella/,
      );
    },
  );
});

test('webpack, for production', async () => {
  const webpack = await project('webpack', packed.tarballs, files);
  expectNoRemarks(await webpack.run('webpack', './app/main.js', '--mode', 'production', '-o', 'dist'));
  await writeFile(join(webpack.path, 'dist/index.html'), '<!doctype html><script src="main.js"></script>');
  const site = await serve({ '/': { folder: join(webpack.path, 'dist') } });
  const { said, asked } = await visit(`${site.origin}/`, askOwnWorker);
  expectAnswers(said);
  expect(asked).toEqual({ tokens: packed.answers.bare });
  await site.close();
});

describe('Next, with its App Router: in a client component, which a server renders first, and in a route on the server', () => {
  const sources = {
    'app/answers.js': 'app.js',
    'app/page.js': 'next-page.js',
    'app/layout.js': 'next-layout.js',
    'app/api/route.js': 'next-route.js',
  };

  test('Turbopack', async () => {
    const next = await project('next', packed.tarballs, sources);
    expectNoRemarks(await next.run('next', 'build'));
    await next.serving('next', ['start'], async (origin) => {
      expectAnswers((await visit(origin)).said, 1);
      expectAnswers(await (await fetch(`${origin}/api`)).json());
    });
  });

  test('webpack, which loses the files on the server and says so', async () => {
    const next = await project('next', packed.tarballs, sources);
    expectNoRemarks(await next.run('next', 'build', '--webpack'));
    await next.serving('next', ['start'], async (origin) => {
      expectAnswers((await visit(origin)).said, 1);
      const { error } = await (await fetch(`${origin}/api`)).json();
      expect(error).toMatch(/^L438 .*Try load\('\/FOLDER\/'\).*Next: serverExternalPackages/);
    });
  });
});

test('Parcel', async () => {
  const parcel = await project('parcel', packed.tarballs, { ...files, ...html });
  expectNoRemarks(await parcel.run('parcel', 'build', 'app/index.html'));
  expectAnswers((await visitFolder(join(parcel.path, 'dist'))).said);
});

describe('esbuild and Rollup, which omit the files: the packages are copied beside the page', () => {
  /**
   * Writes a page for each script below `dist` and copies the packages beside them; the addresses
   * are not passed to `bare`.
   */
  async function pages(dist: string, script: string): Promise<void> {
    for (const name of ['bare', 'gpu', 'text', 'text-gpu'])
      await cp(join(packed.folder, `lamella-${name}`), join(dist, 'models', `lamella-${name}`), { recursive: true });
    const page = (head: string) => `<!doctype html>${head}<script type="module" src="${script}"></script>`;
    await writeFile(join(dist, 'bare.html'), page(''));
    await writeFile(join(dist, 'index.html'), page('<script>folders = "/models/"</script>'));
  }

  test.each([
    [
      'esm',
      /^L436 the model's worker cannot be started: http.*\/worker\.js \(the server answers 404\)\. Try copying the package's folder/,
    ],
    ['iife', /^L438 the package's files cannot be found from here: .*Try load\('\/FOLDER\/'\)/],
  ])('esbuild, %s', async (format, told) => {
    const esbuild = await project('esbuild', packed.tarballs, files);
    const dist = join(esbuild.path, 'dist');
    expectNoRemarks(
      await esbuild.run(
        'esbuild',
        'app/main.js',
        '--bundle',
        `--format=${format}`,
        '--log-override:empty-import-meta=silent',
        '--outdir=dist',
      ),
    );
    await pages(dist, 'main.js');
    expect((await visitFolder(dist, '/bare.html')).said).toMatch(told);
    expectAnswers((await visitFolder(dist)).said);
  });

  test('Rollup', async () => {
    const rollup = await project('rollup', packed.tarballs, files);
    const dist = join(rollup.path, 'dist');
    expectNoRemarks(await rollup.run('rollup', 'app/main.js', '-p', 'node-resolve', '-f', 'es', '-d', 'dist'));
    await pages(dist, 'main.js');
    expect((await visitFolder(dist, '/bare.html')).said).toMatch(/^L436 .*Try copying the package's folder/);
    expectAnswers((await visitFolder(dist)).said);
  });
});

describe('without a bundler', () => {
  /** The app's module, with addresses in place of names. */
  async function page(origin: string): Promise<string> {
    const app = await readFile(new URL('app/app.js', import.meta.url), 'utf8');
    const addressed = app.replace(/from '(lamella-[\w-]+)'/g, `from '${origin}/$1/index.js'`);
    return `<!doctype html><script type="module">${addressed}\nglobalThis.answers = answers();</script>`;
  }

  test('from the same server, below any path', async () => {
    const site = await serve({
      '/app/': { text: await page('/some/where') },
      '/some/where/': { folder: packed.folder },
    });
    expectAnswers((await visit(`${site.origin}/app/`)).said);
    await site.close();
  });

  test.each(['without a policy', 'under the policy that docs/embedding.md names'])(
    'from another origin, as a CDN is, %s',
    async (policy) => {
      const headers = { 'Access-Control-Allow-Origin': '*' };
      const cdn = await serve({ '/': { folder: packed.folder } }, { isolated: false, headers });
      const docs = await readFile(new URL('../../docs/embedding.md', import.meta.url), 'utf8');
      const [named] = /script-src [^`]*https:[^`]*/.exec(docs)!;
      const allowed = named
        .replaceAll('https://cdn.example.com', cdn.origin)
        .replace("'self'", "'self' 'unsafe-inline'");
      const site = await serve(
        { '/': { text: await page(cdn.origin) } },
        { headers: policy.startsWith('under') ? { 'Content-Security-Policy': allowed } : {} },
      );
      expectAnswers((await visit(`${site.origin}/`)).said);
      await site.close();
      await cdn.close();
    },
  );
});
