/**
 * Measures packages in a page that someone opens: in headless Chromium, which `chromium.ts` starts,
 * or on a phone in the same network. The page asks for orders and answers them (`page.ts`), so it
 * needs nothing but the address. Each package is loaded from a new URL with an empty cache, into a
 * worker; loading ends when the model can generate, so it includes starting that worker.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';
import { type ServeOptions, serve } from '@lamella/hosts/serve';
import { build } from 'esbuild';
import type { Package } from '../api/model.ts';
import type { DeviceProfile, MeasuringHost, ReadSpeed } from '../contract.ts';
import { checkPackage } from '../package/open-package.ts';
import { errorOf } from '../serve/failure.ts';
import type { Host, Measured, Subject } from './host.ts';
import type { Answer, Order, Request, Shown, Task } from './orders.ts';
import { pageSource } from './page.ts';

/** A page waits this long for an order before it asks again: some networks end silent requests. */
const HOLD_MS = 20_000;

export interface PageHost extends Host {
  /** The address of the page, with a secret, since anyone in the network can send requests. */
  readonly address: string;
  /** Resolves when a page has come. */
  readonly here: Promise<void>;
  show(shown: Shown): Promise<void>;
}

/** Serves the page. `options` are those of the server: its address, and a certificate. */
export async function pageHost(name: MeasuringHost, options: ServeOptions = {}): Promise<PageHost> {
  const packages = await mkdtemp(join(tmpdir(), 'lamella-pages-'));
  const script = await pageScript();
  const orders = new Orders();
  const before = (path: string, request: IncomingMessage, response: ServerResponse): boolean => {
    if (path === '') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(html);
    } else if (path === 'page.js') {
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
      response.end(script);
    } else if (path === 'orders' && request.method === 'POST') {
      orders.answer(request, response).catch(() => response.destroy());
    } else return false;
    return true;
  };
  const secret = `/${randomBytes(9).toString('base64url')}/`;
  const site = await serve({ [secret]: { folder: packages, before } }, options);
  let opened = 0;
  return {
    name,
    address: site.origin + secret,
    here: orders.here,
    about: () => orders.give<Pick<DeviceProfile, 'device' | 'engine' | 'cores'>>({ kind: 'about' }),
    reads: (work) => orders.give<readonly ReadSpeed[]>({ kind: 'reads', work }),
    show: async (shown) => {
      await orders.give({ kind: 'show', shown });
    },
    async open(model, on): Promise<Subject> {
      const subject = opened++;
      const { folder, remove } = await folderOf(model);
      await checkPackage(folder, on.device);
      // 'junction' matters only on Windows, where other links need a permission.
      await symlink(resolve(folder), join(packages, String(subject)), 'junction');
      const loaded = await orders.give<Pick<Subject, 'manifest' | 'running' | 'loadMs'>>({
        ...{ kind: 'open', subject, package: String(subject), on },
      });
      return {
        ...loaded,
        run: (work) => orders.give<Measured>({ kind: 'run', subject, work }),
        close: async () => {
          await orders.give({ kind: 'close', subject });
          await remove();
        },
      };
    },
    close: async () => {
      await site.close();
      await rm(packages, { recursive: true, force: true });
    },
  };
}

/** Hands orders to one page, and its answers to the callers of `give`. */
class Orders {
  readonly here: Promise<void>;
  #arrived = () => {};
  #visit: string | null = null;
  #last = 0;
  /** Why no page answers any more. */
  #gone: LamellaError | null = null;
  readonly #waiting: Order[] = [];
  readonly #given = new Map<number, { resolve(value: unknown): void; reject(cause: unknown): void }>();
  /** Answers the request of a page that has nothing to do. */
  #idle: ((order: Order | null) => void) | null = null;

  constructor() {
    this.here = new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }

  /** Resolves with the page's answer. Rejects with its failure, and with L307 if the page has gone. */
  give<T>(task: Task): Promise<T> {
    if (this.#gone) return Promise.reject(this.#gone);
    const order: Order = { ...task, id: ++this.#last };
    return new Promise<T>((resolve, reject) => {
      this.#given.set(order.id, { resolve: (value) => resolve(value as T), reject });
      this.#waiting.push(order);
      this.#hand();
    });
  }

  /** A request of the page: takes its answer, and waits for an order. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { visit, answer, leaves } = JSON.parse(await textOf(request)) as Request;
    if (leaves && visit === this.#visit) this.#leave('the page was closed or reloaded');
    else if (this.#visit !== null && visit !== this.#visit) this.#leave('the page was opened again');
    this.#visit ??= visit;
    if (this.#gone) return void response.writeHead(410).end();
    this.#arrived();
    if (answer) this.#settle(answer);
    const order = await new Promise<Order | null>((resolve) => {
      const timer = setTimeout(() => this.#idle?.(null), HOLD_MS);
      this.#idle = (next) => {
        clearTimeout(timer);
        this.#idle = null;
        resolve(next);
      };
      response.once('close', () => this.#idle?.(null));
      this.#hand();
    });
    if (order === null) response.writeHead(204).end();
    else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(order));
  }

  #hand(): void {
    if (this.#idle && this.#waiting.length > 0) this.#idle(this.#waiting.shift()!);
  }

  #settle(answer: Answer): void {
    const given = this.#given.get(answer.id);
    this.#given.delete(answer.id);
    if ('failed' in answer) given?.reject(errorOf(answer.failed));
    else given?.resolve(answer.value);
  }

  #leave(reason: string): void {
    const remedy = 'the same command again, with the page open until the end';
    this.#gone ??= new LamellaError('L307', { name: 'page', reason, remedy });
    for (const { reject } of this.#given.values()) reject(this.#gone);
    this.#given.clear();
    this.#idle?.(null);
  }
}

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lamella measures this device</title>
<style>
  body { font: 1.1rem/1.5 system-ui; margin: 1rem auto; max-width: 40rem; padding: 0 1rem; }
  progress { width: 100%; }
  pre { overflow-x: auto; font-size: 0.8rem; }
</style>
<h1>Lamella measures this device</h1>
<p role="status">starting</p>
<progress aria-label="done"></progress>
<pre></pre>
<p>Keep this page open and in front until the end.</p>
<script type="module" src="page.js"></script>
</html>
`;

/** The script of the page, from its module. */
async function pageScript(): Promise<string> {
  const path = fileURLToPath(pageSource);
  const { outputFiles } = await build({
    stdin: {
      contents: `import { takeOrders } from ${JSON.stringify(path)};\ntakeOrders();`,
      resolveDir: dirname(path),
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

/** The folder of a package. For one in memory it is temporary. */
async function folderOf(model: Package | string): Promise<{ folder: string; remove(): Promise<void> }> {
  if (typeof model === 'string') return { folder: model, remove: async () => {} };
  if ('folder' in model) return folderOf(model.folder);
  const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
  for (const [name, content] of Object.entries(model.files)) await writeFile(join(folder, name), content);
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
