/**
 * Adapts a program to a GPU. Where the context has several splits, attention leaves one result per
 * split, and each reader of the result merges them. Contractions get arena buffers for the x that
 * their workgroups cannot prepare themselves.
 */
import { type Buffer, type BufferId, type FusedOp, type Kind, type Program, valueUses } from '../../program/ir.ts';
import { padded } from '../../program/packs.ts';
import { renamed } from '../../program/rename.ts';
import { codesWidth, scalesWidth } from '../codes.ts';
import { makesOperandInside, needsOperand } from './operand.ts';
import type { GpuProfile } from './profile.ts';
import { splitsOf, splitsWidth } from './splits.ts';

/**
 * The program with attention in splits, with scratch for its contractions, and with halves for keys
 * and values where the profile has them.
 */
export function forGpu(program: Program, profile: GpuProfile): Program {
  const halves = profile.needs.includes('shader-f16');
  const buffers: Buffer[] = [...program.buffers];
  const add = (buffer: Buffer): BufferId => buffers.push(buffer) - 1;
  const kinds = program.kinds.map((plain): Kind => {
    const kind = inSplits(plain);
    const ops = kind.ops.map((op): FusedOp => {
      if (op.kind !== 'contraction' || !needsOperand(kind, op, program.context)) return op;
      // no scratch here: the end runs single tokens only, and prepares x inside. Other kinds
      // prepare a tile's x in a separate kernel
      if (kind.role === 'end' && makesOperandInside(kind, op, profile)) return op;
      const own = (name: string, element: Buffer['element'], width: number): BufferId =>
        add({ name: `${kind.name}.${op.name}.${name}`, element, width, rows: kind.role === 'end' ? 1 : program.tile });
      const scratch = op.prologue.codes
        ? { codes: own('codes', 'codes', codesWidth(kind, op)), scales: own('scales', 'f32', scalesWidth(kind, op)) }
        : { floats: own('floats', 'f32', padded(op.depth, 4)) };
      return { ...op, scratch };
    });
    const state = kind.state.map((part) =>
      halves && part.holds === 'heads' && part.format === 'f32' ? { ...part, format: 'f16' as const } : part,
    );
    return { ...kind, ops, state };
  });
  return { ...program, buffers, kinds };

  /**
   * The kind with a buffer for the splits of each attention in place of its result, where there are
   * several.
   */
  function inSplits(kind: Kind): Kind {
    const splits = new Map<BufferId, BufferId>();
    const ops = kind.ops.map((op): FusedOp => {
      const moved = renamed(
        op,
        (id) => splits.get(id) ?? id,
        (id) => id,
      );
      for (const id of valueUses(op).writes) splits.delete(id);
      if (moved.kind !== 'attention' || splitsOf(moved, program.context).count === 1) return moved;
      const width = padded(splitsWidth(moved, program.context), 4);
      const out = add({ name: `${kind.name}.${moved.name}.parts`, element: 'f32', width, rows: program.tile });
      splits.set(moved.out, out);
      return { ...moved, out };
    });
    return { ...kind, ops };
  }
}
