/** The reference of the command line, from the table of commands and the types of `--json`. */
import { createRequire } from 'node:module';
import type { Command, Option } from 'commander';
import { allCommands } from 'lamella/program';
import { type InterfaceDeclaration, Node, Project } from 'ts-morph';
import { block, code, docstringOf, prose, table } from './docstring.ts';
import { membersOf, memberTable } from './members.ts';

/** The types of each command's `--json`; types that they contain follow them. */
const shapes: Readonly<Record<string, readonly string[]>> = {
  run: ['RunReport', 'RunStats'],
  logits: ['LogitsReport'],
  inspect: ['InspectReport', 'WasmReport', 'GpuReport', 'Prediction', 'VariantsReport'],
  eval: ['EvalReport', 'EvalResult'],
  bench: ['BenchReport', 'BenchResult', 'BenchSample'],
  profile: ['DeviceProfile', 'ReadSpeed', 'KernelProfile'],
};

/** A call of each command, in a folder with my-model.ts and its package out/my-model. */
const examples: Readonly<Record<string, string>> = {
  check: 'npx lamella check my-model.ts --target wasm,webgpu',
  compile: 'npx lamella compile my-model.ts --weights random:1 --quant q4 --out out/small',
  run: 'npx lamella run out/my-model --tokens 1,2,3 --max-tokens 8 --json',
  logits: 'npx lamella logits out/my-model --tokens 1,2,3 --json',
  inspect: 'npx lamella inspect my-model.ts --html my-model.html',
  bench: 'npx lamella bench out/my-model --prompt-tokens 4 --max-tokens 4 --repeat 1',
  export: 'npx lamella export my-model.ts --to pytorch --out torch',
  new: 'npx lamella new other',
  explain: 'npx lamella explain L214',
};

/** The page `docs/reference/cli.md`. */
export async function cliReference(): Promise<string> {
  const types = jsonTypes();
  const commands = await allCommands();
  const missing = commands.filter((each) => each.options.some(({ long }) => long === '--json') && !shapes[each.name()]);
  if (missing.length > 0)
    throw new Error(`docs/build/cli.ts names the type of --json: ${missing.map((c) => c.name())}`);
  return `${[opening, ...commands.map((command) => entry(command, types))].join('\n\n')}\n`;
}

const opening = `# The command line

Every command of \`lamella\`, generated from the table of commands by \`npm run golden\`.

A failure is one message with a number, a place and a remedy, and exit code 1;
[Diagnostics](diagnostics.md) lists the numbers. With \`--json\`, a command prints one object to stdout
and nothing else. \`LAMELLA_DEBUG=1\` adds the stack trace to a failure.`;

function entry(command: Command, types: ReadonlyMap<string, InterfaceDeclaration>): string {
  const name = command.name();
  const does = command.description();
  const parts = [`## lamella ${name}`, block('text usage', usage(command)), `${prose(sentence(does))}`];
  const options = command.options.filter(({ hidden }) => !hidden);
  if (options.length > 0) parts.push(table(['option', 'default', 'meaning'], options.map(optionRow)));
  if (examples[name]) parts.push(block('sh', examples[name]));
  for (const type of shapes[name] ?? []) {
    const declaration = types.get(type)!;
    parts.push(`**${type}**`, prose(docstringOf(declaration)?.text ?? ''), memberTable(membersOf(declaration)));
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

function usage(command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? name : `[${name}]`;
  });
  return ['lamella', command.name(), ...args, '[options]'].join(' ');
}

/** The description holds the default in parentheses unless commander has it. */
function optionRow(option: Option): readonly string[] {
  const { flags, description, defaultValue } = option;
  const [, described] = /\(default: ([^)]*)\)/.exec(description) ?? [];
  const byDefault = described ?? (defaultValue === undefined ? '' : String(defaultValue));
  return [code(flags), prose(byDefault), prose(description.replace(/ \(default: [^)]*\)/, ''))];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The interfaces of `--json` by name. */
function jsonTypes(): ReadonlyMap<string, InterfaceDeclaration> {
  const project = new Project({ compilerOptions: { strict: true, allowImportingTsExtensions: true } });
  const file = project.addSourceFileAtPath(createRequire(import.meta.url).resolve('lamella/contract'));
  project.resolveSourceFileDependencies();
  const found = [...file.getExportedDeclarations()].map(([name, [node]]) => [name, node] as const);
  return new Map(
    found.filter((each): each is readonly [string, InterfaceDeclaration] => Node.isInterfaceDeclaration(each[1])),
  );
}
