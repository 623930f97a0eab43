/**
 * The HTTP side of `lamella serve`: addresses, keys, limits, and the bytes of answers. The thread
 * of the model reads the bodies, so that a long one delays no other answer.
 *
 * Any page may use the server (CORS): it has no state that one client could read of another, and a
 * key if one was given.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { LamellaError } from '@lamella/graph/diagnostics';
import { Metrics } from './metrics.ts';
import type { ModelThread } from './model-thread.ts';
import type { AskedKind, Said } from './protocol.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly sessions: number;
  /** null needs no key. */
  readonly apiKey: string | null;
}

export interface HttpSite {
  /** `http://HOST:PORT` */
  readonly origin: string;
  /** Takes no more requests; ends those that have no answer after `patienceMs`. */
  close(patienceMs: number): Promise<void>;
}

/** 2,048 prompts of 2,048 ids have 25 MB, but no request computes them in its time. */
const MOST_BYTES = 8 << 20;
/** Bodies that wait for the model are in memory. */
const MOST_WAITING = 256;
/** Time for a client to send its headers, and its whole request. */
const HEADERS_MS = 15_000;
const REQUEST_MS = 60_000;

const asked: Readonly<Record<string, AskedKind>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
};

/** Listens. Throws L305 if it cannot. */
export async function listen(thread: ModelThread, options: HttpOptions): Promise<HttpSite> {
  const metrics = new Metrics(thread.loaded, options.sessions);
  const site = new Site(thread, metrics, options.apiKey);
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
    (request, response) => site.answer(request, response),
  );
  server.on('clientError', refuseBytes);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(notListening(cause, options)));
    server.listen(options.port, options.host, resolve);
  });
  const { address, family, port } = server.address() as AddressInfo;
  return {
    origin: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close(patienceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      site.stop();
      // A connection whose answer began before this stays open for a further request.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const late = setTimeout(() => server.closeAllConnections(), patienceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(late);
    },
  };
}

