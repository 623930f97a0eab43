/**
 * The public types of the face for React. This file has types only: `react.ts` implements them, and
 * the compiler copies their text into packages.
 */
import type { Fallback, FinishReason, Generation, LoadOptions, Model, Result, Stats } from '../../api.ts';

/** The options of `useModel`. */
export interface ModelOptions extends Pick<LoadOptions, 'device' | 'threads' | 'sessions'> {
  /** The address of the package. Default: the package that `load` came from. */
  readonly url?: string | URL | undefined;
}

/** A model as a component shows it: first `progress` rises, then `model` or `error` is there. */
export interface LoadingModel<M extends Model = Model> {
  /** null until it is loaded, and after an error. */
  readonly model: M | null;
  /** The share of the weights' bytes that have arrived, from 0 to 1. 1 once the model is loaded. */
  readonly progress: number;
  /** The error of loading: a `LamellaError` with a `code`. null if there is none. */
  readonly error: unknown;
  /** The last faster device or kernels that failed. null if none did. */
  readonly fallback: Fallback | null;
  /** Loads again after an error. */
  readonly retry: () => void;
}

/**
 * Loads a model while a component is mounted. Components that pass the same `load` and equal
 * options share one model; it is disposed of when the last of them is unmounted. Nothing is loaded
 * on a server. `load` is the function of the package, or another function that is defined outside
 * components: a new function in every render is an error.
 *
 * @example
 * import { load } from 'assistant';
 * import { useModel } from 'assistant/react';
 *
 * function App() {
 *   const { model, progress, error } = useModel(load);
 *   if (error) return <p>{String(error)}</p>;
 *   if (!model) return <progress value={progress} />;
 *   return <Chat model={model} />;
 * }
 */
export declare function useModel<M extends Model>(
  load: (url?: string | URL, options?: LoadOptions) => Promise<M>,
  options?: ModelOptions,
): LoadingModel<M>;

/** An object that generates: a model or a session. */
export interface Generates {
  generate(...given: never[]): Generation;
}

/** The last generation of a component. Its text grows at most once per frame of the screen. */
export interface RunningGeneration<G extends Generates = Model> {
  /** The text so far. Kept after the end, until the next call. */
  readonly text: string;
  readonly isGenerating: boolean;
  /** null while it runs, before the first call, and after an error. */
  readonly finishReason: FinishReason | null;
  /** null before the first token. */
  readonly stats: Stats | null;
  /** The error of the last call; null if there is none. */
  readonly error: unknown;
  /**
   * Starts a generation with the arguments of `model.generate`; the running one is aborted first.
   * Resolves with its result (an aborted one has `finishReason: 'abort'`), or with null if it
   * failed: `error` then has the reason.
   */
  readonly generate: (...given: Parameters<G['generate']>) => Promise<Result | null>;
  /** Ends the running generation. Its text stays. */
  readonly stop: () => void;
}

/**
 * Generates with a model or a session. Unmounting the component, or another model, aborts the
 * generation. While `model` is null, `generate` fails.
 *
 * @example
 * function Chat({ model }) {
 *   const { text, isGenerating, generate, stop } = useGeneration(model);
 *   const ask = () => generate('Call me a taxi', { maxTokens: 64 });
 *   return (
 *     <>
 *       <output>{text}</output>
 *       <button onClick={isGenerating ? stop : ask}>{isGenerating ? 'Stop' : 'Ask'}</button>
 *     </>
 *   );
 * }
 */
export declare function useGeneration<G extends Generates>(model: G | null): RunningGeneration<G>;
