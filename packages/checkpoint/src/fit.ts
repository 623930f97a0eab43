/**
 * Checks that a checkpoint fits a graph. Names and shapes are compared before any data is read, and
 * all differences are reported at once, in a table by tensor name. Tensors that differ only in
 * their layer number share a row: a mistake in a block takes one row, not thirty.
 */
import { checkpointTensors, type Graph, type Weight } from '@lamella/graph/ir';
import { shown } from './excerpt.ts';
import { ignoring } from './ignored.ts';

/** The properties of a tensor that are compared. */
interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The differences, ready for printing. */
export interface Misfit {
  /** Aligned rows of missing, extra and wrong-shape tensors. */
  readonly table: string;
  readonly remedy: string;
}

/**
 * The head's name in Hugging Face checkpoints. A checkpoint of a tied model may store the embedding
 * a second time under this name.
 */
export const headName = 'lm_head.weight';
/**
 * Buffers of old checkpoints that no model reads: RoPE's frequencies, and GPT-NeoX's mask (Pythia)
 * with the score of masked positions. A bias has the mask's name, so the shape decides, too.
 */
function isBuffer({ name, shape }: Named): boolean {
  if (/(^|\.)rotary_emb\.inv_freq$/.test(name)) return true;
  if (/(^|\.)(attention|attn)\.masked_bias$/.test(name)) return shape.length === 0;
  const isSquare = shape.length === 4 && shape[0] === 1 && shape[1] === 1 && shape[2] === shape[3];
  return isSquare && /(^|\.)(attention|attn)\.bias$/.test(name);
}
/** The most rows printed for each kind of difference. */
const maxRows = 12;

/**
 * Compares the tensors of a checkpoint, without those in `ignored`, with the weights of the graph;
 * null if they fit.
 */
export function findMisfit(
  graph: Graph,
  tensors: ReadonlyMap<string, Named>,
  ignored: ReadonlySet<string>,
): Misfit | null {
  const tensorsOfGraph = checkpointTensors(graph);
  const wanted = new Set(tensorsOfGraph.map(({ name }) => name));
  const duplicate = duplicatedEmbedding(graph, tensors);
  const missing = tensorsOfGraph.filter(({ name }) => !tensors.has(name));
  const extra = [...tensors.values()].filter(
    (tensor) =>
      !wanted.has(tensor.name) &&
      !ignored.has(tensor.name) &&
      !isBuffer(tensor) &&
      !(duplicate && tensor.name === headName),
  );
  const misshapen = tensorsOfGraph.filter(({ name, shape }) => {
    const stored = tensors.get(name);
    return stored && !sameShape(stored.shape, shape);
  });
  if (missing.length + extra.length + misshapen.length === 0) return null;
  const rows = [
    ['', 'tensor', 'graph', 'checkpoint', ''],
    ...group(missing, 'missing', (w) => [shapeText(w.shape), '-', nearest(w, extra)]),
    ...group(extra, 'extra', ({ shape }) => ['-', shapeText(shape), '']),
    ...group(misshapen, 'wrong shape', (w) => [shapeText(w.shape), shapeText(tensors.get(w.name)?.shape ?? []), '']),
  ];
  const counts = `${missing.length} missing, ${extra.length} extra, ${misshapen.length} of the wrong shape`;
  const table = `${align(rows)}\n  ${counts}`;
  if (extra.length < missing.length + extra.length + misshapen.length)
    return { table, remedy: remedyFor(missing, extra) };
  const options = ignoring(
    extra.map(({ name }) => name),
    [...wanted],
  );
  return { table, remedy: `the graph this checkpoint was made for, or ${options} if no model needs these tensors` };
}

/**
 * The weight of a tied head if the checkpoint also stores a tensor of the same shape under the
 * head's name; otherwise null.
 */
export function duplicatedEmbedding(graph: Graph, tensors: ReadonlyMap<string, Named>): Weight | null {
  const stored = tensors.get(headName);
  if (!stored || graph.weights.some(({ name }) => name === headName)) return null;
  const head = graph.root.nodes[graph.root.result]?.op;
  const weight = head?.kind === 'linear' ? graph.weights[graph.rootWeights[head.weight] ?? -1] : undefined;
  return weight?.role === 'table' && sameShape(stored.shape, weight.shape) ? weight : null;
}

