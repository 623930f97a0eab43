/**
 * Embedding lookup, and the norms and maps that no contraction could take over: one workgroup for
 * every token.
 */
import { type Builder, type Index, Names, plus, times } from '../../loops/build.ts';
import type { Kernel } from '../../loops/ir.ts';
import type { FusedOp } from '../../program/ir.ts';
import { convolved } from '../convolve.ts';
import { headsSteps, writeHeads } from '../heads.ts';
import { resultRow } from '../scope.ts';
import { held, normalised, row, scratchOf, storeHeld } from './operand.ts';
import type { GpuScope } from './scope.ts';

const LANES = 128;
const HEAD_LANES = 32;

/** Writes the table row of each token, chosen by its id or its position, dequantised. */
export function embedKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'embed' }>): Kernel {
  const { format, views, shape } = scope.matrix(op.table);
  const rowOf = scope.tableRow(op.by);
  const out = scope.arena(op.out, 'write');
  scope.perToken(LANES, (b, lane, token) => {
    const id = b.let('id', rowOf(token));
    b.loop('serial', 'i', { from: lane, to: op.width, step: LANES }, (inner, i) =>
      inner.store(out, plus(times(token, scope.width(op.out)), i), format.element(views, shape, id, i)),
    );
  });
  return scope.kernel(op.name);
}

/** Moves heads to the layout that attention reads, or back. */
export function headsKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'heads' }>): Kernel {
  scope.perToken(LANES, (b, lane, token) => {
    b.loop('serial', 'i', { from: lane, to: headsSteps(op).count, step: LANES }, (inner, i) =>
      writeHeads(scope, inner, op, token, i),
    );
  });
  return scope.kernel(op.name);
}

/** Computes an expression tree over whole rows. */
export function mapKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'map' }>): Kernel {
  const noDot = (): never => {
    throw new Error(`${op.name}: a dot product outside a contraction`);
  };
  scope.perToken(LANES, (b, lane, token) => {
    const { buffer, row } = resultRow(scope, b, op.out, token);
    b.loop('serial', 'i', { from: lane, to: op.width, step: LANES }, (inner, i) =>
      inner.store(buffer, plus(row, i), scope.element(inner, new Names(inner), op.value, 'f32', token, i, noDot)),
    );
  });
  return scope.kernel(op.name);
}

/** A causal convolution of each feature. */
export function convolveKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'convolve' }>): Kernel {
  scope.perToken(LANES, (b, lane, token) => {
    const value = convolved(scope, b, op, token);
    const { buffer, row } = resultRow(scope, b, op.out, token);
    b.loop('serial', 'i', { from: lane, to: op.width, step: LANES }, (inner, i) =>
      inner.store(buffer, plus(row, i), value(i, 'f32')),
    );
  });
  return scope.kernel(op.name);
}

/** The kernel of a norm that is not a prologue. */
export function normaliseKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'normalise' }>): Kernel {
  if (op.heads > 1) return headNormKernel(scope, op);
  scope.perToken(LANES, (b, lane, token) => {
    const group = { lane, lanes: LANES, scratch: scratchOf(scope, LANES) };
    const x = held(b, group, op.width, row(scope, b, op.x, token));
    const at = b.let('outRow', times(scope.bufferRow(op.out, token), scope.width(op.out)));
    storeHeld(b, group, normalised(scope, b, group, x, op.norm), { buffer: scope.arena(op.out, 'write'), at });
  });
  return scope.kernel(op.name);
}

/** The kernel of a norm over each head: one workgroup for every head of a token. */
function headNormKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'normalise' }>): Kernel {
  scope.b.loop('grid', 'head', { to: op.heads }, (perHead, head) => {
    const workgroup = (b: Builder, token: Index) =>
      b.loop('workgroup', 'lane', { to: HEAD_LANES }, (inner, lane) => {
        const group = { lane, lanes: HEAD_LANES, scratch: scratchOf(scope, HEAD_LANES) };
        const from = inner.let('from', times(head, op.width));
        const value = scope.value(op.x, token);
        const x = held(inner, group, op.width, (b, feature, type) => value(b, plus(from, feature), type));
        const row = times(scope.bufferRow(op.out, token), scope.width(op.out));
        const place = { buffer: scope.arena(op.out, 'write'), at: inner.let('outAt', plus(row, from)) };
        storeHeld(inner, group, normalised(scope, inner, group, x, op.norm), place);
      });
    if (scope.lowering === 'decode') workgroup(perHead, 0);
    else perHead.loop('grid', 't', { to: scope.scalar('count') }, workgroup);
  });
  return scope.kernel(op.name);
}
