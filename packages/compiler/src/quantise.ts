/**
 * Pass 3: formats. Precision is policy, decided here and nowhere later: matrices and the embedding take the chosen format, gains,
 * biases and everything computed stay f32. A contraction over integer weights quantises its x once, in its own prologue (W8A8,
 * MobileLLM section 4.4).
 */
import type { Buffer, FormatName, FusedOp, Kind, Program } from './program/ir.ts';
import { padded } from './program/ir.ts';

/** The program with every stored matrix in `format`, and codes where its contractions need them. */
export function quantise(program: Program, format: FormatName): Program {
  if (format === 'f32') return program;
  const buffers: Buffer[] = [...program.buffers];
  const kinds = program.kinds.map((kind): Kind => {
    const packs = kind.packs.map((p) => (p.layout === 'matrix' ? { ...p, format } : p));
    const ops = kind.ops.map((op): FusedOp => {
      if (op.op !== 'contract') return op;
      const name = `${kind.name}.${op.name}`;
      const codes =
        buffers.push({ name: `${name}.codes`, element: 'codes', width: padded(op.depth, 4), per: 'token' }) - 1;
      const scales = buffers.push({ name: `${name}.scales`, element: 'f32', width: 1, per: 'token' }) - 1;
      return { ...op, prologue: { ...op.prologue, quantise: { codes, scales } } };
    });
    return { ...kind, packs, ops };
  });
  return { ...program, buffers, kinds };
}
