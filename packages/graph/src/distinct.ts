/** Names that may occur once only: of kinds, of kernels, of buffers. */

/** `name`, or `name_2`, `name_3`, ... where that is taken; it is taken from then on. */
export function distinct(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}_${n}`;
  taken.add(free);
  return free;
}