function notListening(cause: NodeJS.ErrnoException, { host, port }: HttpOptions): Error {
  switch (cause.code) {
    case 'EADDRINUSE':
      return new LamellaError('L305', {
        option: '--port',
        reason: `${port} of ${host} is in use`,
        remedy: 'another port, or --port 0 for a free one',
      });
    case 'EACCES':
      return new LamellaError('L305', {
        option: '--port',
        reason: `${port} needs the rights of an administrator`,
        remedy: 'a port from 1024 on',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new LamellaError('L305', {
        option: '--host',
        reason: `this machine has no address ${host}`,
        remedy: '127.0.0.1 for this machine alone, or 0.0.0.0 for its network',
      });
    default:
      return cause;
  }
}

class Site {
  readonly #thread: ModelThread;
  readonly #metrics: Metrics;
  readonly #key: Buffer | null;
  readonly #created = Math.floor(Date.now() / 1000);
  #isStopping = false;

  constructor(thread: ModelThread, metrics: Metrics, apiKey: string | null) {
    this.#thread = thread;
    this.#metrics = metrics;
    this.#key = apiKey === null ? null : digest(apiKey);
  }

  /** From now on, no connection is kept for a further request. */
  stop(): void {
    this.#isStopping = true;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/' } = request;
    const path = url.split('?', 1)[0]!;
    const kind = asked[path];
    const answers = this.#answers[path] ?? (path.startsWith(MODELS) ? () => this.#model(path, response) : null);
    response.on('finish', () => {
      this.#metrics.answered(kind || this.#answers[path] ? path : answers ? MODELS : 'other', response.statusCode);
    });
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (this.#isStopping) response.setHeader('Connection', 'close');
    const allowed = kind ? ['POST'] : ['GET', 'HEAD'];
    if (method === 'OPTIONS') preflight(response);
    else if (!kind && !answers) refuse(response, 404, `there is no ${method} ${path} here`, 'unknown_url');
    else if (!allowed.includes(method)) {
      response.setHeader('Allow', allowed.join(', '));
      refuse(response, 405, `${path} answers ${allowed[0]}, not ${method}`, 'method_not_supported');
    } else if (path !== '/health' && !this.#holds(request.headers.authorization)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      refuse(response, 401, 'the API key is missing or wrong. Try Authorization: Bearer KEY', 'invalid_api_key');
    } else if (kind) void this.#ask(kind, request, response);
    else answers!(response);
  }

  /** Whether an Authorization header has the key. Keys are compared in constant time. */
  #holds(authorization = ''): boolean {
    if (!this.#key) return true;
    const [, key = ''] = /^Bearer +(.*)$/i.exec(authorization) ?? [];
    return timingSafeEqual(digest(key), this.#key);
  }

  readonly #answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/health': (response) => send(response, 200, { status: 'ok' }),
    '/metrics': (response) => {
      response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
      response.end(this.#metrics.text);
    },
    '/v1/models': (response) => send(response, 200, { object: 'list', data: [this.#entry()] }),
  };

  #entry() {
    const { name, context } = this.#thread.loaded;
    return { id: name, object: 'model', created: this.#created, owned_by: 'lamella', max_model_len: context };
  }

  #model(path: string, response: ServerResponse): void {
    const { name } = this.#thread.loaded;
    const wanted = path.slice(MODELS.length);
    if (wanted === encodeURIComponent(name) || wanted === name) send(response, 200, this.#entry());
    else refuse(response, 404, `there is no model ${wanted} here. Try ${name}`, 'model_not_found');
  }

  async #ask(kind: AskedKind, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#metrics.running >= MOST_WAITING) {
      response.setHeader('Retry-After', '1');
      refuse(response, 503, `${MOST_WAITING} requests are waiting already. Try again later`, 'overloaded');
      return;
    }
    const end = this.#metrics.begin();
    let leave = () => {};
    response.on('close', () => {
      leave();
      end(null);
    });
    const body = await bodyOf(request, response).catch(() => null);
    // The client has left, or has an answer already.
    if (!body || response.destroyed) return;
    leave = this.#thread.ask(kind, body, (said) => {
      if ('usage' in said) end(said.usage);
      write(response, said);
    });
  }
}

const MODELS = '/v1/models/';

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * Writes a part of an answer. A client that reads slowly does not hold the model up: what it has
 * not read, at most some hundred bytes per token, waits in memory.
 */
function write(response: ServerResponse, said: Said): void {
  if (response.destroyed) return;
  if ('event' in said) {
    if (!response.headersSent)
      response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-cache',
        'X-Accel-Buffering': 'no',
      });
    response.write(`data: ${said.event}\n\n`);
  } else if ('end' in said) response.end('data: [DONE]\n\n');
  else if (response.headersSent) response.end(`data: ${said.json}\n\n`);
  else sendJson(response, said.status, said.json);
}

/**
 * The bytes of a body; null if it is too long, and that is answered. Rejects if the client leaves.
 */
async function bodyOf(request: IncomingMessage, response: ServerResponse): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let count = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    count += chunk.length;
    if (count > MOST_BYTES) {
      response.setHeader('Connection', 'close');
      refuse(response, 413, `the body has more than ${MOST_BYTES} bytes. Try fewer prompts at once`, 'body_too_large');
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function preflight(response: ServerResponse): void {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST',
    'Access-Control-Allow-Headers': '*, Authorization',
    'Access-Control-Max-Age': '86400',
  });
  response.end();
}

function send(response: ServerResponse, status: number, value: object): void {
  sendJson(response, status, JSON.stringify(value));
}

function sendJson(response: ServerResponse, status: number, json: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(json);
}

function refuse(response: ServerResponse, status: number, message: string, code: string): void {
  send(response, status, failure(status, message, code));
}

function failure(status: number, message: string, code: string) {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message, type, param: null, code } };
}

/** Answers bytes that are no HTTP request, or that arrive too slowly. */
function refuseBytes({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === 'ECONNRESET') return void socket.destroy();
  const [status, reason] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ([408, 'Request Timeout'] as const)
      : code === 'HPE_HEADER_OVERFLOW'
        ? ([431, 'Request Header Fields Too Large'] as const)
        : ([400, 'Bad Request'] as const);
  const body = JSON.stringify(failure(status, `this is no HTTP request: ${code || reason}`, 'bad_request'));
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
