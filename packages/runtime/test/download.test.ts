/**
 * Downloads from a real server in Node, where connections and their faults are real: each cause has
 * its error code.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { download } from '../src/files/download.ts';
import type { ReadOptions } from '../src/files/package-files.ts';

const servers: Server[] = [];
const end = (server: Server) => {
  server.closeAllConnections();
  server.close();
};
afterAll(() => servers.forEach(end));

const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/**
 * Answers a request for the bytes from `start` on; `heard` resolves when the reader has half of the
 * file.
 */
type Answer = (response: ServerResponse, start: number, heard: Promise<void>) => void;

/**
 * Serves with these answers in turn, and with the last one for all later requests. Returns a
 * reader, and the requested ranges.
 */
async function serve(...answers: Answer[]) {
  const ranges: (string | undefined)[] = [];
  let bytes = 0;
  let hear = () => {};
  const heard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const server = createServer((request, response) => {
    const answer = answers[Math.min(ranges.length, answers.length - 1)]!;
    ranges.push(request.headers.range);
    answer(response, Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0), heard);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/f.bin`;
  const onBytes = (more: number) => {
    bytes += more;
    if (bytes >= content.length / 2) hear();
  };
  const read = (options: ReadOptions = {}, patience?: number) =>
    download(
      { file: 'f.bin', url, place: 'http://package/' },
      { bytes: content.length, onBytes, ...options },
      patience,
    );
  return { server, ranges, read };
}

const all = (response: ServerResponse) => response.end(content);
const status = (code: number) => (response: ServerResponse) => response.writeHead(code).end();
/** The first half of the file, with the content-length of the whole. */
const half: Answer = (response, _, heard) => {
  response.setHeader('Content-Length', content.length);
  response.write(content.subarray(0, 500), () => heard.then(() => response.destroy()));
};
const rest = (response: ServerResponse, start: number) => {
  response.writeHead(206, { 'Content-Range': `bytes ${start}-999/1000` });
  response.end(content.subarray(start));
};

describe.concurrent('a download', () => {
  test('an interrupted answer is continued', async () => {
    const { ranges, read } = await serve(half, rest);
    expect(Buffer.compare(await read(), content)).toBe(0);
    expect(ranges).toEqual([undefined, 'bytes=500-']);
  });

  test('from the beginning if the server has no ranges', async () => {
    const { read } = await serve(half, all);
    expect(Buffer.compare(await read(), content)).toBe(0);
  });

  test('from the beginning if the server answers 416', async () => {
    const { ranges, read } = await serve(half, status(416), all);
    expect(Buffer.compare(await read(), content)).toBe(0);
    expect(ranges).toEqual([undefined, 'bytes=500-', undefined]);
  });

  test('from the beginning if the server starts at another byte', async () => {
    const elsewhere = (response: ServerResponse) => rest(response, 700);
    const { ranges, read } = await serve(half, elsewhere, all);
    expect(Buffer.compare(await read(), content)).toBe(0);
    expect(ranges).toEqual([undefined, 'bytes=500-', undefined]);
  });

  test('without a known length the whole answer is read; with one, reading stops beyond it', async () => {
    const { read } = await serve(all);
    expect((await read({ bytes: undefined })).length).toBe(1000);
    expect((await read({ bytes: 10 })).length).toBeGreaterThan(10);
    expect((await read({ bytes: 2000 })).length).toBe(1000);
  });

  test.each<[string, Answer, RegExp, number]>([
    ['missing', status(404), /^L419 f.bin was not found: http:.*f.bin answers 404, at http:\/\/package\//, 1],
    ['gone', status(410), /^L419 /, 1],
    ['refused', status(401), /^L420 f.bin may not be read: .* answers 401/, 1],
    ['busy', status(429), /^L421 f.bin cannot be fetched now: the server answers 429/, 3],
    ['ill', status(502), /^L421 /, 3],
    ['cut', half, /^L422 f.bin arrived only in part: the connection ended after \d+ bytes/, 3],
    ['not modified', status(304), /^L421 .* answers 304/, 3],
    [
      'from another byte on',
      (r) => rest(r, 100),
      /^L407 f.bin is damaged: the server sends only the bytes from byte 100/,
      1,
    ],
    ['a page in capitals', (r) => r.setHeader('Content-Type', 'Text/HTML').end('<!DOCTYPE html>'), /^L418 /, 1],
    [
      'XHTML',
      (r) => r.setHeader('Content-Type', 'application/xhtml+xml').end('<?xml version="1.0"?><html/>'),
      /^L418 /,
      1,
    ],
    [
      'a page',
      (r) => r.setHeader('Content-Type', 'text/html').end('\n<!DOCTYPE html>'),
      /^L418 f.bin was not found/,
      1,
    ],
  ])('%s', async (_, answer, message, times) => {
    const { ranges, read } = await serve(answer);
    await expect(read()).rejects.toThrow(message);
    expect(ranges).toHaveLength(times);
  });

  test('a silent server is L423 after three attempts, after one for a dispensable file', async () => {
    const silent = (response: ServerResponse) => void response.writeHead(200).write('a');
    const { server, read } = await serve(silent);
    // Attempts are counted here: whether a request reaches the server in time depends on the machine.
    const fetched = vi.spyOn(globalThis, 'fetch');
    const { port } = server.address() as AddressInfo;
    const attempts = () => fetched.mock.calls.filter(([url]) => String(url).includes(`:${port}/`)).length;
    await expect(read({}, 100)).rejects.toThrow(/^L423 f.bin does not arrive: no byte came in 0.1 seconds/);
    expect(attempts()).toBe(3);
    await expect(read({ dispensable: true }, 100)).rejects.toThrow(/^L423 /);
    expect(attempts()).toBe(4);
    fetched.mockRestore();
  });

  test('a slow answer for a dispensable file is given up', async () => {
    // Without a limit for the whole answer this one never ends, since a byte comes before patience does.
    const trickle = (response: ServerResponse) => {
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    };
    const { read } = await serve(trickle);
    await expect(read({ dispensable: true, bytes: undefined }, 400)).rejects.toThrow(/^L423 /);
  });

  test('an endless answer of unknown length is given up', async () => {
    const piece = new Uint8Array(1 << 20);
    const endless = (response: ServerResponse) => {
      const more = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', more);
      more();
    };
    const { ranges, read } = await serve(endless);
    await expect(read({ bytes: undefined })).rejects.toThrow(/^L407 f.bin is damaged: it has more than 67108864 bytes/);
    expect(ranges).toHaveLength(1);
  });

  test('an unreachable server is L424 with the system error', async () => {
    const { server, read } = await serve(all);
    end(server);
    await expect(read()).rejects.toThrow(/^L424 f.bin .*: http:\/\/127.0.0.1:\d+ does not answer \(ECONNREFUSED\)/);
  });

  test('an abort ends the download at once, also between attempts', async () => {
    const { ranges, read } = await serve(status(503));
    const control = new AbortController();
    setTimeout(() => control.abort('enough'), 600);
    await expect(read({ signal: control.signal })).rejects.toBe('enough');
    expect(ranges.length).toBeLessThan(3);
    await expect(read({ signal: AbortSignal.abort('before') })).rejects.toBe('before');
  });
});
