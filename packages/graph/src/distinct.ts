/** Unique names: block kinds, kernels and buffers each need one. */

/** Returns `name`, or the first free one of `name_2`, `name_3`, ..., and adds it to `taken`. */
export function distinct(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}_${n}`;
  taken.add(free);
  return free;
}
