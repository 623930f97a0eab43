/**
 * Decides which `nn.Module` holds each tensor of the exported file. A tensor's name is the path of
 * its module and the name of a parameter there, so that `state_dict()` has the names of the
 * checkpoint. A module's class is that of its first use: `nn.Linear` for a matrix, so that LoRA finds
 * it, `nn.Embedding` for a table. A later use of another kind, such as a tied head, reads the tensor.
 */
import type { Body, Graph, Op, Param, ParamId, Rows, Weight, WeightSet } from '@lamella/graph/ir';
import { float } from './names.ts';

/** Where the tensor of a body's parameter is. */
export interface Home {
  /** Dotted path of its module: inside the block, or inside the model if the block borrows it. */
  readonly module: string;
  /** Name of the parameter in that module, e.g. `weight`. */
  readonly leaf: string;
  /** Shape of the whole tensor, and of the part that the body uses. */
  readonly shape: readonly number[];
  readonly own: readonly number[];
  /** The rows that the body uses; null for all. */
  readonly rows: Rows | null;
  /** A number that is added to every value. */
  readonly plus: number;
  readonly role: Param['role'];
  /** The module's number among the borrowed ones of the block; null for a module of its own. */
  readonly borrowed: number | null;
}

/** A block kind: where its tensors are, and the modules that each weight set borrows. */
export interface KindHomes {
  readonly homes: readonly Home[];
  /** By weight set of this kind: full paths of the borrowed modules. */
  readonly borrowed: ReadonlyMap<WeightSet, readonly string[]>;
  /** By weight set: the full path of its block. */
  readonly paths: ReadonlyMap<WeightSet, string>;
}

const tensorName = (weight: Weight): string => weight.stored?.tensor ?? weight.name;

function home(weight: Weight, name: string, borrowed: number | null): Home {
  const { shape, role, stored } = weight;
  const dot = name.lastIndexOf('.');
  const whole = stored === undefined || (stored.rows.groups === 1 && stored.rows.count === stored.shape[0]);
  return {
    module: name.slice(0, Math.max(0, dot)),
    leaf: name.slice(dot + 1),
    shape: stored?.shape ?? shape,
    own: shape,
    rows: whole ? null : stored.rows,
    plus: stored?.plus ?? 0,
    role,
    borrowed,
  };
}

/** The homes of the root's tensors, by full paths. */
export function rootHomes(graph: Graph): readonly Home[] {
  return graph.rootWeights.map((id) => home(graph.weights[id]!, tensorName(graph.weights[id]!), null));
}

/**
 * The homes of a kind's tensors. A tensor that has the same place below the path of every weight set
 * belongs to the block; the block borrows the others, which weight sets share.
 */
export function kindHomes(graph: Graph, kind: number): KindHomes {
  const params = graph.kinds[kind]!.body.params;
  const sets = graph.stacks.flatMap(({ weightSets }) => weightSets).filter((set) => set.kind === kind);
  const paths = new Map(sets.map((set) => [set, pathOf(graph, set, params)]));
  const weight = (set: WeightSet, param: ParamId): Weight => graph.weights[set.weights[param]!]!;
  const below = (set: WeightSet, param: ParamId): string | null => {
    const [path, name] = [`${paths.get(set)}.`, tensorName(weight(set, param))];
    return name.startsWith(path) ? name.slice(path.length) : null;
  };
  const moduleOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')));

  const borrowed = new Map(sets.map((set) => [set, [] as string[]]));
  const homes = params.map((_, param) => {
    const [first] = sets as [WeightSet, ...WeightSet[]];
    const place = below(first, param);
    if (place !== null && sets.every((set) => below(set, param) === place))
      return home(weight(first, param), place, null);
    const modules = sets.map((set) => moduleOf(tensorName(weight(set, param))));
    const known = borrowed
      .get(first)!
      .findIndex((_, i) => sets.every((set, s) => borrowed.get(set)![i] === modules[s]));
    const number = known >= 0 ? known : borrowed.get(first)!.length;
    if (known < 0) for (const [s, set] of sets.entries()) borrowed.get(set)!.push(modules[s]!);
    return home(weight(first, param), tensorName(weight(first, param)), number);
  });
  return { homes, borrowed, paths };
}

