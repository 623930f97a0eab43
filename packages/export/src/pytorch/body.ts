/**
 * Prints one body of the graph as the lines of a `forward`, one assignment per node. Operations with
 * weights are calls of modules (`modules.ts`).
 */
import { functionOf } from '@lamella/graph/functions';
import type { Body, Node, Op, ParamId, RopeScaling, Rows } from '@lamella/graph/ir';
import type { PythonName } from './maths.ts';
import { callOf, type Home } from './modules.ts';
import { attribute, float, valueNames } from './names.ts';

export interface PythonBody {
  readonly lines: readonly string[];
  /** The variable that holds the result. */
  readonly result: string;
  readonly uses: ReadonlySet<PythonName>;
}

/** What a body is printed for. */
export interface Surroundings {
  /** By parameter of the body. */
  readonly homes: readonly Home[];
  /** Whether the module at a home is made by this Python, in every weight set. */
  readonly isMade: (home: Home, make: string) => boolean;
  /** Whether children of this path are places of a list. */
  readonly isList?: (path: string) => boolean;
  /** Python for the position of the first token. */
  readonly start: string;
  /** The loop of a `stack` node, given the variables of its input and its result. */
  readonly stackLines?: (stack: number, from: string, to: string) => readonly string[];
}

export function printBody(body: Body, { homes, isMade, isList, start, stackLines }: Surroundings): PythonBody {
  const names = valueNames(body);
  const uses = new Set<PythonName>();
  const lines: string[] = [];
  const v = (id: number) => names[id] ?? '';
  const call = (name: PythonName, ...args: readonly string[]) => {
    uses.add(name);
    return `${name}(${args.join(', ')})`;
  };
  const module = ({ module, borrowed }: Home) =>
    borrowed === null ? attribute('self', module, isList) : `borrowed_${borrowed}`;
  const taken = (whole: string, axis: number, { first, count, groups, stride }: Rows) =>
    call('part', whole, String(axis), ...[first, count, groups, stride].map(String));

  /** The tensor of a parameter. */
  const w = (id: ParamId) => {
    const home = homes[id]!;
    const whole = attribute(module(home), home.leaf);
    const rows = home.rows === null ? whole : taken(whole, 0, home.rows);
    const shaped = home.own.length === home.shape.length ? rows : `${rows}.reshape(${home.own.join(', ')})`;
    return home.plus === 0 ? shaped : `(${shaped} + ${float(home.plus)})`;
  };
  const optional = (id: ParamId | null) => (id === null ? [] : [w(id)]);

  /** Whole products of split modules, by module and input: their parts are computed together. */
  const products = new Map<string, string>();
  /** The call of the module for `op`, or `otherwise` if it has none. */
  const applied = (op: Op, x: string, otherwise: () => string): string => {
    const found = callOf(op, homes);
    if (found === null || !isMade(found.home, found.make)) return otherwise();
    const { rows } = found.home;
    const text = `${module(found.home)}(${x})`;
    if (rows === null) return text;
    if (!products.has(text)) {
      products.set(text, products.size === 0 ? 'whole' : `whole_${products.size + 1}`);
      lines.push(`${products.get(text)} = ${text}`);
    }
    return taken(products.get(text)!, -1, rows);
  };

  /** Numbers of the states whose keys and values have variables. */
  const states = new Set<number>();
  const keysAndValues = ({ k, v: values, state }: Extract<Op, { kind: 'attention' }>): readonly string[] => {
    const variables = state === 0 ? ['keys', 'values'] : [`keys_${state}`, `values_${state}`];
    if (!states.has(state)) {
      const added = k === null || values === null ? [] : [v(k), v(values)];
      lines.push(`${variables.join(', ')} = state.extend(${[state, ...added].join(', ')})`);
      states.add(state);
    }
    return variables;
  };

  const expression = ({ op }: Node): string | null => {
    switch (op.kind) {
      case 'tokens':
      case 'input':
      case 'stack':
        return null;
      case 'embed':
        return applied(op, v(op.ids), () => `${w(op.table)}[${v(op.ids)}]`);
      case 'linear':
        return applied(op, v(op.x), () => {
          return `functional.linear(${[v(op.x), w(op.weight), ...optional(op.bias)].join(', ')})`;
        });
      case 'rmsNorm': {
        const x = op.heads === 1 ? v(op.x) : `${v(op.x)}.unflatten(-1, (${op.heads}, -1))`;
        const y = applied(op, x, () => call('rms_norm', x, ...optional(op.gain), `eps=${float(op.eps)}`));
        return op.heads === 1 ? y : `${y}.flatten(-2)`;
      }
      case 'layerNorm':
        return applied(op, v(op.x), () => {
          const size = body.params[op.gain]!.shape[0];
          const bias = op.bias === null ? 'None' : w(op.bias);
          return `functional.layer_norm(${v(op.x)}, (${size},), ${w(op.gain)}, ${bias}, eps=${float(op.eps)})`;
        });
      case 'causalConv': {
        const inputs = op.state === 0 ? 'inputs' : `inputs_${op.state}`;
        lines.push(`(${inputs},) = state.extend(${op.state}, ${v(op.x)})`);
        return call('causal_conv', inputs, `${v(op.x)}.shape[1]`, w(op.weight), ...optional(op.bias));
      }
      case 'positions':
        return `${w(op.table)}[${start} : ${start} + ${v(0)}.shape[1]].expand(${v(0)}.shape[0], -1, -1)`;
      case 'rope': {
        const { pairing, theta, dims, scaling } = op.rope;
        const heads = [v(op.x), start, `heads=${op.heads}`, `head_dim=${op.headDim}`];
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
    return [`scaled="rope_${kind}"`, ...named];
  };

  for (const node of body.nodes) {
    const text = expression(node);
    if (text !== null) lines.push(`${v(node.id)} = ${text}`);
    if (node.op.kind === 'stack') lines.push(...(stackLines?.(node.op.stack, v(node.op.x), v(node.id)) ?? []));
  }
  return { lines, result: v(body.result), uses };
}
