/**
 * The face for React: hooks that load a model and generate with it. Both read stores outside React
 * with `useSyncExternalStore`, and a mounted component adds nothing but a subscription. So the
 * double effects of StrictMode, discarded renders and several components with one model need no
 * further care.
 */
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { generationStore } from './generation-store.ts';
import { sharedModel } from './shared-model.ts';
import type * as types from './types.ts';

export const useModel: typeof types.useModel = (load, options = {}) => {
  useSameFunction(load);
  const { subscribe, current, initial } = sharedModel(load, options);
  return useSyncExternalStore(subscribe, current, initial);
};

export const useGeneration: typeof types.useGeneration = (model) => {
  const { subscribe, current, initial } = useMemo(() => generationStore(model), [model]);
  return useSyncExternalStore(subscribe, current, initial);
};

/** Renders in a row, each with another function, after which the function counts as inline. */
const manyRenders = 10;

/**
 * Throws if `load` is a new function in every render. Every render would load again, without an
 * end, because a model is shared by its function.
 */
function useSameFunction(load: unknown): void {
  const last = useRef({ load, changes: 0 });
  if (last.current.changes >= manyRenders)
    throw new TypeError(
      'useModel received a new function in every render, so it would load without an end. Try defining the function outside the component.',
    );
  useEffect(() => {
    last.current = { load, changes: last.current.load === load ? 0 : last.current.changes + 1 };
  });
}
