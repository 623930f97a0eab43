/**
 * How far back the weights that a decoded token reads were read before, and from that the bytes
 * that come from slow memory. A cache of any size that keeps what was used last still holds a
 * segment if the bytes read since, its own included, fit into it. `A A B B` reads each block twice
 * with one block in between; `A B C A B C` with all of them. (MobileLLM, section 3.4, assumes about
 * 20 MB of SRAM, enough for one block.) KV state and activations are not counted.
 */
import type { Manifest } from '@lamella/runtime/manifest';
import type { Plan } from './plan.ts';

/**
 * Fast memory available to one app on a mid-range phone: 8 MiB of shared cache. It serves only
 * where no measured profile of a device is given.
 */
export const FAST_MEMORY_BYTES = 8 << 20;

/** One read of a weight segment. */
export interface Read {
  readonly bytes: number;
  /** Bytes of the distinct segments read since this one was last read, its own included. */
  readonly distance: number;
}

/** The parts of a plan that its reads follow from. */
type Table = Pick<Manifest, 'table' | 'vocab'> & {
  /** Size of the segment at each address. */
  readonly bytesAt: ReadonlyMap<number, number>;
};

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
  return readsOfToken({ table: plan.table, vocab: plan.program.vocab, bytesAt }).map((row) =>
    row.reduce((sum, { bytes, distance }) => sum + (distance > fastMemoryBytes ? bytes : 0), 0),
  );
}

/**
 * The reads of every row while one of many tokens is decoded. The first row, the embedding, reads
 * one row of its table, which no cache is assumed to hold.
 */
export function readsOfToken({ table, vocab, bytesAt }: Table): readonly (readonly Read[])[] {
  /** Addresses, most recently read last. */
  let recent: number[] = [];
  const size = (address: number) => bytesAt.get(address) ?? 0;
  const read = (address: number): Read => {
    const since = recent.slice(recent.indexOf(address) + 1);
    recent = [...recent.filter((each) => each !== address), address];
    return { bytes: size(address), distance: since.reduce((sum, each) => sum + size(each), size(address)) };
  };
  const row = (address: number): Read => ({
    bytes: Math.ceil(size(address) / vocab),
    distance: Number.POSITIVE_INFINITY,
  });
  const token = () => table.map(({ weights }, i) => weights.map(i === 0 ? row : read));
  // In the second token every segment has been read before.
  token();
  return token();
}

/** The reads of a compiled package. A segment ends where the next one begins. */
export function readsOfPackage({ table, vocab, memory }: Pick<Manifest, 'table' | 'vocab' | 'memory'>) {
  const end = memory.weights.offset + memory.weights.bytes;
  const addresses = [...new Set(table.flatMap(({ weights }) => weights))].sort((a, b) => a - b);
  const bytesAt = new Map(addresses.map((address, i) => [address, (addresses[i + 1] ?? end) - address]));
  return readsOfToken({ table, vocab, bytesAt });
}
