/**
 * Checks a program after `fuse` and `quantise`, and a plan after `plan`: every buffer is written
 * before it is read, formats fit, and buffers that are live at the same time do not overlap. A
 * failure is a bug in the compiler.
 */

import { formats } from '../formats/table.ts';
import { ALIGNMENT } from '../plan/arena.ts';
import type { Plan } from '../plan/plan.ts';
import { type BufferId, bufferUses, type Kind, type Program } from './ir.ts';
import { packRows } from './packs.ts';

/** Returns the program; throws if it breaks a rule. */
export function verifyProgram(program: Program): Program {
  program.kinds.forEach((kind) => {
    verifyKind(program, kind);
  });
  program.rows.forEach((row, i) => {
    const kind = program.kinds[row.kind];
    if (!kind) throw new Error(`row ${i}: no kind ${row.kind}`);
    if ((row.slot !== null) !== kind.state.length > 0)
      throw new Error(`row ${i}: state slot and kind ${kind.name} disagree`);
    for (const p of kind.packs)
      if (row.weights[p.param] === undefined) throw new Error(`row ${i}: no weight for ${p.name}`);
  });
  const fills = new Map<number, number>();
  for (const { kind, slot } of program.rows) {
    if (slot === null) continue;
    const { reads } = program.kinds[kind]!;
    if (reads === null && fills.has(slot)) throw new Error('two executions fill one state slot');
    if (reads !== null && fills.get(slot) !== reads) throw new Error(`a row reads slot ${slot}, which it cannot`);
    if (reads === null) fills.set(slot, kind);
  }
  if (program.rows.at(-1)?.kind !== program.kinds.length - 1) throw new Error('the last row is not the end');
  return program;
}

function verifyKind(program: Program, kind: Kind): void {
  const fail = (why: string): never => {
    throw new Error(`kind ${kind.name}: ${why}`);
  };
  const written = new Set<BufferId>(kind.role === 'start' ? [] : program.carried);
  for (const op of kind.ops) {
    const { reads, writes } = bufferUses(op);
    for (const id of reads)
      if (!written.has(id)) fail(`${op.name} reads ${program.buffers[id]?.name} before it is written`);
    for (const id of writes) written.add(id);
    if (op.kind !== 'contraction') continue;
    for (const segment of op.segments) {
      // one thread may still read x when another writes its result
      if (segment.stores.some(({ to }) => to.kind === 'buffer' && to.buffer === op.x))
        fail(`${op.name} overwrites its x`);
      for (const id of segment.streams) {
        const pack = kind.packs[id] ?? fail(`${op.name}: no pack ${id}`);
        if (formats[pack.format].integer !== op.prologue.codes)
          fail(`${op.name}: ${pack.name} needs other activations`);
        if (packRows(pack) < segment.rows) fail(`${op.name}: ${pack.name} has too few rows`);
        if (pack.block !== kind.packs[segment.streams[0]!]!.block) fail(`${op.name}: streams in different blocks`);
      }
    }
  }
  if (kind.role !== 'end' && !program.carried.every((id) => written.has(id))) fail('it leaves no residual stream');
}

/**
 * Returns the plan; throws if addresses overlap or lie outside their region, or if the program
 * breaks a rule.
 */
export function verifyPlan(plan: Plan): Plan {
  verifyProgram(plan.program);
  const { intervals, offsets, bytes } = plan.arena;
  intervals.forEach((a, i) => {
    if (offsets[i]! % ALIGNMENT !== 0 || offsets[i]! + a.bytes > bytes)
      throw new Error(`${a.name} lies outside the arena`);
    intervals.slice(0, i).forEach((b, j) => {
      const together = a.first <= b.last && b.first <= a.last;
      const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
      if (together && !apart) throw new Error(`${a.name} and ${b.name} overlap`);
    });
  });
  const { step, tokens, logits, arena, weights, state, table, plannedBytes } = plan.memory;
  let end = 0;
  for (const region of [step, tokens, logits, arena, weights, state, table]) {
    if (region.offset < end) throw new Error('memory regions overlap');
    end = region.offset + region.bytes;
  }
  if (end > plannedBytes) throw new Error('memory regions exceed the plan');
  let weightEnd = plan.ropeBytes;
  for (const segment of plan.segments) {
    if (segment.offset < weightEnd) throw new Error('weight segments overlap');
    weightEnd = segment.offset + segment.bytes;
  }
  if (weightEnd > weights.bytes) throw new Error('weight segments exceed their region');
  return plan;
}
