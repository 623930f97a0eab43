/** The checks of a rotary embedding that the DSL and the verifier share. */
import { LamellaError } from './diagnostics.ts';
import { isPositiveF32 } from './f32.ts';
import type { Rope, RopeScaling, Site } from './ir.ts';

/** The place of a rotation, for messages. */
interface Where {
  readonly place: string;
  readonly site: Site | null;
}

/** Throws L103, L118, L140 or L141 unless this rotation fits heads of `headDim` features. */
export function checkRope({ theta, dims, scaling }: Rope, headDim: number, where: Where): void {
  if (headDim % 2 !== 0) throw new LamellaError('L103', { headDim, suggestion: headDim + 1 }, where);
  if (!isPositiveF32(theta)) throw new LamellaError('L118', { value: theta }, where);
  if (dims !== undefined && !(Number.isInteger(dims / 2) && dims >= 2 && dims <= headDim)) {
    const below = Math.min(headDim, 2 * Math.floor(dims / 2));
    throw new LamellaError('L140', { dims, headDim, suggestion: below >= 2 ? below : 2 }, where);
  }
  if (scaling) checkScaling(scaling, (dims ?? headDim) / 2, where);
}

function checkScaling(scaling: RopeScaling, pairs: number, where: Where): void {
  const refuse = (name: string, wanted: string, value: number | string, remedy: string): never => {
    throw new LamellaError('L141', { kind: scaling.kind, name, wanted, value, remedy }, where);
  };
  const { kind, ...values } = scaling;
  for (const [name, value] of Object.entries(values)) {
    for (const each of typeof value === 'number' ? [value] : value) {
      if (!isPositiveF32(each)) refuse(name, 'above 0', each, `${name}: 8`);
    }
  }
  if (scaling.kind === 'llama3' && scaling.lowFreqFactor >= scaling.highFreqFactor) {
    const { lowFreqFactor: low, highFreqFactor: high } = scaling;
    refuse('lowFreqFactor', `below highFreqFactor (${high})`, low, 'lowFreqFactor: 1, highFreqFactor: 4');
  }
  if (scaling.kind === 'yarn' && scaling.betaSlow >= scaling.betaFast) {
    const { betaSlow: slow, betaFast: fast } = scaling;
    refuse('betaSlow', `below betaFast (${fast})`, slow, 'betaFast: 32, betaSlow: 1');
  }
  if (scaling.kind === 'factors' && scaling.factors.length !== pairs) {
    refuse('factors', `a list of ${pairs}, one for each pair`, `${scaling.factors.length} of them`, `${pairs} factors`);
  }
}
