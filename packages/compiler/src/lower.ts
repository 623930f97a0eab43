/**
 * The passes up to the plan, which decide whether a graph can be compiled: whatever they refuse, `check` and `compile` refuse alike, and what
 * comes behind them (schedules, printing, assembling) refuses nothing.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { verify } from '@lamella/graph/verify';
import type { Target } from '@lamella/runtime/choices';
import { fuse } from './fuse/fuse.ts';
import { type Plan, plan } from './plan.ts';
import type { FormatName, KvName, Program } from './program/ir.ts';
import { verifyPlan, verifyProgram } from './program/verify.ts';
import { quantise } from './quantise.ts';
import { forCpu } from './schedule/cpu/program.ts';
import { share } from './share.ts';

export interface CompileOptions {
  readonly quant: FormatName;
  /** How keys and values are kept; f32 when left out. */
  readonly kv?: KvName;
  /** Longest sequence; the graph's token axis when left out. */
  readonly context?: number;
  /** WASM is always there: it is what another target falls back to. */
  readonly targets?: readonly Target[];
}

/** The program, and its plan on a target, of a graph with the context that is wanted. */
export function lowerToPlan(
  graph: Graph,
  { quant, kv = 'f32' }: CompileOptions,
  forTarget: (program: Program) => Program = forCpu,
): { readonly fused: Program; readonly plan: Plan } {
  verify(graph);
  const shared = share(graph);
  const unquantised = fuse(shared);
  verifyProgram(unquantised);
  const fused = quantise(unquantised, quant, kv);
  verifyProgram(fused);
  const planned = plan(forTarget(fused), shared);
  verifyProgram(planned.program);
  verifyPlan(planned);
  return { fused, plan: planned };
}

/** Addresses in WASM are 32 bits wide. */
const MOST_BYTES = 2 ** 32;

/** Throws L123 before anybody downloads what cannot be loaded. */
export function refuseIfTooLarge(graph: Graph, options: CompileOptions, { program, memory }: Plan): void {
  if (memory.plannedBytes <= MOST_BYTES) return;
  const gib = (memory.plannedBytes / 2 ** 30).toFixed(2);
  throw new LamellaError('L123', { name: program.name, gib, remedy: smaller(graph, options) });
}

/** What to compile with so that the model fits, tried out: coarser weights, then coarser keys and values, then a shorter context. */
function smaller(graph: Graph, options: CompileOptions): string {
  const fits = (changed: CompileOptions): boolean => {
    try {
      return lowerToPlan(withContext(graph, changed.context), changed).plan.memory.plannedBytes <= MOST_BYTES;
    } catch (error) {
      if (error instanceof LamellaError) return false;
      throw error;
    }
  };
  const order = ['f32', 'q8', 'q4'] as const;
  for (const quant of order.slice(order.indexOf(options.quant) + 1)) {
    if (fits({ ...options, quant })) return `compiling with --quant ${quant}`;
  }
  if (options.kv !== 'q8' && fits({ ...options, kv: 'q8' })) return 'compiling with --kv q8';
  for (let context = Math.floor(graph.tokens.size / 2); context >= 64; context = Math.floor(context / 2)) {
    if (fits({ ...options, context })) return `compiling with --context ${context}`;
  }
  return 'a smaller model: fewer weight sets, narrower layers or a smaller vocabulary';
}

/** The same graph for another longest sequence. */
export function withContext(graph: Graph, context: number | undefined): Graph {
  if (context === undefined || context === graph.tokens.size) return graph;
  if (!Number.isInteger(context) || context < 1)
    throw new LamellaError('L303', {
      option: '--context',
      value: context,
      remedy: 'a whole number of tokens, at least 1',
    });
  const from = graph.tokens;
  const tokens = { ...from, size: context };
  const resize = (body: Graph['root']): Graph['root'] => ({
    ...body,
    nodes: body.nodes.map((n) => ({
      ...n,
      axes: n.axes.map((a, i) => (i === 0 && a.name === from.name && a.size === from.size ? tokens : a)),
    })),
  });
  return {
    ...graph,
    tokens,
    root: resize(graph.root),
    kinds: graph.kinds.map((k) => ({ ...k, body: resize(k.body) })),
  };
}
