/**
 * The requests and their answers. One answer is written at a time; a request that is sent while the
 * model loads waits for it.
 */
import { computed, type Signal, signal } from '@preact/signals';
import type { FinishReason, Generation, Model, Running, Stats } from '../package/index.js';
import { loading, whenReady } from './model.ts';
import { nextFrame } from './next-frame.ts';

/**
 * The most tokens of an answer: an assistant's call is shorter, and a plain text model might never
 * end.
 */
const maxTokens = 256;

export interface Turn {
  readonly request: string;
  readonly answer: string;
  readonly state: 'waiting' | 'writing' | 'done' | 'failed';
  /** Speeds and memory so far; null before the first token. */
  readonly stats: Stats | null;
  /** The model that writes it, and its device; null while waiting. */
  readonly model: Model | null;
  readonly running: Running | null;
  /** Why it ended; null before it ends. */
  readonly finishReason: FinishReason | null;
  readonly error: Error | null;
}

export const turns = signal<readonly Signal<Turn>[]>([]);
export const last = computed(() => turns.value.at(-1)?.value ?? null);
/** Statistics of the current model's last answer; null before it. */
export const lastStats = computed(() => {
  const now = loading.value;
  return now.kind === 'ready' && measured.value?.model === now.model ? measured.value.stats : null;
});
export const busy = computed(() => last.value?.state === 'waiting' || last.value?.state === 'writing');

const measured = signal<Pick<Turn, 'model' | 'stats'> | null>(null);
let control = new AbortController();

/** Stops the answer that is being written; its text stays. */
export const stop = (): void => control.abort();

/** Sends a request. Does nothing while an answer is being written. */
export async function ask(request: string): Promise<void> {
  if (busy.value) return;
  control = new AbortController();
  const { signal: stopped } = control;
  const turn = signal<Turn>({
    request,
    answer: '',
    state: 'waiting',
    stats: null,
    model: null,
    running: null,
    finishReason: null,
    error: null,
  });
  const change = (to: Partial<Turn>) => {
    turn.value = { ...turn.value, ...to };
  };
  turns.value = [...turns.value, turn];
  try {
    const model = await Promise.race([whenReady(), aborted(stopped)]);
    change({ state: 'writing', model, running: model.running });
    // The changes that a new model makes to the page are drawn before the answer occupies the
    // processor.
    await nextFrame();
    const generation = model.generate(request, { maxTokens, signal: stopped });
    await drawn(generation, () => change({ answer: generation.text, stats: generation.stats }));
    const { text: answer, stats, finishReason } = generation;
    change({ answer, stats });
    await nextFrame();
    change({ state: 'done', finishReason, running: model.running });
    await nextFrame();
    measured.value = { model, stats };
  } catch (cause) {
    if (stopped.aborted) change({ state: 'done', finishReason: 'abort' });
    else change({ state: 'failed', error: cause instanceof Error ? cause : new Error(String(cause)) });
  }
}

/**
 * Reads a generation to its end and draws at most once per frame, however many tokens arrive
 * between two frames.
 */
async function drawn(generation: Generation, draw: () => void): Promise<void> {
  let frame: number | null = null;
  for await (const _ of generation)
    frame ??= requestAnimationFrame(() => {
      frame = null;
      draw();
    });
  if (frame !== null) cancelAnimationFrame(frame);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}
