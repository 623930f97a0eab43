/**
 * Prints a graph as a plain PyTorch module, for training or for checking a compiled package. It is
 * made from the graph, not from the kernels: parameters under their checkpoint names, one function
 * per block kind, and the execution table as a list that a loop runs through. A tied or shared
 * tensor is one parameter, so `state_dict()` has each name once.
 */
import type { Graph, Param, Stored, WeightSet } from '@lamella/graph/ir';
import { float, type PythonBody, printBody } from './body.ts';
import { eventsPy } from './events-script.ts';
import { type PythonName, pythonFunctions } from './maths.ts';
import { distinct } from './names.ts';
import { quantisationPy } from './quantisation-script.ts';
import { checkpointPy, logitsPy } from './scripts.ts';
import { trainPy } from './train-script.ts';

/**
 * The exported files by name: the module, safetensors reading and writing, a script that prints
 * logits as JSON, and a training script with its log and quantised weights.
 */
export interface PyTorchFiles {
  readonly 'model.py': string;
  readonly 'checkpoint.py': string;
  readonly 'logits.py': string;
  readonly 'train.py': string;
  readonly 'events.py': string;
  readonly 'quantisation.py': string;
}

/**
 * The graph as Python files that need only torch (1.13 or later). `Model()(tokens)` takes int64
 * [batch, t] and returns f32 logits [batch, t, vocab]; `Model().state_dict()` has exactly the
 * tensors of the checkpoint.
 */
export function exportPyTorch(graph: Graph): PyTorchFiles {
  return {
    'model.py': modelPy(graph),
    'checkpoint.py': checkpointPy,
    'logits.py': logitsPy,
    'train.py': trainPy,
    'events.py': eventsPy,
    'quantisation.py': quantisationPy,
  };
}

