/**
 * Bytes read from slow memory per decoded token, with fast memory modelled as an LRU cache of
 * weight segments. `A A B B` reads each block once; `A B C A B C` reads each twice unless all of
 * them fit. (MobileLLM, section 3.4, assumes about 20 MB of SRAM, enough for one block.) KV state
 * and activations are not counted.
 */
import type { Plan } from './plan.ts';

/** Fast memory available to one app on a mid-range phone: 8 MiB of shared cache. */
export const FAST_MEMORY_BYTES = 8 << 20;

/** Weight bytes that decoding one token reads from slow memory, after the first token. */
export function slowMemoryBytesPerToken(plan: Plan, fastMemoryBytes = FAST_MEMORY_BYTES): number {
  return slowMemoryReads(plan, fastMemoryBytes).reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * The same for each row of the execution table: the bytes that are not in fast memory when it runs.
 */
export function slowMemoryReads(plan: Plan, fastMemoryBytes = FAST_MEMORY_BYTES): readonly number[] {
  const base = plan.memory.weights.offset;
  const bytesAt = new Map(plan.segments.map((s) => [s.offset + base, s.bytes]));
  // most recently used last
  let resident: number[] = [];
  let residentBytes = 0;
  const read = (address: number): number => {
    if (resident.includes(address)) {
      resident = [...resident.filter((a) => a !== address), address];
      return 0;
    }
    const whole = bytesAt.get(address) ?? 0;
    if (whole > fastMemoryBytes) return whole;
    resident.push(address);
    residentBytes += whole;
    while (residentBytes > fastMemoryBytes) residentBytes -= bytesAt.get(resident.shift()!)!;
    return whole;
  };
  const oneToken = (): readonly number[] =>
    plan.table.map((row) => {
      // the embedding reads one row of its table
      const start = plan.program.kinds[row.kind]!.role === 'start';
      const oneRow = (address: number) => Math.ceil((bytesAt.get(address) ?? 0) / plan.program.vocab);
      return row.weights.map(start ? oneRow : read).reduce((sum, bytes) => sum + bytes, 0);
    });
  oneToken();
  return oneToken();
}
