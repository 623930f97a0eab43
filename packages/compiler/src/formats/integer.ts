/**
 * Shared by the integer formats: the layout of four rows per stored block, so that a block of 16
 * rows is read as four streams, and sums of pairs of columns.
 */
import { add, applyLanes, type Index, plus, quotient, remainder, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import { type MatrixShape, panelRows } from './format.ts';

/** 0, 1, ... n - 1. */
export const upTo = (n: number): readonly number[] => [...Array(n).keys()];

/** Rows stored together: those of one vector. */
export const VECTOR_ROWS = 4;

/** Offset of the stored block of rows 4v..4v+3 of a block, in elements of `unit` bytes. */
export const storedAt = ({ pitch, stream }: MatrixShape, block: Index, vector: Index, unit = 1): Expr =>
  plus(times(block, pitch / unit), times(vector, stream / unit));

/** The block of a panel, and the panel's first vector of rows in it. */
export function placeOf(panel: Index, shape: MatrixShape): { readonly block: Expr; readonly vector: Expr } {
  const rows = panelRows(shape);
  const panels = shape.block / rows;
  return { block: quotient(panel, panels), vector: times(remainder(panel, panels), rows / VECTOR_ROWS) };
}

/** Sums of four rows from those of rows 0-1 and 2-3, two lanes a row. */
export function pairSums(low: Expr, high: Expr): Expr {
  return add(applyLanes('shuffle', [0, 2, 4, 6], low, high), applyLanes('shuffle', [1, 3, 5, 7], low, high));
}
