/**
 * The same program as a GPU runs it: attention leaves sums over parts of the context where the context has several, and the contraction
 * behind it merges them; codes need no sums beside them.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { type Buffer, bufferUses, type FusedOp, type Kind, type Program, padded } from '../../program/ir.ts';
import { partCount, partsWidth } from './attention.ts';
import type { GpuProfile } from './profile.ts';

type Attention = Extract<FusedOp, { op: 'attention' }>;

/**
 * The program with merges where attention is split, and halves for keys and values where the profile has them. Throws L116 where something else
 * than a linear reads split attention.
 */
export function forGpu(program: Program, profile: GpuProfile): Program {
  const halves = profile.needs.includes('shader-f16');
  const split = partCount(program.context) > 1;
  const buffers: Buffer[] = [...program.buffers];
  const kinds = program.kinds.map((kind): Kind => {
    const attentions = kind.ops.filter((op): op is Attention => op.op === 'attention');
    for (const a of attentions) {
      const width = split ? padded(partsWidth(a.heads, a.valueStride, program.context), 4) : 4;
      buffers[a.scores] = { name: `${kind.name}.${a.name}.parts`, element: 'f32', width, per: 'token' };
    }
    const ops = kind.ops.map((op): FusedOp => {
      const source = attentions.find((a) => bufferUses(op).reads.includes(a.out));
      if (op.op !== 'contract') {
        if (!source || !split) return op;
        const reason = 'it reads attention over a long context, which only linears do';
        throw new LamellaError('L116', { op: op.op, reason, remedy: '--context 128' }, { place: kind.name });
      }
      const { quantise, ...rest } = op.prologue;
      const merge = source && split ? { parts: source.scores, heads: source.heads, stride: source.valueStride } : null;
      return { ...op, dots: null, prologue: { ...rest, merge, quantise: quantise && { ...quantise, sums: null } } };
    });
    const state = kind.state.map((part) =>
      halves && part.format === 'f32' ? { ...part, format: 'f16' as const } : part,
    );
    return { ...kind, ops, state };
  });
  return { ...program, buffers, kinds };
}
