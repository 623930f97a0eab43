/**
 * The server of `lamella dev`: the studio's build, the graph file in both directions, and weights.
 * It listens on this machine alone. Any page in the user's browser can send requests there, so
 * every request must have this server's own Host (a foreign name could be made to resolve to this
 * machine), and a write this server's own Origin. Other users of this machine can send any headers,
 * so the address has a secret, as Jupyter's has: what is written is run as a program.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { LIVE, type LiveGraph } from '@lamella/dsl/live';
import { LamellaError } from '@lamella/graph/diagnostics';
import { serve } from '@lamella/hosts/serve';
import type { GraphOnDisk } from './graph-on-disk.ts';
import { WeightsForPage } from './weights-for-page.ts';

const HOST = '127.0.0.1';
/** A graph file has some kilobytes. */
const MOST_BYTES = 4 << 20;

const headers = {
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

export interface StudioSite {
  /** The address of the page, with the secret. */
  readonly address: string;
  close(): Promise<void>;
}

/** Serves the build in the folder `studio` for `onDisk`. */
export async function serveStudio(studio: string, onDisk: GraphOnDisk): Promise<StudioSite> {
  const spec = onDisk.graph.weights;
  const weights = spec === null ? null : new WeightsForPage(spec, onDisk);
  let origin = '';
  const before = (path: string, request: IncomingMessage, response: ServerResponse): boolean => {
    const isOurs = request.headers.host === new URL(origin).host;
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    if (!isOurs || (isWrite && request.headers.origin !== origin)) {
      end(response, 403, `this address is for the page at ${origin} alone`);
      return true;
    }
    const answer = answers[`${request.method} ${path}`];
    if (!answer && !isWrite) return false;
    if (!answer) {
      end(response, 405, 'there is nothing to write here');
      return true;
    }
    answer(request, response).catch((error: Error) =>
      end(response, error instanceof LamellaError ? 422 : 500, error.message),
    );
    return true;
  };
  const page = async (_: IncomingMessage, response: ServerResponse) => {
    const html = readFileSync(join(studio, 'index.html'), 'utf8');
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(html.replace('<head>', `<head><meta name="${LIVE}" content="live/">`));
  };
  const answers: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>> = {
    'GET ': page,
    'GET index.html': page,
    'GET live/graph': async (request, response) => sendChanges(onDisk, request, response),
    'PUT live/graph': async (request, response) => {
      const bytes = await atMost(MOST_BYTES, request);
      if (!bytes) return end(response, 413, 'the file is too large');
      const text = utf8(bytes);
      if (text === null) return end(response, 400, 'the text is not UTF-8');
      const written = await onDisk.write(text, Number(search(request, 'revision')));
      json(response, written);
    },
    'GET live/weights': async (request, response) => {
      if (!weights) return end(response, 404, 'lamella dev has no --weights');
      const revision = Number(search(request, 'revision'));
      const index = search(request, 'tensor');
      if (index === null) return json(response, await weights.tokenizer(revision));
      response.setHeader('Content-Type', 'application/octet-stream');
      response.end(await weights.tensor(revision, Number(index)));
    },
  };
  const folder = `/${randomBytes(16).toString('hex')}/`;
  const site = await serve({ [folder]: { folder: studio, before } }, { host: HOST, headers });
  origin = site.origin;
  return {
    address: origin + folder,
    async close() {
      await site.close();
      await weights?.close();
    },
  };
}

/** The body of a request; null if it is longer. A chunked body does not say its length. */
async function atMost(most: number, request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let count = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    count += chunk.length;
    if (count > most) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The text of a file, of which a byte order mark is a part; null if the bytes are not UTF-8. */
function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Server-sent events: the graph now, and after each change. */
function sendChanges(onDisk: GraphOnDisk, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/event-stream');
  const send = (graph: LiveGraph) => response.write(`data: ${JSON.stringify(graph)}\n\n`);
  send(onDisk.graph);
  request.on('close', onDisk.listen(send));
}

function search(request: IncomingMessage, name: string): string | null {
  return new URL(request.url ?? '/', 'http://localhost').searchParams.get(name);
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

function end(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy();
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(message);
}
