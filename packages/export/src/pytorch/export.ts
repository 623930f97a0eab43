/**
 * Prints a graph as a PyTorch module, for training or for checking a compiled package. It is made
 * from the graph, not from the kernels: modules under their checkpoint names, one class per block
 * kind, and the execution table as a list that a loop runs through. A shared block is one module
 * that is called several times, and a tied tensor one parameter, so `state_dict()` has each name once.
 */
import type { Graph } from '@lamella/graph/ir';
import { type PythonBody, printBody } from './body.ts';
import { eventsPy } from './events-script.ts';
import { type PythonName, pythonFunctions, pythonModules } from './maths.ts';
import { type Home, type KindHomes, kindHomes, ModuleTree, rootHomes } from './modules.ts';
import { attribute, distinct } from './names.ts';
import { quantisationPy } from './quantisation-script.ts';
import { checkpointPy, logitsPy } from './scripts.ts';
import { statePy } from './state-script.ts';
import { trainPy } from './train-script.ts';
import { hubPy, modelingPy } from './transformers-script.ts';

/**
 * The exported files by name: the module, safetensors reading and writing, a script that prints
 * logits as JSON, a training script with its log and quantised weights, and the module's class for
 * transformers with the script that describes a folder to it.
 */
export interface PyTorchFiles {
  readonly 'model.py': string;
  readonly 'checkpoint.py': string;
  readonly 'logits.py': string;
  readonly 'train.py': string;
  readonly 'events.py': string;
  readonly 'quantisation.py': string;
  readonly 'modeling_lamella.py': string;
  readonly 'hub.py': string;
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
    'modeling_lamella.py': modelingPy,
    'hub.py': hubPy,
  };
}

