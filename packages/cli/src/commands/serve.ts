/** `lamella serve`: a model behind OpenAI's protocol, until SIGINT or SIGTERM. */
import { LamellaError } from '@lamella/graph/diagnostics';
import { type Target, usual } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { packageFor } from '../api/load.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { checkPackage } from '../package/open-package.ts';
import { listen } from '../serve/http-server.ts';
import { startThread } from '../serve/model-thread.ts';
import { named, quoted, wholeNumber } from '../terminal/options.ts';
import { observer, progress } from '../terminal/progress.ts';
import { takesCheckpoints, target, threads } from '../terminal/shared-options.ts';

export interface ServeCommand extends HowCompiled {
  readonly host: string;
  readonly port: number;
  readonly sessions: number;
  readonly apiKey?: string;
  readonly target?: Target;
  readonly threads: number;
}

/**
 * Time that answers have to end after the first signal. A second signal ends the process at once.
 */
const PATIENCE_MS = 10_000;

export function define(command: Command): void {
  command
    .addOption(
      new Option('--host <HOST>', 'the address to listen on; 0.0.0.0 for the whole network')
        .default('127.0.0.1')
        .argParser(named('--host', '127.0.0.1')),
    )
    .addOption(new Option('--port <N>', 'the port; 0 takes a free one').default(8080).argParser(port))
    .addOption(
      new Option('--sessions <N>', 'conversations whose keys and values are kept, each in memory of its own')
        .default(1)
        .argParser(wholeNumber('--sessions', 1)),
    )
    .addOption(new Option('--api-key <KEY>', 'a key that clients must send (default: none)').argParser(apiKey));
  takesCheckpoints(command)
    .addOption(target())
    .addOption(threads())
    .addHelpText(
      'after',
      `
Answers /v1/chat/completions, /v1/completions and /v1/models as OpenAI's API does, and /health and /metrics.
SIGINT and SIGTERM let answers end for up to ${PATIENCE_MS / 1000} seconds; a second one ends the process.`,
    )
    .action(serve);
}

/** Clients encode other characters in a header in different ways, or refuse to send them. */
function apiKey(text: string): string {
  if (/^[!-~]+$/.test(text)) return text;
  throw new LamellaError('L303', {
    option: '--api-key',
    value: quoted(text),
    remedy: 'a key of ASCII letters, digits and signs, without spaces',
  });
}

function port(text: string): number {
  const value = wholeNumber('--port', 0)(text);
  if (value <= 65_535) return value;
  throw new LamellaError('L303', { option: '--port', value: text, remedy: 'a whole number from 0 to 65535' });
}

/**
 * Serves until the process gets a signal to end. Throws L305 if the address cannot be listened on,
 * and the errors of opening a package.
 */
export async function serve(path: string, command: ServeCommand): Promise<void> {
  const { host, port, sessions, apiKey = null, target: device = usual.target, threads } = command;
  const stopped = new Promise<null>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(null));
  });
  const note = (text: string) => void process.stderr.write(`${text}\n`);
  const folder = await folderOf(path, command, device);
  const bar = progress('loading weights');
  const loading = startThread(
    { folder, device, threads, sessions },
    { onNote: note, onProgress: (done, total) => bar.update(done, total) },
  ).finally(() => bar.finish());
  const thread = await Promise.race([loading, stopped]);
  if (!thread) return;
  try {
    const site = await listen(thread, { host, port, sessions, apiKey });
    const { name, context, running } = thread.loaded;
    note(`${name}: context of ${context} tokens, on ${running}\nlistening on ${site.origin}`);
    await Promise.race([stopped, thread.ended]);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
    note('stopping: running answers may end');
    await site.close(PATIENCE_MS);
  } finally {
    await thread.close();
  }
}

/** The folder of the package for `path`, compiled if necessary, that can be loaded. */
async function folderOf(path: string, { quant, kv, context, ignore }: HowCompiled, device: Target): Promise<string> {
  const { finish, ...observed } = observer();
  const asked = { targets: device === 'webgpu' ? (['webgpu'] as const) : [] };
  const folder = await packageFor(path, { quant, kv, context, ignore, ...observed }, asked).finally(finish);
  if (typeof folder !== 'string') throw new Error('a path is a package on disk');
  await checkPackage(folder, device);
  return folder;
}
