/**
 * The graph as text, for `lamella compile --emit graph` and the goldens. Source lines are omitted,
 * so the text depends only on the model and not on the layout of the author's file.
 */
import type { Axis, Body, Graph, Op, Rope, Stack, Weight, WeightId } from './ir.ts';
import { parameterCount } from './ir.ts';

/** The whole graph, one line per tensor, operation and execution. Ends with a newline. */
export function printGraph(graph: Graph): string {
  const facts = `${axisText(graph.tokens)} vocab=${graph.vocab} parameters=${parameterCount(graph)}`;
  const sections = [
    [`graph ${graph.name}: ${facts}`],
    ['weights', ...columns(graph.weights.map((w) => [`w${w.id}`, w.role, shapeText(w.shape), w.name, storedText(w)]))],
    ...graph.kinds.map(({ name, body }) => [`kind ${name}`, ...bodyLines(body)]),
    ...graph.stacks.map((stack) => stackLines(stack, graph)),
    [`root: ${weightRanges(graph.rootWeights)}`, ...bodyLines(graph.root)],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** `d=576` */
export function axisText({ name, size }: Axis): string {
  return `${name}=${size}`;
}

/** `[t=2048, d=576]` */
export function axesText(axes: readonly Axis[]): string {
  return `[${axes.map(axisText).join(', ')}]`;
}

/** `[1536, 576]` */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function bodyLines(body: Body): string[] {
  const params = columns(body.params.map(({ name, role, shape }) => ['param', role, shapeText(shape), name]));
  const nodes = columns(
    body.nodes.map(({ id, op, axes, path }) => [`%${id}`, `= ${opText(op, body)}`, `: ${axesText(axes)}`, path]),
  );
  return [...params, ...nodes, `  return %${body.result}`];
}

/** The operation with its operands: parameters by name, constants as `key=value`. */
function opText(op: Op, body: Body): string {
  const param = (id: number) => body.params[id]?.name ?? `param ${id}?`;
  switch (op.kind) {
    case 'tokens':
    case 'input':
      return op.kind;
    case 'embed':
      return `embed %${op.ids}, ${param(op.table)}`;
    case 'linear':
      return `linear %${op.x}, ${param(op.weight)}${op.bias === null ? '' : `, ${param(op.bias)}`}`;
    case 'rmsNorm':
      return `rmsNorm %${op.x}${op.gain === null ? '' : `, ${param(op.gain)}`}, eps=${op.eps}${op.heads > 1 ? ` heads=${op.heads}` : ''}`;
    case 'layerNorm':
      return `layerNorm %${op.x}, ${param(op.gain)}${op.bias === null ? '' : `, ${param(op.bias)}`}, eps=${op.eps}`;
    case 'causalConv': {
      const bias = op.bias === null ? '' : `, ${param(op.bias)}`;
      return `causalConv %${op.x}, ${param(op.weight)}${bias}, state=${op.state}`;
    }
    case 'positions':
      return `positions ${param(op.table)}`;
    case 'rope':
      return `rope %${op.x}, heads=${op.heads}x${op.headDim} ${ropeText(op.rope)}`;
    case 'attention': {
      const heads = `heads=${op.heads}x${op.headDim} kvHeads=${op.kvHeads}`;
      const appended = op.k === null ? 'keys and values of an earlier execution' : `%${op.k}, %${op.v}`;
      const window = op.window === null ? '' : ` window=${op.window}`;
      const softcap = op.softcap === null ? '' : ` softcap=${op.softcap}`;
      return `attention %${op.q}, ${appended}, ${heads} scale=${op.scale}${window}${softcap} state=${op.state}`;
    }
    case 'map':
      return `${op.fn} ${op.args.map((v) => `%${v}`).join(', ')}`;
    case 'scale':
      return `scale %${op.x}, by=${op.by}`;
    case 'stack':
      return `stack %${op.x}, stack=${op.stack}`;
    default:
      return op satisfies never;
  }
}

/** The source of a weight: `rows 0 to 63 of each 192 of h.0.qkv.weight [1536, 512], plus 1`. */
function storedText({ name, stored }: Weight): string {
  if (!stored) return '';
  const { tensor, shape, plus } = stored;
  const { first, count, groups, stride } = stored.rows;
  const added = plus === 0 ? [] : [`plus ${plus}`];
  const isWhole = groups * count === shape[0];
  const of = groups > 1 ? `each ${stride} of ` : '';
  const rows = isWhole ? '' : `rows ${first} to ${first + count - 1} of ${of}`;
  const from = isWhole && tensor === name ? [] : [`${rows}${tensor} ${shapeText(shape)}`];
  return [...from, ...added].join(', ');
}

/** `theta=500000 half dims=16 llama3 factor=32 ...`; absent parts are omitted. */
function ropeText({ theta, pairing, dims, scaling }: Rope): string {
  const { kind, ...values } = scaling ?? { kind: null };
  const named = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  const parts = [`theta=${theta}`, pairing, dims === undefined ? null : `dims=${dims}`, kind, ...named];
  return parts.filter((part) => part !== null).join(' ');
}

function stackLines(stack: Stack, graph: Graph): string[] {
  const kindName = (set: number) => graph.kinds[stack.weightSets[set]?.kind ?? -1]?.name ?? '?';
  const sets = stack.weightSets.map(({ weights }, i) => [`set ${i}`, kindName(i), weightRanges(weights)]);
  const runs = stack.executions.map(({ weightSet, slot, reads }, i) => [
    `run ${i}`,
    `set ${weightSet}`,
    `slot ${slot}`,
    ...(reads ? ['reads'] : []),
  ]);
  const facts = `${stack.weightSets.length} weight sets, ${stack.executions.length} executions`;
  return [`stack ${stack.name}: ${stack.sharing.text}, ${facts}`, ...columns(sets), ...columns(runs)];
}

/** `w1..w9`, or with gaps if the set shares tensors with another: `w1..w6 w40..w42`. */
function weightRanges(ids: readonly WeightId[]): string {
  const ranges: { first: WeightId; last: WeightId }[] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range && id === range.last + 1) range.last = id;
    else ranges.push({ first: id, last: id });
  }
  return ranges.map(({ first, last }) => (first === last ? `w${first}` : `w${first}..w${last}`)).join(' ');
}

/** Rows as indented lines with aligned columns. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd());
}
