/**
 * A value outside React, in the form that `useSyncExternalStore` reads. Changes that come faster
 * than the screen shows them reach React once per frame.
 */
export interface Store<T> {
  /** The value now; the same object until it changes. */
  readonly current: () => T;
  /** The first value: for a server, and for the page that takes over its output. */
  readonly initial: () => T;
  /** Calls `changed` after each change. Returns a function that ends this. */
  readonly subscribe: (changed: () => void) => () => void;
  /** Changes some fields and calls the subscribers. */
  readonly tell: (change: Partial<T>) => void;
  /** The same with the next frame. */
  readonly tellSoon: (change: Partial<T>) => void;
  readonly isUsed: () => boolean;
}

/** What happens at the first subscription, and when the last one ends. */
interface Uses {
  readonly used?: () => void;
  readonly unused: () => void;
}

export function createStore<T extends object>(initial: T, { used, unused }: Uses): Store<T> {
  const subscribers = new Set<() => void>();
  let value = initial;
  let isWaiting = false;
  const tell = (change: Partial<T>) => {
    value = { ...value, ...change };
    for (const changed of [...subscribers]) changed();
  };
  return {
    current: () => value,
    initial: () => initial,
    subscribe(changed) {
      subscribers.add(changed);
      if (subscribers.size === 1) used?.();
      return () => {
        subscribers.delete(changed);
        if (subscribers.size === 0) unused();
      };
    },
    tell,
    tellSoon(change) {
      value = { ...value, ...change };
      if (isWaiting) return;
      isWaiting = true;
      nextFrame(() => {
        isWaiting = false;
        tell({});
      });
    },
    isUsed: () => subscribers.size > 0,
  };
}

/** A hidden page has no frames: its changes wait for the next one that is told at once. */
const nextFrame = (run: () => void): void => {
  if (typeof requestAnimationFrame === 'function') requestAnimationFrame(run);
  else setTimeout(run, 16);
};
