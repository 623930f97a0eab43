/**
 * The stored tensors of one kind, one for each row order and padding. Later passes set formats and
 * addresses.
 */
import type { Param, ParamId } from '@lamella/graph/ir';
import { type Pack, type PackId, padded, type RowMap, storedRows } from './packs.ts';

export const LARGEST_BLOCK = 16;

/**
 * Rows of a block: 16, for four vector accumulators, or a divisor of `rows` if there is no room for
 * padding.
 */
export function blockRows(rows: number, exact: boolean): number {
  const four = padded(rows, 4);
  if (!exact && four > LARGEST_BLOCK) return LARGEST_BLOCK;
  return [LARGEST_BLOCK, 8, 4].find((b) => four % b === 0) ?? 4;
}

export class PackTable {
  readonly packs: Pack[] = [];
  readonly #params: readonly Param[];

  constructor(params: readonly Param[]) {
    this.#params = params;
  }

  /** A matrix in blocks of rows. `exact`: its result has no room for padding rows. */
  matrix(param: ParamId, rows: RowMap, columns: number, exact: boolean): PackId {
    return this.#add(param, 'matrix', rows, columns, blockRows(storedRows(rows), exact));
  }

  /** A gain, bias or tap, padded to whole blocks of 16. */
  vector(param: ParamId, rows: RowMap): PackId {
    return this.#add(param, 'vector', rows, 1, 16);
  }

  #add(param: ParamId, layout: Pack['layout'], rows: RowMap, columns: number, block: number): PackId {
    const key = JSON.stringify([param, rows, columns, block]);
    const at = this.packs.findIndex((p) => JSON.stringify([p.param, p.rows, p.columns, p.block]) === key);
    if (at >= 0) return at;
    const { name, role } = this.#params[param]!;
    const pack: Pack = {
      param,
      name,
      role,
      format: 'f32',
      layout,
      rows,
      columns,
      block,
      group: 0,
      offset: 0,
      pitch: 0,
      stream: 0,
      bytes: 0,
    };
    return this.packs.push(pack) - 1;
  }
}
