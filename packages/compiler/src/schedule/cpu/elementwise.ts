/**
 * Embedding lookup, and the element-wise maths that no contraction could take over: one value per
 * token and feature.
 */
import { Names, plus, times } from '../../loops/build.ts';
import type { Kernel } from '../../loops/ir.ts';
import type { FusedOp } from '../../program/ir.ts';
import { convolved } from '../convolve.ts';
import { headsSteps, writeHeads } from '../heads.ts';
import { resultRow } from '../scope.ts';
import type { CpuScope } from './scope.ts';

/** Writes the table row of each token, chosen by its id or its position, dequantised. */
export function embedKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'embed' }>): Kernel {
  const { format, views, shape } = scope.matrix(op.table);
  const rowOf = scope.tableRow(op.by);
  const out = scope.arena(op.out, 'write');
  const tag = scope.lowering === 'decode' ? 'grid' : 'serial';
  scope.eachToken(
    scope.b,
    1,
    (b, token) => {
      const id = b.let('id', rowOf(token));
      b.loop(tag, 'i', { to: op.width }, (inner, i) =>
        inner.store(out, plus(times(token, scope.width(op.out)), i), format.element(views, shape, id, i)),
      );
    },
    'grid',
  );
  return scope.kernel(op.name);
}

/** Moves heads to the layout that attention reads, or back. */
export function headsKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'heads' }>): Kernel {
  const tag = scope.lowering === 'decode' ? 'grid' : 'serial';
  scope.eachToken(
    scope.b,
    1,
    (b, token) => b.loop(tag, 'i', { to: headsSteps(op).count }, (inner, i) => writeHeads(scope, inner, op, token, i)),
    'grid',
  );
  return scope.kernel(op.name);
}

/** Computes an expression tree over whole rows. */
export function mapKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'map' }>): Kernel {
  const noDot = (): never => {
    throw new Error(`${op.name}: a dot product outside a contraction`);
  };
  scope.eachFeatureOfToken(op.width, (perToken, token) => {
    const { buffer, row } = resultRow(scope, perToken, op.out, token);
    return (b, i, type) => {
      b.store(buffer, plus(row, i), scope.element(b, new Names(b), op.value, type, token, i, noDot));
    };
  });
  return scope.kernel(op.name);
}

/** A causal convolution of each feature. */
export function convolveKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'convolve' }>): Kernel {
  scope.eachFeatureOfToken(op.width, (perToken, token) => {
    const value = convolved(scope, perToken, op, token);
    const { buffer, row } = resultRow(scope, perToken, op.out, token);
    return (b, i, type) => b.store(buffer, plus(row, i), value(i, type));
  });
  return scope.kernel(op.name);
}