/** The path of a weight set's block: what most of its weights' names begin with. */
function pathOf(graph: Graph, set: WeightSet, params: readonly Param[]): string {
  const counts = new Map<string, number>();
  for (const [i, { name }] of params.entries()) {
    const full = graph.weights[set.weights[i]!]!.name;
    const path = full.slice(0, -name.length - 1);
    if (full.endsWith(`.${name}`)) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), ['', 0] as [string, number])[0];
}

/** A call of a module instead of a function of its tensors. */
export interface Call {
  readonly home: Home;
  /** Python that makes the module. */
  readonly make: string;
  readonly params: readonly ParamId[];
}

/** The module that computes `op` from its parameters alone; null if there is none. */
export function callOf(op: Op, homes: readonly Home[]): Call | null {
  const call = (weight: ParamId, bias: ParamId | null, make: (home: Home) => string): Call | null => {
    const at = homes[weight]!;
    const beside = bias === null ? null : homes[bias]!;
    const fits =
      at.leaf === 'weight' &&
      at.module !== '' &&
      (beside === null ||
        (beside.leaf === 'bias' &&
          beside.module === at.module &&
          beside.borrowed === at.borrowed &&
          JSON.stringify(beside.rows) === JSON.stringify(at.rows)));
    return fits ? { home: at, make: make(at), params: bias === null ? [weight] : [weight, bias] } : null;
  };
  const bool = (value: boolean): string => (value ? 'True' : 'False');
  switch (op.kind) {
    case 'embed':
    case 'positions':
      return call(op.table, null, ({ shape }) => `nn.Embedding(${shape.join(', ')})`);
    case 'linear':
      return call(op.weight, op.bias, ({ shape: [to, from] }) => {
        return `nn.Linear(${from}, ${to}, bias=${bool(op.bias !== null)})`;
      });
    case 'rmsNorm': {
      if (op.gain === null) return null;
      return call(op.gain, null, ({ shape, plus }) => {
        return `RMSNorm(${shape[0]}, eps=${float(op.eps)}${plus === 0 ? '' : `, plus=${float(plus)}`})`;
      });
    }
    case 'layerNorm':
      if (homes[op.gain]!.plus !== 0) return null;
      return call(op.gain, op.bias, ({ shape }) => {
        return `LayerNorm(${shape[0]}, eps=${float(op.eps)}, bias=${bool(op.bias !== null)})`;
      });
    default:
      return null;
  }
}

/** The modules and parameters of the file by path, collected from the bodies that use them. */
export class ModuleTree {
  /** By path of a module: the first values of its parameters, by name. */
  readonly #tensors = new Map<string, Map<string, string>>();
  /** By path of a module: its first use. */
  readonly #calls = new Map<string, { readonly make: string; readonly leaves: readonly string[] }>();

  /** Adds what a body uses. A home has one path in the tree, or one for each weight set. */
  add(body: Body, homes: readonly Home[], pathsOf: (home: Home) => readonly string[]): void {
    for (const home of homes) {
      for (const path of pathsOf(home)) {
        const tensors = this.#tensors.get(path) ?? new Map<string, string>();
        this.#tensors.set(path, tensors.set(home.leaf, initial(home)));
      }
    }
    for (const { op } of body.nodes) {
      const call = callOf(op, homes);
      for (const path of call === null ? [] : pathsOf(call.home))
        if (!this.#calls.has(path))
          this.#calls.set(path, { make: call!.make, leaves: call!.params.map((param) => homes[param]!.leaf) });
    }
  }

  /** The Python that makes the module at this path; null if it has bare parameters. */
  makes(path: string): string | null {
    const call = this.#calls.get(path);
    // A parameter that the module of the first use would not have makes it a plain one.
    const fits = call && [...this.#tensors.get(path)!.keys()].every((leaf) => call.leaves.includes(leaf));
    return fits ? call.make : null;
  }

  /** Python for each module, and for each bare parameter, by path. */
  get made(): readonly (readonly [string, string])[] {
    return [...this.#tensors].flatMap(([path, tensors]) => {
      const make = this.makes(path);
      if (make !== null) return [[path, make] as const];
      const under = path === '' ? '' : `${path}.`;
      return [...tensors].map(([leaf, value]) => [`${under}${leaf}`, `nn.Parameter(${value})`] as const);
    });
  }
}

/** The first value of a bare parameter; matrices are drawn later. */
function initial({ role, shape, plus }: Home): string {
  if (role === 'gain') return `torch.full((${shape[0]},), ${float(1 - plus)})`;
  const size = shape.join(', ');
  return role === 'bias' ? `torch.zeros(${size})` : `torch.empty(${size})`;
}
