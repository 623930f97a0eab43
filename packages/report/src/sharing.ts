/**
 * Draws the order of the weight sets in one line, e.g. `0 0 1 1 2 2 … 29 29`, from the execution
 * table alone. Weight sets are numbered in the order of their first execution; for every named
 * order that is their number in the checkpoint.
 */
import type { TableRow } from '@lamella/runtime/manifest';

export interface Sharing {
  /** Distinct weight sets among the executions. */
  readonly weightSets: number;
  /**
   * Number of rows of the table without the first and the last, which are the embedding and the
   * head.
   */
  readonly executions: number;
  readonly drawing: string;
  /** The order in words; empty if nothing is shared. */
  readonly order: string;
}

export function sharing(table: readonly TableRow[]): Sharing {
  const rows = table.slice(1, -1);
  const own = ownAddresses(table);
  const numbers = new Map<string, number>();
  const order = rows.map((row) => {
    // what reads the state of an earlier execution has a kind of its own and may have the weights of another all the same
    const isReader = rows.findIndex(({ state }) => state !== 0 && state === row.state) < rows.indexOf(row);
    const { kind } = isReader ? rows.find((other) => own(other) === own(row))! : row;
    const key = `${kind}:${own(row)}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { weightSets: numbers.size, executions: rows.length, ...described(order, numbers.size) };
}

/** The address that tells the weight sets of a kind apart: of the group that differs most between its rows. */
export function ownAddresses(table: readonly TableRow[]): (row: TableRow) => number {
  const groupOf = new Map<number, number>();
  for (const { kind } of table) {
    if (groupOf.has(kind)) continue;
    const rows = table.filter((row) => row.kind === kind);
    const distinct = rows[0]!.weights.map((_, group) => new Set(rows.map((row) => row.weights[group])).size);
    groupOf.set(kind, distinct.indexOf(Math.max(...distinct)));
  }
  return ({ kind, weights }) => weights[groupOf.get(kind)!]!;
}

function described(order: readonly number[], sets: number): { drawing: string; order: string } {
  const each = order.length / sets;
  const ascending = Array.from({ length: sets }, (_, i) => i);
  const same = (other: readonly number[]) => other.length === order.length && other.every((n, i) => n === order[i]);
  const repeated = Array.from({ length: order.length }, () => 0);
  if (same(ascending)) return { drawing: elided(ascending.map(String)), order: '' };
  if (same(repeated.map((_, i) => Math.floor(i / each)))) {
    const runs = ascending.map((n) => Array.from({ length: each }, () => n).join(' '));
    return { drawing: elided(runs), order: `each weight set ${each} times in a row` };
  }
  const pass = elided(ascending.map(String));
  if (same(repeated.map((_, i) => i % sets))) {
    return {
      drawing: each > 2 ? `${pass} | … (${each} times)` : `${pass} | ${pass}`,
      order: `all weight sets ${each} times over`,
    };
  }
  const back = ascending.toReversed();
  if (same([...ascending, ...back])) {
    return { drawing: `${pass} | ${elided(back.map(String))}`, order: 'all weight sets forwards, then backwards' };
  }
  return { drawing: order.join(' '), order: 'in a custom order' };
}

/** The first and the last entries of a long row. */
function elided(parts: readonly string[]): string {
  if (parts.length <= 10) return parts.join(' ');
  return [...parts.slice(0, 4), '…', ...parts.slice(-2)].join(' ');
}
