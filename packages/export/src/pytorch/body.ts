/** Prints one body of the graph as Python, one assignment per node. */
import { functionOf } from '@lamella/graph/functions';
import type { Body, Node, Op, RopeScaling } from '@lamella/graph/ir';
import type { PythonName } from './maths.ts';
import { valueNames } from './names.ts';

export interface PythonBody {
  readonly lines: readonly string[];
  /** The variable that holds the result. */
  readonly result: string;
  readonly uses: ReadonlySet<PythonName>;
}

/** A number as a Python float. */
export function float(value: number): string {
  const text = value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/**
 * Prints `body`. Weights are looked up by parameter name in `w`. `stackLines` prints the loop of a
 * `stack` node, given the variables of its input and its result. With `sharesStates`, keys and values
 * are taken from `state`, where the first execution leaves them.
 */
export function printBody(
  body: Body,
  stackLines: (stack: number, from: string, to: string) => readonly string[],
  sharesStates = false,
): PythonBody {
  const names = valueNames(body);
  const uses = new Set<PythonName>();
  const lines: string[] = [];
  const v = (id: number) => names[id] ?? '';
  const gain = (id: number | null) => (id === null ? 'None' : w(id));
  const w = (id: number) => `w[${JSON.stringify(body.params[id]?.name)}]`;
  const call = (name: PythonName, ...args: readonly string[]) => {
    uses.add(name);
    return `${name}(${args.join(', ')})`;
  };

  const keysAndValues = ({ k, v: values, state }: Extract<Op, { kind: 'attention' }>): readonly string[] => {
    if (k === null || values === null) return [`*state[${state}]`];
    return sharesStates ? [`*state.setdefault(${state}, (${v(k)}, ${v(values)}))`] : [v(k), v(values)];
  };

  const expression = ({ op }: Node): string | null => {
    switch (op.kind) {
      case 'tokens':
      case 'input':
      case 'stack':
        return null;
      case 'embed':
        return call('embed', v(op.ids), w(op.table));
      case 'linear':
        return call('linear', v(op.x), w(op.weight), ...(op.bias === null ? [] : [w(op.bias)]));
      case 'rmsNorm':
        return op.heads === 1
          ? call('rms_norm', v(op.x), gain(op.gain), `eps=${float(op.eps)}`)
          : call('head_norm', v(op.x), gain(op.gain), `heads=${op.heads}`, `eps=${float(op.eps)}`);
      case 'layerNorm': {
        const bias = op.bias === null ? [] : [w(op.bias)];
        return call('layer_norm', v(op.x), w(op.gain), ...bias, `eps=${float(op.eps)}`);
      }
      case 'causalConv':
        return call('causal_conv', v(op.x), w(op.weight), ...(op.bias === null ? [] : [w(op.bias)]));
      case 'positions':
        return `${w(op.table)}[: ${v(0)}.shape[1]].expand(${v(0)}.shape[0], -1, -1)`;
      case 'rope': {
        const { pairing, theta, dims, scaling } = op.rope;
        const heads = [v(op.x), `heads=${op.heads}`, `head_dim=${op.headDim}`];
        if (dims === undefined && !scaling)
          return call(pairing === 'half' ? 'rope_half' : 'rope_adjacent', ...heads, `theta=${float(theta)}`);
        const adjacent = `adjacent=${pairing === 'half' ? 'False' : 'True'}`;
        const part = [...heads, `dims=${dims ?? op.headDim}`, `theta=${float(theta)}`, adjacent];
        return call('rope_part', ...part, ...(scaling ? scalingArguments(scaling) : []));
      }
      case 'attention':
        return call(
          op.window === null && op.softcap === null ? 'causal_attention' : 'bounded_attention',
          v(op.q),
          ...keysAndValues(op),
          `heads=${op.heads}`,
          `kv_heads=${op.kvHeads}`,
          `head_dim=${op.headDim}`,
          `scale=${float(op.scale)}`,
          ...(op.window === null ? [] : [`window=${op.window}`]),
          ...(op.softcap === null ? [] : [`softcap=${float(op.softcap)}`]),
        );
      case 'map': {
        const [x = '', y = ''] = op.args.map(v);
        return functionOf(op.fn).torch(x, y);
      }
      case 'scale':
        return `${v(op.x)} * ${float(op.by)}`;
      default:
        return op satisfies never;
    }
  };

  const scalingArguments = ({ kind, ...values }: RopeScaling): readonly string[] => {
    uses.add(`rope_${kind}`);
    const named = Object.entries(values).map(([name, value]: readonly [string, number | readonly number[]]) => {
      const python = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return `${python}=${typeof value === 'number' ? float(value) : `[${value.map(float).join(', ')}]`}`;
    });
    return [`scaled=rope_${kind}`, ...named];
  };

  for (const node of body.nodes) {
    const text = expression(node);
    if (text !== null) lines.push(`${v(node.id)} = ${text}`);
    if (node.op.kind === 'stack') lines.push(...stackLines(node.op.stack, v(node.op.x), v(node.id)));
  }
  return { lines, result: v(body.result), uses };
}
