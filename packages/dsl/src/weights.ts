/**
 * The distinct weights of a model with their names: tied and shared tensors appear once, in
 * checkpoint order.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Weight, WeightId } from '@lamella/graph/ir';
import type { Parameter } from './module.ts';

/** A weight at one of its places. */
export interface NamedParameter {
  readonly parameter: Parameter;
  readonly name: string;
  /** Whether the place is in the model itself, not in a stack; such a name takes precedence. */
  readonly outer: boolean;
}

/**
 * Ids and names of all weights, from all their places. Throws L114 if two weights have the same
 * name.
 */
export class WeightTable {
  readonly list: readonly Weight[];
  readonly #ids = new Map<Parameter, WeightId>();
  readonly #used = new Set<WeightId>();

  constructor(named: readonly NamedParameter[]) {
    const chosen = new Map<Parameter, NamedParameter>();
    for (const each of named) {
      const known = chosen.get(each.parameter);
      if (!known || (each.outer && !known.outer)) chosen.set(each.parameter, each);
    }
    const names = new Set<string>();
    this.list = [...chosen].map(([parameter, { name }], id) => {
      const { shape, role, stored: as } = parameter;
      const site = parameter.site();
      if (names.has(name)) throw new LamellaError('L114', { name }, { place: name, site });
      names.add(name);
      this.#ids.set(parameter, id);
      if (!as) return { id, name, shape, role, site };
      const { tensorOf, ...how } = as;
      return { id, name, shape, role, site, stored: { tensor: tensorOf(name), ...how } };
    });
  }

  /** Ids for the parameters of a body, in order. */
  bind(parameters: readonly Parameter[]): readonly WeightId[] {
    return parameters.map((parameter) => {
      const id = this.#ids.get(parameter);
      if (id === undefined) throw new Error('a traced parameter has no name');
      this.#used.add(id);
      return id;
    });
  }

  /** Throws L122 if no body uses a weight, because it would be loaded for nothing. */
  checkUsed(): void {
    const idle = this.list.find(({ id }) => !this.#used.has(id));
    if (idle) throw new LamellaError('L122', { name: idle.name }, { site: idle.site });
  }
}