/** Whether a file that begins with this text was exported by Lamella. */
export function isExported(beginning: string): boolean {
  return /^"""[\s\S]*?\bwritten by Lamella\b/.test(beginning);
}

function modelPy(graph: Graph): string {
  const kindNames = distinct(graph.kinds.map((kind) => kind.name));
  const kinds = graph.kinds.map(({ body }, i) => ({ name: kindNames[i]?.toUpperCase() ?? '', body }));
  const sharesStates = graph.stacks.some(({ executions }) => executions.some(({ reads }) => reads));
  const functionOf = (kind: number) => `block_${kinds[kind]?.name.toLowerCase()}`;
  const stackNames = distinct(graph.stacks.map((stack) => stack.name)).map((name) => name.toUpperCase());

  const blocks = kinds.map(({ body }, index) => {
    const printed = printBody(body, () => [], sharesStates);
    const takes = sharesStates ? 'x, w, state' : 'x, w';
    const weights = `${kinds[index]?.name}_WEIGHTS`;
    return { printed, text: blockFunction(`${functionOf(index)}(${takes})`, weights, body.params, printed) };
  });
  const root = printBody(graph.root, (stack, from, to) => [
    ...(from === to ? [] : [`${to} = ${from}`]),
    ...(sharesStates && stack === 0 ? ['states = {}'] : []),
    `for weight_set${sharesStates ? ', slot' : ''} in ${stackNames[stack]}_EXECUTIONS:`,
    `    block, _, names = ${stackNames[stack]}_WEIGHT_SETS[weight_set]`,
    `    ${to} = block(${to}, {param: parameters[name] for param, name in names.items()}${sharesStates ? ', states.setdefault(slot, {})' : ''})`,
  ]);

  const rootNames = graph.root.params.map(
    (param, i) =>
      `    ${JSON.stringify(param.name)}: ${JSON.stringify(graph.weights[graph.rootWeights[i] ?? -1]?.name)},`,
  );
  const parts = graph.weights.flatMap(({ name, shape, stored }) => (stored ? [partText(name, shape, stored)] : []));
  const hasParts = parts.length > 0;
  const matrices = graph.weights.flatMap(({ name, role, stored }) =>
    role === 'matrix' ? [stored?.tensor ?? name] : [],
  );
  const stacks = graph.stacks.map((stack, i) => {
    const name = stackNames[i];
    const sets = stack.weightSets.map(
      (set) =>
        `    (${functionOf(set.kind)}, ${kinds[set.kind]?.name}_WEIGHTS, ${boundNames(graph, set, kinds[set.kind]?.name ?? '')}),`,
    );
    return [
      `# Stack ${stack.name}, ${stack.sharing.text}: a block and its weights, for each weight set.`,
      `${name}_WEIGHT_SETS = [`,
      ...sets,
      ']',
      ...(sharesStates
        ? [
            '# The weight set of each execution, in the order they run, and the slot of its keys and values: the first with a slot fills it.',
            `${name}_EXECUTIONS = ${wrapped(stack.executions.map((e) => `(${e.weightSet}, ${e.slot})`))}`,
          ]
        : [
            '# The weight set of each execution, in the order they run.',
            `${name}_EXECUTIONS = ${wrapped(stack.executions.map((e) => String(e.weightSet)))}`,
          ]),
    ].join('\n');
  });

  return `"""
The model ${graph.name}, written by Lamella from its graph.

Parameters carry the names of the checkpoint. Shapes: b sequences, t tokens.
"""
from functools import lru_cache, reduce

import torch
from torch import nn
from torch.nn import functional

VOCAB, CONTEXT = ${graph.vocab}, ${graph.tokens.size}


${maths([root, ...blocks.map((b) => b.printed)])}


def under(prefix, weights, **elsewhere):
    """The checkpoint names of a block's weights: \`prefix\` before each, but for those that are shared and live elsewhere."""
    return {param: elsewhere.get(param, prefix + param) for param in weights}


${blocks.map((b) => `${b.text}\n\n\n`).join('')}# Shapes of the weights outside blocks, and their checkpoint names.
ROOT_WEIGHTS = ${shapes(graph.root.params)}
ROOT_NAMES = {
${rootNames.join('\n')}
}

${stacks.join('\n\n')}

# The tensors that q4 stores with four bits.
MATRICES = ${wrappedNames(matrices)}
${hasParts ? partsPy(parts) : ''}

class Model(nn.Module):
    """${graph.name}: tokens int64 [b, t] -> logits [b, t, ${graph.vocab}], t up to ${graph.tokens.size}."""

    def __init__(self):
        super().__init__()
        self._names = []
        bound = [(ROOT_WEIGHTS, ROOT_NAMES)]
${stackNames.map((name) => `        bound += [(weights, names) for _, weights, names in ${name}_WEIGHT_SETS]`).join('\n')}
        for weights, names in bound:
            for param, shape in weights.items():
                self.declare(${hasParts ? '*tensor_of(names[param], shape)' : 'names[param], shape'})

    def declare(self, name, shape${hasParts ? ', plus=0.0' : ''}):
        """A parameter under its dotted name, once: gains start at 1, biases at 0, matrices at random."""
        module, (*path, leaf) = self, name.split(".")
        for part in path:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]
        if leaf in module._parameters:
            return
        self._names.append(name)
        if len(shape) == 2:
            value = torch.randn(shape) * shape[1] ** -0.5
        else:
            value = torch.zeros(shape) if leaf == "bias" else torch.ones(shape)${hasParts ? ' - plus' : ''}
        module.register_parameter(leaf, nn.Parameter(value))

    def tensors(self):
        """The tensors of the checkpoint by name, read as attributes: a parametrised one is what its parametrisation computes."""
        return {name: reduce(getattr, name.split("."), self) for name in self._names}

${hasParts ? weightsPy : ''}    def forward(self, tokens):
        parameters = self.${hasParts ? 'weights' : 'tensors'}()
        w = {param: parameters[name] for param, name in ROOT_NAMES.items()}
${root.lines.map((line) => `        ${line}`).join('\n')}
        return ${root.result}
`;
}

/** Distinct names as a Python list, one to a line. */
function wrappedNames(names: readonly string[]): string {
  return ['[', ...[...new Set(names)].map((name) => `    ${JSON.stringify(name)},`), ']'].join('\n');
}

/** The code for weights that are made from rows of other tensors. */
function partsPy(parts: readonly string[]): string {
  return `
