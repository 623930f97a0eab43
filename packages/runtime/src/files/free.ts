/**
 * Frees a buffer's memory at once, if the engine can. The garbage collector is slow: without this,
 * the chunks of a model would add up to a second copy of its weights.
 */
export function free(buffer: ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }): void {
  buffer.transfer?.(0);
}