/** Whether a file that begins with this text was exported by Lamella. */
export function isExported(beginning: string): boolean {
  return /^"""[\s\S]*?\bwritten by Lamella\b/.test(beginning);
}

/** A kind as a class of the file. */
interface BlockClass extends KindHomes {
  readonly name: string;
  readonly printed: PythonBody;
}

function modelPy(graph: Graph): string {
  const tree = new ModuleTree();
  const blocks = new Map<string, string>();
  const root = rootHomes(graph);
  tree.add(graph.root, root, ({ module }) => [module]);

  const classNames = distinct(graph.kinds.map(({ name }) => `${pascal(name)}Block`));
  const kinds = graph.kinds.map(({ body }, i): BlockClass & { readonly text: string } => {
    const found = kindHomes(graph, i);
    const own = new ModuleTree();
    const lent = (n: number | null): readonly string[] => [...found.borrowed.values()].map((paths) => paths[n ?? 0]!);
    own.add(body, found.homes, ({ module, borrowed }) => (borrowed === null ? [module] : []));
    tree.add(body, found.homes, ({ borrowed }) => (borrowed === null ? [] : lent(borrowed)));
    const isMade = ({ module, borrowed }: Home, make: string): boolean =>
      borrowed === null ? own.makes(module) === make : lent(borrowed).every((path) => tree.makes(path) === make);
    const printed = printBody(body, { homes: found.homes, isMade, start: 'state.start' });
    const name = classNames[i]!;
    for (const path of found.paths.values()) blocks.set(path, name);
    return { ...found, name, printed, text: blockClass(name, own, lentCount(found), printed) };
  });
  const sharesStates = graph.stacks.some(({ executions }) => executions.some(({ reads }) => reads));
  const lists = blockLists(blocks);
  const isList = (path: string): boolean => lists.has(path);

  const stackNames = distinct(graph.stacks.map((stack) => stack.name.replace(/.*\./, ''))).map((n) => n.toUpperCase());
  const executions = graph.stacks.map(({ name, sharing, executions: all }, i) => {
    const what = `the number of the block and of the slot of each execution${sharesStates ? ', and whether it reads the slot' : ''}`;
    const rows = all.map(({ weightSet, slot, reads }) =>
      sharesStates ? `(${weightSet}, ${slot}, ${reads ? 'True' : 'False'})` : `(${weightSet}, ${slot})`,
    );
    return `# Stack ${name}, ${sharing.text}: ${what}, in order.\n${stackNames[i]}_EXECUTIONS = ${wrapped(rows)}\n`;
  });
  const stackLines = (stack: number, from: string, to: string): readonly string[] => {
    const { weightSets } = graph.stacks[stack]!;
    const paths = weightSets.map((set) => kinds[set.kind]!.paths.get(set)!);
    const lent = weightSets.map((set) => kinds[set.kind]!.borrowed.get(set)!);
    const [slot, state] = sharesStates ? ['slot, reads', 'cache.state(slot, reads)'] : ['slot', 'cache.state(slot)'];
    const list = paths[0]!.replace(/\.[^.]*$/, '');
    const inOrder = lists.has(list) && paths.every((path, i) => path === `${list}.${i}`);
    const all = (of: readonly (readonly string[])[]): string =>
      `[${of.map((paths) => JSON.stringify(paths)).join(', ')}]`;
    const block = inOrder
      ? `${attribute('self', list, isList)}[block]`
      : `self.get_submodule(${JSON.stringify(paths)}[block])`;
    const same = lent.every((paths) => JSON.stringify(paths) === JSON.stringify(lent[0]));
    const modules = same
      ? lent[0]!.map((path) => `, ${attribute('self', path, isList)}`).join('')
      : `, *[self.get_submodule(path) for path in ${all(lent)}[block]]`;
    return [
      ...(from === to ? [] : [`${to} = ${from}`]),
      `for block, ${slot} in ${stackNames[stack]}_EXECUTIONS:`,
      `    ${to} = ${block}(${to}, ${state}${modules})`,
    ];
  };
  const printed = printBody(graph.root, {
    homes: root,
    isMade: ({ module }, make) => tree.makes(module) === make,
    isList,
    start: 'cache.length',
    stackLines,
  });

  const listed = [...lists].map(([path, classes]) => [path, listOf(classes)] as const);
  const single = [...blocks].filter(([path]) => !lists.has(path.replace(/\.[^.]*$/, '')));
  const made = [...single.map(([path, name]) => [path, `${name}()`] as const), ...listed, ...tree.made];
  const bodies = [printed, ...kinds.map((kind) => kind.printed)];
  const tables = graph.weights.flatMap(({ name, role, stored }) => (role === 'table' ? [stored?.tensor ?? name] : []));

  return `"""
The model ${graph.name}, written by Lamella from its graph.

Modules and parameters carry the names of the checkpoint. Shapes: b sequences, t tokens.
"""
import math

import torch
import torch.fx
from torch import nn
from torch.nn import functional

VOCAB, CONTEXT = ${graph.vocab}, ${graph.tokens.size}


${maths(bodies, [...kinds.map(({ text }) => text), ...made.map(([, make]) => make)].join('\n'))}


${statePy}


${kinds.map(({ text }) => `${text}\n\n\n`).join('')}${executions.join('\n')}
# q4 stores these with eight bits, and other matrices with four.
TABLES = ${JSON.stringify(tables)}


def initialise(model, deviation=None):
    """Matrices at random: of this deviation, or of variance 1 / inputs. Gains stay 1 and biases 0."""
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0.0, deviation or parameter[0].numel() ** -0.5)
        elif name.endswith(".bias"):
            nn.init.zeros_(parameter)


class Model(nn.Module):
    """${graph.name}: tokens int64 [b, t] -> logits [b, t, ${graph.vocab}], t up to ${graph.tokens.size}."""

    def __init__(self):
        super().__init__()
${declarations(made, isList)}
        initialise(self)

    def forward(self, tokens):
        return self.run(tokens, Cache(${sharesStates ? '' : 'keeps=False'}))

    def run(self, tokens, cache):
        """The logits of tokens that follow those in the cache, which keeps them too."""
${printed.lines.map((line) => `        ${line}`).join('\n')}
        cache.length += tokens.shape[1]
        return ${printed.result}
`;
}

/** How many modules a block borrows. */
const lentCount = ({ borrowed }: KindHomes): number => [...borrowed.values()][0]?.length ?? 0;

/** `self_attn.layers` as the name of a class: `SelfAttnLayers`. */
function pascal(name: string): string {
  return name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase());
}

/** The paths whose blocks are 0, 1, 2, ..., each with the classes of its blocks. */
function blockLists(blocks: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, string[]>();
  for (const [path, name] of blocks) {
    const [, list = '', number] = /^(.+)\.(\d+)$/.exec(path) ?? [];
    const classes = lists.get(list) ?? [];
    if (number === undefined || Number(number) !== classes.length) return new Map();
    lists.set(list, [...classes, name]);
  }
  return lists;
}

/** Python for a list of blocks: a comprehension if all have one class. */
function listOf(classes: readonly string[]): string {
  const [first = ''] = classes;
  if (classes.every((name) => name === first)) return `nn.ModuleList(${first}() for _ in range(${classes.length}))`;
  const calls = classes.map((name) => `${name}()`);
  if (calls.length <= 8) return `nn.ModuleList([${calls.join(', ')}])`;
  const lines = Array.from({ length: Math.ceil(calls.length / 8) }, (_, i) => calls.slice(8 * i, 8 * i + 8).join(', '));
  return `nn.ModuleList(\n            [\n${lines.map((line) => `                ${line},\n`).join('')}            ]\n        )`;
}

/** The lines of an `__init__`: each module and parameter at its path, and plain modules for the paths above. */
function declarations(
  made: readonly (readonly [string, string])[],
  isList: (path: string) => boolean = () => false,
): string {
  const known = new Set<string>(['']);
  const lines: string[] = [];
  const assign = (path: string, make: string): void => {
    const dot = path.lastIndexOf('.');
    const [above, name] = [path.slice(0, Math.max(0, dot)), path.slice(dot + 1)];
    if (!known.has(above) && !isList(above.replace(/\.?[^.]*$/, ''))) assign(above, 'nn.Module()');
    const target = attribute('self', path, isList);
    if (target.startsWith('getattr'))
      lines.push(`setattr(${attribute('self', above, isList)}, ${JSON.stringify(name)}, ${make})`);
    else lines.push(`${target} = ${make}`);
    known.add(path);
  };
  for (const [path, make] of made) assign(path, make);
  return lines.map((line) => `        ${line}`).join('\n');
}

function blockClass(name: string, modules: ModuleTree, borrowed: number, body: PythonBody): string {
  const lent = Array.from({ length: borrowed }, (_, n) => `, borrowed_${n}`).join('');
  const about = borrowed === 0 ? '' : ' It borrows modules that several blocks share.';
  return `class ${name}(nn.Module):
    """x [b, t, d] -> [b, t, d].${about}"""

    def __init__(self):
        super().__init__()
${declarations(modules.made)}

    def forward(self, x, state${borrowed === 0 ? '=State()' : ''}${lent}):
${body.lines.map((line) => `        ${line}`).join('\n')}
        return ${body.result}`;
}

/** The functions and modules that the bodies call, each after those that it calls. */
function maths(bodies: readonly PythonBody[], classes: string): string {
  const modules = Object.entries(pythonModules).filter(([name]) => classes.includes(`${name}(`));
  const wanted = new Set<PythonName>(modules.some(([name]) => name === 'RMSNorm') ? ['rms_norm'] : []);
  const want = (name: PythonName) => {
    for (const needed of pythonFunctions[name].needs) want(needed);
    wanted.add(name);
  };
  for (const body of bodies) for (const name of body.uses) want(name);
  const used = (Object.keys(pythonFunctions) as PythonName[]).filter((name) => wanted.has(name));
  const leaves = used.filter((name) => pythonFunctions[name].isLeaf).map((name) => JSON.stringify(name));
  const wrap =
    leaves.length === 0
      ? []
      : [
          `# A symbolic trace has a call of these as one node.\n${leaves.map((name) => `torch.fx.wrap(${name})`).join('\n')}`,
        ];
  return [...used.map((name) => pythonFunctions[name].text), ...modules.map(([, text]) => text), ...wrap].join(
    '\n\n\n',
  );
}

/** A Python list of tuples, ten per line. */
function wrapped(tuples: readonly string[]): string {
  if (tuples.length <= 10) return `[${tuples.join(', ')}]`;
  const lines: string[] = [];
  for (let i = 0; i < tuples.length; i += 10) lines.push(`    ${tuples.slice(i, i + 10).join(', ')},`);
  return ['[', ...lines, ']'].join('\n');
}
