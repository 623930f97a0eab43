/**
 * One run: compiles the version, packs random or served weights, loads the package with the same
 * runtime as every package, and generates greedily. Everything is measured in this worker, away
 * from the page's own work.
 */
import { load } from '@lamella/runtime/every-part';
import { graphOf } from '../compile/author.ts';
import { compileFor } from '../compile/shaders.ts';
import { packageOf, randomWeights, refuseIfTooLarge } from './package.ts';
import type { Outcome, RunRequest, RunSaid } from './protocol.ts';
import { servedWeights } from './served-weights.ts';
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

async function run(request: RunRequest): Promise<Outcome> {
  const { options, device, threads, promptTokens, maxTokens, weights: served, prompt: text } = request;
  step('compiling');
  const compilation = await compileFor(device, graphOf(request), options);
  refuseIfTooLarge(compilation, 'running');
  step('measuring memory');
  const stream = await streamBytesPerSecond();
  const weights = served ? await servedWeights(served) : randomWeights(1);
  const making = served ? 'packing weights' : 'making random weights';
  const files = await packageOf(compilation, weights, (done, of) => step(making, done, of));
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
    const ids = Array.from({ length: Math.min(promptTokens, context - 1) }, (_, i) => (i * 7919) % vocab);
    const isText = text !== '';
    // Speeds stand beside planned reads of weights, so every token takes a step of its own.
    const options = { maxTokens, lookup: false };
    const generation = isText ? model.generate(text, options) : model.generate(ids, { ...options, eos: [] });
    let said = 0;
    let generated = '';
    for await (const piece of generation) {
      generated += piece.text;
      // Sending a message takes time too.
      if (performance.now() - said < 200) continue;
      said = performance.now();
      step('generating', generation.tokens.length, Math.min(maxTokens, context - ids.length));
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
      text: isText ? { prompt: text, generated } : null,
    };
  } finally {
    model.dispose();
  }
}
