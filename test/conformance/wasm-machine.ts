/** The WASM machine: a package's kernels, each exported. */
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import type { WasmVariant } from '@lamella/runtime/choices';
import type { Machine, Setting } from './machine.ts';
import { rig } from './rig.ts';

/** Opens a model in a variant of the module, on one thread. */
export function inWasm(variant: WasmVariant) {
  return async (graph: Graph, weightOf: WeightOf, { quant, kv }: Setting): Promise<Machine> => {
    const running = await rig(graph, weightOf, quant, variant, 1, kv);
    const { plan, kernels, graph: compiled } = running.lowered;
    const { buffer } = running.memory;
    return {
      graph: compiled,
      plan,
      kinds: kernels,
      codesKernel: () => null,
      splitAttention: () => null,
      fuses: false,
      addsInOrder: true,
      argmax: null,
      run: (kernel, row, scalars) => running.kernel(kernel, row, scalars),
      read: async (offset, bytes) => buffer.slice(offset, offset + bytes),
      write: (offset, words) => new Uint32Array(buffer, offset, words.length).set(words),
      async readState(row) {
        const { state, kind } = plan.table[row]!;
        return buffer.slice(state, state + plan.program.kinds[kind]!.stateBytes);
      },
      close: async () => {},
    };
  };
}
