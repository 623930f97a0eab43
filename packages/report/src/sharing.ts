/**
 * Draws the order of the weight sets in one line, e.g. `0 0 1 1 2 2 … 29 29`, from the execution
 * table alone. Weight sets are numbered in the order of their first execution; for every named
 * order that is their number in the checkpoint.
 */
import { BETWEEN } from '@lamella/compiler/program/ir';
import type { Manifest, TableRow } from '@lamella/runtime/manifest';

export interface Sharing {
  /** Distinct weight sets among the executions. */
  readonly weightSets: number;
  /**
   * Number of rows of the table without the embedding, the head and what stands between stacks.
   */
  readonly executions: number;
  readonly drawing: string;
  /** The order in words; empty if nothing is shared. */
  readonly order: string;
  /** Groups of tensors, such as one FFN for all blocks, that different weight sets have in common. */
  readonly parts: readonly SharedPart[];
}

/** Tensors of a kind that fewer copies than weight sets exist of. */
export interface SharedPart {
  readonly kind: string;
  readonly copies: number;
  readonly weightSets: number;
  /** The copy that each execution of the kind reads. */
  readonly drawing: string;
}

export function sharing({ table, kinds }: Pick<Manifest, 'table' | 'kinds'>): Sharing {
  const rows = executionsOf({ table, kinds });
  const own = ownAddresses(table);
  const order = numbered(
    rows.map((row, i) => {
      // what reads the state of an earlier execution has a kind of its own and may have the weights of another all the same
      const isReader = row.state !== 0 && rows.findIndex(({ state }) => state === row.state) < i;
      return keyOf(isReader ? rows.find((other) => own(other) === own(row))! : row);
    }),
  );
  const weightSets = new Set(order).size;
  const parts = kinds.flatMap((kind, i) => {
    const its = rows.filter((row) => row.kind === i);
    return sharedParts(kind, its);
  });
  return { weightSets, executions: rows.length, ...described(order, weightSets), parts };
}

const keyOf = ({ kind, weights }: TableRow): string => `${kind}:${weights.join()}`;

/** Each item as the number of its first appearance. */
function numbered(items: readonly (string | number)[]): readonly number[] {
  const distinct = [...new Set(items)];
  return items.map((item) => distinct.indexOf(item));
}

/** The groups of tensors of which the executions of one kind have fewer copies than weight sets. */
function sharedParts(kind: string, rows: readonly TableRow[]): readonly SharedPart[] {
  const weightSets = new Set(rows.map(keyOf)).size;
  return (rows[0]?.weights ?? []).flatMap((_, group) => {
    const order = numbered(rows.map(({ weights }) => weights[group]!));
    const copies = new Set(order).size;
    return copies < weightSets ? [{ kind, copies, weightSets, drawing: described(order, copies).drawing }] : [];
  });
}

/** The rows of a table that are executions of blocks. */
export function executionsOf({ table, kinds }: Pick<Manifest, 'table' | 'kinds'>): readonly TableRow[] {
  return table.slice(1, -1).filter(({ kind }) => !kinds[kind]!.startsWith(BETWEEN));
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

/** `2 copies for 6 weight sets of layers`. */
export function sharedPartText({ kind, copies, weightSets }: SharedPart): string {
  return `${copies} ${copies === 1 ? 'copy' : 'copies'} for ${weightSets} weight sets of ${kind}`;
}
