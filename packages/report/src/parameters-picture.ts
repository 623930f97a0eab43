/** The tensors: the parameters of each over all weight sets, and their stored bytes. */
import type { Compilation } from '@lamella/compiler/compilation';
import { elementCount, type WeightId } from '@lamella/graph/ir';
import { type Html, html } from './html.ts';
import { scaleBar } from './scale-bar.ts';
import { table } from './table.ts';
import { bytes, count } from './units.ts';

interface Tensor {
  readonly kind: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: string;
  readonly weights: Set<WeightId>;
  bytes: number;
}

/** Bytes by module as a bar, and tensors in a table whose sum is the weights region. */
export function parametersPicture(compilation: Compilation): Html {
  const { graph, plan, report } = compilation;
  const tensors = stored(compilation);
  const most = Math.max(...tensors.map((tensor) => tensor.bytes));
  const row = ({ name, bytes, weights, shape, format }: Tensor) => {
    const parameters = [...weights].reduce((sum, id) => sum + elementCount(graph.weights[id]!.shape), 0);
    const meter = html`<span class="meter" style="--share:${(bytes / most).toFixed(3)}"></span>`;
    return [name, count(bytes), meter, count(parameters), weights.size, shape.join(' × '), format];
  };
  const padding = plan.memory.weights.bytes - plan.ropeBytes - tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const besides = [
    ['RoPE angles', count(plan.ropeBytes), '', '', '', '', 'f32'],
    ['alignment', count(padding), '', '', '', '', ''],
  ];
  return html`${scaleBar('Weight bytes by module', modules(tensors))}
${table(
  'Tensors',
  [['tensor'], ['bytes'], ['size', 'text'], ['parameters'], ['copies'], ['shape'], ['format']],
  [
    ...plan.program.kinds
      .map(({ name }) => ({ title: name, rows: tensors.filter(({ kind }) => kind === name).map(row) }))
      .filter(({ rows }) => rows.length > 0),
    { title: 'besides', rows: besides },
  ],
  ['all', count(report.weightBytes), bytes(report.weightBytes), count(report.parameters), '', '', ''],
)}`;
}

/** Tensors of one kind whose names have the same first part, such as `self_attn`. */
function modules(tensors: readonly Tensor[]): readonly { readonly name: string; readonly bytes: number }[] {
  const found = new Map<string, number>();
  for (const { kind, name, bytes } of tensors) {
    const module = `${kind} ${name.split('.')[0]}`;
    found.set(module, (found.get(module) ?? 0) + bytes);
  }
  return [...found].map(([name, bytes]) => ({ name, bytes }));
}

/**
 * Every stored tensor, together with its copies. A tensor that several kinds read is counted at the
 * first.
 */
function stored({ graph, plan }: Compilation): readonly Tensor[] {
  const found = new Map<string, Tensor>();
  const owners = new Map<WeightId, string>();
  for (const { tensors } of plan.segments) {
    for (const { pack, weight } of tensors) {
      const kind = plan.program.kinds.find((each) => each.packs.includes(pack))!.name;
      const key = owners.get(weight) ?? JSON.stringify([kind, pack.name]);
      owners.set(weight, key);
      const { shape } = graph.weights[weight]!;
      const fresh = { kind, name: pack.name, shape, format: pack.format, weights: new Set<WeightId>(), bytes: 0 };
      const tensor = found.get(key) ?? fresh;
      found.set(key, tensor);
      tensor.weights.add(weight);
      tensor.bytes += pack.bytes;
    }
  }
  return [...found.values()];
}
