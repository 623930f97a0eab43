/**
 * The page's side of `chromium.ts`: one executor on the browser's own device. Bytes are passed as
 * base64.
 */
import { type Command, type Executor, executorOn, type Setup } from './executor.ts';

/** A command whose bytes are text. */
export type SentCommand =
  | Exclude<Command, { kind: 'write' }>
  | { readonly kind: 'write'; readonly buffer: number; readonly offset: number; readonly base64: string };

/** The functions that the page provides. */
export interface Page {
  open(setup: Setup): Promise<void>;
  /** Runs the commands, then reads. */
  read(commands: readonly SentCommand[], buffer: number, offset: number, bytes: number): Promise<string>;
  close(): Promise<void>;
}

const decoded = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

function encoded(bytes: Uint8Array): string {
  let text = '';
  for (let from = 0; from < bytes.length; from += 0x8000)
    text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  return btoa(text);
}

let device: GPUDevice | undefined;
let executor: Executor | undefined;
const received = (commands: readonly SentCommand[]): Command[] =>
  commands.map((c) =>
    c.kind === 'write' ? { kind: 'write', buffer: c.buffer, offset: c.offset, bytes: decoded(c.base64) } : c,
  );

const page: Page = {
  async open(setup) {
    device ??= await (await navigator.gpu.requestAdapter())!.requestDevice();
    executor = await executorOn(device, setup);
  },
  async read(commands, buffer, offset, bytes) {
    executor!.submit(received(commands));
    return encoded(new Uint8Array(await executor!.read(buffer, offset, bytes)));
  },
  close: async () => executor?.close(),
};
Object.assign(globalThis, { page });
