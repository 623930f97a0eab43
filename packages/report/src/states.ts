/**
 * The states of a model, from its manifest: how many slots of which size, the rings of sliding
 * windows and convolutions, and the executions that read the slot of another.
 */
import type { Manifest, Ring } from '@lamella/runtime/manifest';
import { bytes, count } from './units.ts';

export interface States {
  /** Slots of one size and ring, in the order they first appear. */
  readonly groups: readonly { readonly slots: number; readonly bytes: number; readonly ring: Ring | null }[];
  /** Executions that read the keys and values of an earlier one. */
  readonly readers: number;
}

/** The states of a package. */
export function states({ table, rings, memory }: Pick<Manifest, 'table' | 'rings' | 'memory'>): States {
  const rows = table.filter(({ state }) => state !== 0);
  const owners = rows.filter(({ state }, i) => rows.findIndex((row) => row.state === state) === i);
  const ends = [...owners.map(({ state }) => state), memory.state.offset + memory.state.bytes].sort((a, b) => a - b);
  const groups: { slots: number; bytes: number; ring: Ring | null }[] = [];
  for (const { kind, state } of owners) {
    const size = ends[ends.indexOf(state) + 1]! - state;
    const ring = rings?.[kind] ?? null;
    const known = groups.find((group) => group.bytes === size && JSON.stringify(group.ring) === JSON.stringify(ring));
    if (known) known.slots++;
    else groups.push({ slots: 1, bytes: size, ring });
  }
  return { groups, readers: rows.length - owners.length };
}

/**
 * `a window of 512 tokens, in a ring of 640`, `convolutions of 3 tokens, in rings of 128`: a ring
 * also has room for a tile.
 */
function ringText({ of, window, positions }: Ring, slots: number): string {
  const one = of === 'attention' ? 'window' : 'convolution';
  const [these, rings] = slots === 1 ? [`a ${one}`, 'a ring'] : [`${one}s`, 'rings'];
  return `${these} of ${count(window)} tokens, in ${rings} of ${count(positions)}`;
}

/** `4 slots of 1.25 MiB for windows of 512 tokens, in rings of 640; 1 of 2 MiB`. */
export function statesText({ groups, readers }: States): string {
  if (groups.length === 0) return 'none';
  const each = groups.map(({ slots, bytes: size, ring }, i) => {
    const unit = i > 0 ? '' : slots === 1 ? ' slot' : ' slots';
    const window = ring ? ` for ${ringText(ring, slots)}` : '';
    return `${count(slots)}${unit} of ${bytes(size)}${window}`;
  });
  const reading =
    readers === 0
      ? ''
      : `; ${count(readers)} ${readers === 1 ? 'execution reads' : 'executions read'} an earlier one's`;
  return `${each.join(groups.some(({ ring }) => ring) ? '; ' : ', ')}${reading}`;
}
