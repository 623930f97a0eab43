/** The current run: at most one at a time, each in its own worker. */
import { computed, signal } from '@preact/signals';
import type { Version } from '../compile/protocol.ts';
import { weightsAddress } from '../live/live.ts';
import { currentVersion } from '../version.ts';
import type { Outcome, RunRequest, RunSaid } from './protocol.ts';

export type Run =
  | { readonly kind: 'none' | 'stopped' }
  /** `of` is 0 if the amount of work is unknown. */
  | { readonly kind: 'running'; readonly step: string; readonly done: number; readonly of: number }
  | { readonly kind: 'finished'; readonly outcome: Outcome; readonly version: Version }
  | { readonly kind: 'failed'; readonly message: string };

export const run = signal<Run>({ kind: 'none' });

/** Whether the model or its options have changed since the finished run. */
export const isOld = computed(() => {
  if (run.value.kind !== 'finished') return false;
  const [then, now] = [run.value.version, currentVersion()];
  return (
    then.source !== now.source ||
    then.options.quant !== now.options.quant ||
    then.options.kv !== now.options.kv ||
    then.files !== now.files
  );
});

let worker: Worker | null = null;

/** Runs the version in the editor. */
export function start(how: Pick<RunRequest, 'device' | 'threads' | 'promptTokens' | 'maxTokens' | 'prompt'>): void {
  end({ kind: 'running', step: '', done: 0, of: 0 });
  worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const version = currentVersion();
  worker.onmessage = ({ data }: MessageEvent<RunSaid>) => hear(data, version);
  worker.onerror = ({ message }) => end({ kind: 'failed', message: message || 'the worker of the run failed' });
  worker.postMessage({ ...version, ...how, weights: weightsAddress() } satisfies RunRequest);
}

export function stop(): void {
  end({ kind: 'stopped' });
}

function hear(said: RunSaid, version: Version): void {
  if (said.kind === 'step') run.value = { kind: 'running', step: said.step, done: said.done, of: said.of };
  else if (said.kind === 'outcome') end({ kind: 'finished', outcome: said.outcome, version });
  else end({ kind: 'failed', message: said.message });
}

function end(as: Run): void {
  worker?.terminate();
  worker = null;
  run.value = as;
}
