/** Hand-made plans, for passes that read only a part of one. */
import type { Plan } from '../src/plan/plan.ts';
import type { Kind } from '../src/program/ir.ts';
import type { Pack } from '../src/program/packs.ts';

const nothing = { offset: 0, bytes: 0 };

/** A kind without operations. */
export function kind(name: string, role: Kind['role'], packs: readonly Pack[] = []): Kind {
  return { name, role, ops: [], packs, groups: [], reads: null, state: [], stateBytes: 0 };
}

/** A plan with these parts; the weights region starts at 64. */
export function planOf(
  parts: Pick<Plan, 'segments'> & Partial<Pick<Plan, 'table' | 'ropeBytes'>> & { program?: Partial<Plan['program']> },
): Plan {
  const last = parts.segments.at(-1);
  const bytes = last ? last.offset + last.bytes : 0;
  const empty = { context: 1, vocab: 1, tile: 1, buffers: [], carried: [], kinds: [], rows: [], ropeTables: [] };
  return {
    memory: {
      plannedBytes: 0,
      step: nothing,
      tokens: nothing,
      logits: nothing,
      arena: nothing,
      weights: { offset: 64, bytes },
      state: nothing,
      table: nothing,
    },
    arena: { offsets: [], bytes: 0, lowerBoundBytes: 0, intervals: [] },
    bufferAddress: [],
    ropeAddress: [],
    ropeBytes: 0,
    table: [],
    rowWords: 3,
    ...parts,
    program: { name: 'by hand', ...empty, ...parts.program },
  };
}
