/**
 * One run: compiles the version, packs random weights, loads the package with the same runtime as
 * every package, and generates greedily. Everything is measured in this worker, away from the
 * page's own work.
 */
import { load } from '@lamella/runtime/every-part';
import { graphOf } from '../compile/author.ts';
import { compileFor } from '../compile/shaders.ts';
import { packageOf, refuseIfTooLarge } from './package.ts';
import type { Outcome, RunRequest, RunSaid } from './protocol.ts';
import { streamBytesPerSecond } from './stream.ts';
import threadScript from './thread.ts?worker&url';

const say = (said: RunSaid) => postMessage(said);
const step = (step: string, done = 0, of = 0) => say({ kind: 'step', step, done, of });

self.onmessage = async ({ data }: MessageEvent<RunRequest>) => {
  try {
    say({ kind: 'outcome', outcome: await run(data) });
  } catch (error) {
    say({ kind: 'failure', message: error instanceof Error ? error.message : String(error) });
  }
};

async function run({ file, source, options, device, threads, promptTokens, maxTokens }: RunRequest): Promise<Outcome> {
  step('compiling');
  const compilation = await compileFor(device, graphOf(file, source), options);
  refuseIfTooLarge(compilation);
  step('measuring memory');
  const stream = await streamBytesPerSecond();
  const files = await packageOf(compilation, 1, (done, of) => step('making random weights', done, of));
  step('loading');
  const before = performance.now();
  const asked = {
    device,
    ...(threads === null ? {} : { threads }),
    onProgress: (done: number, of: number) => step('loading', done, of),
  };
  const model = await load(files, asked, new URL(threadScript, location.href).href);
  const loadMs = performance.now() - before;
  try {
    const { vocab, context } = model.manifest;
    const prompt = Array.from({ length: Math.min(promptTokens, context - 1) }, (_, i) => (i * 7919) % vocab);
    const generation = model.generate(prompt, { maxTokens, eos: [] });
    let said = 0;
    for await (const _ of generation) {
      // Sending a message takes time too.
      if (performance.now() - said < 200) continue;
      said = performance.now();
      step('generating', generation.tokens.length, Math.min(maxTokens, context - prompt.length));
    }
    const { report } = compilation;
    const { device, why } = model.running;
    return {
      name: report.name,
      device,
      why,
      ...generation.stats,
      slowMemoryBytesPerToken: report.slowMemoryBytesPerToken,
      streamBytesPerSecond: stream,
      loadMs,
    };
  } finally {
    model.dispose();
  }
}
