/**
 * Gives a buffer's memory back now, where the engine can. Left to the collector, which does not hurry, the chunks of a model add up to a
 * second copy of its weights.
 */
export function free(buffer: ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }): void {
  buffer.transfer?.(0);
}