# Weights that are a part of a tensor, or a tensor plus a number: the tensor and its shape, the weight's own shape, then its rows there.
PARTS = {
${parts.join('\n')}
}


def tensor_of(name, shape):
    """The tensor that a weight is made of, its shape, and what is added to it."""
    tensor, whole, *_, plus = PARTS.get(name, (name, shape, 0.0))
    return tensor, whole, plus


def part(tensor, shape, first, count, groups, stride, plus):
    """\`groups\` runs of \`count\` rows, \`stride\` rows from one to the next, plus a number."""
    runs = [tensor[first + group * stride : first + group * stride + count] for group in range(groups)]
    return torch.cat(runs).reshape(shape) + plus
`;
}

const weightsPy = `    def weights(self):
        """Every weight by name: the tensors of the checkpoint, and what is made of them."""
        tensors = self.tensors()
        return {**tensors, **{name: part(tensors[tensor], *how) for name, (tensor, _, *how) in PARTS.items()}}

`;

function partText(name: string, shape: readonly number[], { tensor, shape: whole, rows, plus }: Stored): string {
  const tuple = (sizes: readonly number[]) => `(${sizes.join(', ')}${sizes.length === 1 ? ',' : ''})`;
  const { first, count, groups, stride } = rows;
  const how = [JSON.stringify(tensor), tuple(whole), tuple(shape), first, count, groups, stride, float(plus)];
  return `    ${JSON.stringify(name)}: (${how.join(', ')}),`;
}

/** The functions that the bodies call, each after those that it calls. */
function maths(bodies: readonly PythonBody[]): string {
  const wanted = new Set<PythonName>();
  const want = (name: PythonName) => {
    for (const needed of pythonFunctions[name].needs) want(needed);
    wanted.add(name);
  };
  for (const body of bodies) for (const name of body.uses) want(name);
  const all = Object.keys(pythonFunctions) as PythonName[];
  return all
    .filter((name) => wanted.has(name))
    .map((name) => pythonFunctions[name].text)
    .join('\n\n\n');
}

function blockFunction(signature: string, weights: string, params: readonly Param[], body: PythonBody): string {
  return `${weights} = ${shapes(params)}


def ${signature}:
    """x [b, t, d] -> [b, t, d]; w holds the weights of one weight set by the names above."""
${body.lines.map((line) => `    ${line}`).join('\n')}
    return ${body.result}`;
}

function shapes(params: readonly Param[]): string {
  const lines = params.map(
    (p) => `    ${JSON.stringify(p.name)}: (${p.shape.join(', ')}${p.shape.length === 1 ? ',' : ''}),`,
  );
  return ['{', ...lines, '}'].join('\n');
}

/** `under(...)` with the prefix of most weights of the set, and the full names of the others. */
function boundNames(graph: Graph, set: WeightSet, kind: string): string {
  const params = graph.kinds[set.kind]?.body.params ?? [];
  const bound = params.map((param, i) => ({
    param: param.name,
    name: graph.weights[set.weights[i] ?? -1]?.name ?? '',
  }));
  const prefixes = bound.filter((b) => b.name.endsWith(b.param)).map((b) => b.name.slice(0, -b.param.length));
  const prefix = mostFrequent(prefixes);
  const elsewhere = bound
    .filter((b) => b.name !== prefix + b.param)
    .map((b) => `${JSON.stringify(b.param)}: ${JSON.stringify(b.name)}`);
  const rest = elsewhere.length === 0 ? '' : `, **{${elsewhere.join(', ')}}`;
  return `under(${JSON.stringify(prefix)}, ${kind}_WEIGHTS${rest})`;
}

function mostFrequent(items: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), ['', 0] as [string, number])[0];
}

/** A Python list of numbers, twenty per line. */
function wrapped(numbers: readonly string[]): string {
  if (numbers.length <= 20) return `[${numbers.join(', ')}]`;
  const lines: string[] = [];
  for (let i = 0; i < numbers.length; i += 20) lines.push(`    ${numbers.slice(i, i + 20).join(', ')},`);
  return ['[', ...lines, ']'].join('\n');
}
