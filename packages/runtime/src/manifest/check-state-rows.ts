/** Checks the rows of a state slot, by which saved sessions are read and written. */
import { bytes, demand, id, integer, record, size } from './checks.ts';
import type { StateRows } from './manifest.ts';

/** The type and range of every field. */
export const stateRows = record({ offset: bytes, heads: integer(1, 2 ** 20), positions: id, bytes: size });

/** Demands that all rows lie in a slot of `length` bytes. */
export function checkStateRows(list: readonly StateRows[], length: number, at: string): void {
  for (const [i, rows] of list.entries()) {
    const { offset, heads, positions, bytes } = rows;
    demand(offset + heads * positions * bytes <= length, `${at}[${i}]`, rows, `rows in a slot of ${length} bytes`);
  }
}
