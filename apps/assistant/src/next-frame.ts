/**
 * Waiting for the screen. A change of the page costs its main thread most when it is drawn, and changes that wait for each other's picture are tasks
 * of their own, none long enough to be felt even where other threads leave this one little of the processor.
 */

/** A page that nobody looks at is not drawn. */
const AT_MOST_MS = 100;

/** Resolves when what has changed so far is drawn. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, AT_MOST_MS);
  });
}
