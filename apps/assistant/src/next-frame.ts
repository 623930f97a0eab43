/**
 * Waits for the screen to be drawn. A change costs the main thread most when it is drawn. Changes
 * that wait for each other's frame run as separate tasks, so none blocks the page for a noticeable
 * time, even when other threads leave the main thread little of the processor.
 */

/** A hidden page is not drawn, so do not wait longer than this. */
const AT_MOST_MS = 100;

/** Resolves when all changes so far are drawn. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, AT_MOST_MS);
  });
}
