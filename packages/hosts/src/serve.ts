/**
 * A static file server on localhost, for pages that load packages in a real browser. It sends the
 * headers that make a page cross-origin isolated (threads need it), or leaves them out, as most
 * hosts on the web do.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';

/**
 * Served content: a folder on disk; one text (a page or a script), whose type follows from its
 * path; or a function that answers, for example by breaking off. For a folder, `before` receives
 * every request for one of its files first, and returns whether it has answered it.
 */
export type Content =
  | {
      readonly folder: string;
      readonly before?: (file: string, request: IncomingMessage, response: ServerResponse) => boolean;
    }
  | { readonly text: string }
  | { readonly answer: (response: ServerResponse) => void };

export interface Site {
  /** `http://HOST:PORT`, or with `https`, without a slash at the end. */
  readonly origin: string;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** Sends COOP and COEP, so that pages have `SharedArrayBuffer`. Default true. */
  readonly isolated?: boolean;
  /** The name or address to listen on. Default `localhost`. */
  readonly host?: string;
  /** The port. Default: any free port. */
  readonly port?: number;
  /** Additional headers of every answer, such as a policy. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Sends ETags, and 304 if the request has the current one. Default false, like simple servers for
   * tests and demonstrations.
   */
  readonly validators?: boolean;
  /** A certificate and its key, in PEM: the site is then served over HTTPS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
};

/**
 * Serves `content` by path: a text or an answer at exactly its path, a folder at every path below
 * its own (`/package/` -> files in it; a path that ends in a slash is its `index.html`). Longer
 * paths have precedence.
 */
export async function serve(
  content: Readonly<Record<string, Content>>,
  { isolated = true, host = 'localhost', port = 0, headers = {}, validators = false, tls }: ServeOptions = {},
): Promise<Site> {
  const mounts = Object.entries(content).sort(([a], [b]) => b.length - a.length);
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const path = pathOf(request.url ?? '/');
    if (path === null) return refuse(response, 400);
    const found = mounts.find(([at, what]) => ('folder' in what ? path.startsWith(at) : path === at));
    if (!found) return refuse(response, 404);
    const [at, what] = found;
    if ('folder' in what) {
      const name = path.slice(at.length);
      if (what.before?.(name, request, response)) return;
      return file(what.folder, name, { request, response, validators });
    }
    if ('answer' in what) return what.answer(response);
    response.setHeader('Content-Type', types[extname(path)] ?? types['.html']!);
    response.end(what.text);
  };
  const server = tls ? createSecureServer(tls, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    origin: `${tls ? 'https' : 'http'}://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly validators: boolean;
}

/** Sends a file, or the rest of it from the first byte of `Range`. */
async function file(folder: string, name: string, { request, response, validators }: Exchange): Promise<void> {
  const path = join(folder, name === '' || name.endsWith('/') ? `${name}index.html` : name);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile() || !path.startsWith(join(folder, sep))) return refuse(response, 404);
  const tag = `"${found.size}-${found.mtimeMs}"`;
  if (validators) {
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] === tag) {
      response.statusCode = 304;
      response.end();
      return;
    }
  }
  response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
  const condition = request.headers['if-range'];
  const asked =
    condition === undefined || condition === tag ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '') : null;
  const start = Number(asked?.[1] ?? 0);
  if (asked && start >= found.size) {
    response.statusCode = 416;
    response.end();
    return;
  }
  if (asked) {
    response.statusCode = 206;
    response.setHeader('Content-Range', `bytes ${start}-${found.size - 1}/${found.size}`);
  }
  response.setHeader('Content-Length', found.size - start);
  createReadStream(path, { start })
    .on('error', () => response.destroy())
    .pipe(response);
}

/** The decoded path of an address; null if it is malformed. */
function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null;
  }
}

/** Ends the answer without content. */
function refuse(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end();
}