/**
 * The table for a stored head that differs from the embedding; `index` is the first element that
 * differs.
 */
export function untiedHead(embedding: Weight, index: number, embedded: number, head: number): Misfit {
  const at = `[${Math.floor(index / (embedding.shape[1] ?? 1))}, ${index % (embedding.shape[1] ?? 1)}]`;
  return {
    table: `${align([
      ['tied in the graph', embedding.name, String(embedded)],
      ['but not the same', headName, String(head)],
    ])}\n  these are the values at ${at}`,
    remedy: 'an untied head in the graph: lm_head: linear(d, vocab) beside the model',
  };
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * Rows for one kind of difference. Tensors whose names differ only in numbers share a row, with `*`
 * for the numbers.
 */
function group<T extends Named>(
  tensors: readonly T[],
  sort: string,
  cells: (tensor: T) => readonly string[],
): string[][] {
  const rows = new Map<string, { readonly tensors: T[]; readonly pattern: string }>();
  for (const tensor of tensors) {
    const pattern = patternOf(tensor.name);
    const key = `${pattern} ${shapeText(tensor.shape)}`;
    const row = rows.get(key);
    if (row) row.tensors.push(tensor);
    else rows.set(key, { tensors: [tensor], pattern });
  }
  const listed = [...rows.values()].slice(0, maxRows).map(({ tensors: [first, ...others], pattern }) => {
    const name = others.length === 0 ? first!.name : `${pattern} (${others.length + 1} tensors)`;
    return [sort, shown(name), ...cells(first!)];
  });
  const left = tensors.length - [...rows.values()].slice(0, maxRows).reduce((sum, row) => sum + row.tensors.length, 0);
  return left > 0 ? [...listed, ['', `and ${left} more ${sort}`, '', '', '']] : listed;
}

function patternOf(name: string): string {
  return name.replace(/\d+/g, '*');
}

/**
 * `perhaps NAME`: the extra tensor of the same shape whose name has the most characters in common
 * at both ends, if these are at least half of the name.
 */
function nearest(missing: Named, extra: readonly Named[]): string {
  let best = '';
  let most = missing.name.length / 2;
  for (const { name, shape } of extra) {
    const alike = commonEnds(missing.name, name);
    if (alike > most && sameShape(shape, missing.shape)) [best, most] = [name, alike];
  }
  return best && `perhaps ${shown(best)}`;
}

/** The number of characters that two names share at their beginning and end together. */
function commonEnds(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return start + end;
}

/** The remedy: another prefix if all names differ by one prefix, otherwise the right graph. */
function remedyFor(missing: readonly Named[], extra: readonly Named[]): string {
  const extraNames = extra.map(({ name }) => name);
  const wanted = missing[0]?.name;
  const longer = wanted && extraNames.find((name) => name.endsWith(`.${wanted}`));
  if (longer) {
    const prefix = longer.slice(0, -wanted.length);
    if (agree(missing, new Set(extraNames), (name) => prefix + name)) {
      return `another prefix in defineModel: the checkpoint's names begin with ${prefix} before the graph's`;
    }
  }
  const shorter = wanted && extraNames.find((name) => wanted.endsWith(`.${name}`));
  if (shorter) {
    const prefix = wanted.slice(0, -shorter.length);
    if (agree(missing, new Set(extraNames), (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name))) {
      return `another prefix in defineModel: the checkpoint's names lack ${prefix}`;
    }
  }
  return 'the graph this checkpoint was made for, or keys and sizes in the graph that match the table';
}

/** Whether most missing tensors are among `names` after renaming. */
function agree(missing: readonly Named[], names: ReadonlySet<string>, rename: (name: string) => string): boolean {
  return missing.filter(({ name }) => names.has(rename(name))).length > missing.length / 2;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Aligns rows in columns, each as wide as its widest cell. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
    .join('\n');
}
