/** Refuses models that a WASM memory cannot hold, with options that make them fit. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { formatNames } from '@lamella/runtime/choices';
import type { CompileOptions, Planned } from '../compilation.ts';
import type { Plan } from './plan.ts';

/** Addresses in WASM are 32 bits wide. */
const MOST_BYTES = 2 ** 32;

type PlanOf = (graph: Graph, options: CompileOptions) => Plan;

/** Throws L123 if WASM memory cannot hold the model; the remedy is an option with which it fits. */
export function refuseIfTooLarge(planned: Planned, options: CompileOptions, planOf: PlanOf): void {
  const { graph, plan } = planned;
  const { plannedBytes } = plan.memory;
  if (plannedBytes <= MOST_BYTES) return;
  const gib = (plannedBytes / 2 ** 30).toFixed(2);
  throw new LamellaError('L123', { name: graph.name, gib, remedy: smaller(graph, options, planOf) });
}

/**
 * The first change that makes the model fit: coarser weights, or else coarser keys and values or a
 * shorter context, whichever of these two fit.
 */
function smaller(graph: Graph, options: CompileOptions, planOf: PlanOf): string {
  const fits = (changed: CompileOptions): boolean => {
    try {
      return planOf(graph, changed).memory.plannedBytes <= MOST_BYTES;
    } catch (error) {
      if (error instanceof LamellaError) return false;
      throw error;
    }
  };
  for (const quant of formatNames.slice(formatNames.indexOf(options.quant) + 1)) {
    if (fits({ ...options, quant })) return `compiling with --quant ${quant}`;
  }
  const codes = options.kv !== 'q8' && fits({ ...options, kv: 'q8' }) ? ['--kv q8'] : [];
  const shorter = halvings(options.context ?? graph.tokens.size).find((context) => fits({ ...options, context }));
  const changes = [...codes, ...(shorter === undefined ? [] : [`--context ${shorter}`])];
  if (changes.length > 0) return `compiling with ${changes.join(', or with ')}`;
  return 'a smaller model: fewer weight sets, narrower layers or a smaller vocabulary';
}

/** Half of a context, a quarter and so on, down to 64 tokens. */
function halvings(context: number): readonly number[] {
  const half = Math.floor(context / 2);
  return half < 64 ? [] : [half, ...halvings(half)];
}
