/** Starts llama.cpp in a child process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Contender, Generated } from '../contender.ts';
import { within } from '../patience.ts';
import type { Request } from './process.ts';

/**
 * Loads a GGUF file with room for `context` tokens. `UV_THREADPOOL_SIZE=1`: each call waits in a
 * thread of libuv's pool, and when these alternate, two threads of llama.cpp are slower than one.
 */
export async function openNative(gguf: string, vocab: number, context: number, threads: number): Promise<Contender> {
  const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`llama.cpp ended with ${code}`);
  });
  // the rejection at the end of the process is expected
  gone.catch(() => {});
  const ask = async (request: Request): Promise<unknown> => {
    child.send(request);
    const [answer] = await Promise.race([once(child, 'message'), gone]);
    return answer;
  };
  await within(ask({ kind: 'open', gguf, vocab, context, threads })).catch((cause) => {
    child.kill('SIGKILL');
    throw cause;
  });
  return {
    generate: async (prompt, count) => (await ask({ kind: 'generate', prompt, count })) as Generated,
    logits: async (tokens) => (await ask({ kind: 'logits', tokens })) as number[],
    close: async () => void child.kill('SIGKILL'),
  };
}
