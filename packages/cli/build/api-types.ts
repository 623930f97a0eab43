/**
 * The types that every generated package has, taken from the runtime's sources as one
 * self-contained file. `npm run golden` writes it once, because reading TypeScript takes half a
 * second, which no compilation should wait for.
 */
import { createRequire } from 'node:module';
import { catalogue } from '@lamella/runtime/catalogue';
import { Node, Project, type SourceFile } from 'ts-morph';

const resolve = createRequire(import.meta.url).resolve;

/** The modules whose declarations are all part of a package. */
const modules = ['api', 'manifest', 'webgpu-manifest'].map((module) => `@lamella/runtime/${module}`);

/** The file that `npm run golden` writes and `package-types.ts` reads. */
export const apiTypesFile = new URL('../src/package/api-types.txt', import.meta.url);

/**
 * All declarations except the model of one package: `load` returns a `PackageModel`, which each
 * package declares.
 */
export function apiTypes(): string {
  const project = new Project({ compilerOptions: { strict: true, allowImportingTsExtensions: true } });
  const files = modules.map((module) => project.addSourceFileAtPath(resolve(module)));
  const load = files[0]!.getFunctionOrThrow('load');
  load.setReturnType('Promise<PackageModel>');
  const outside = imported(files).map(([name, file]) => choice(name, file));
  return `${[...files.map(declarations), ...outside].join('\n\n')}\n`;
}

/** The file with the types of the face `name`. */
export const faceTypesFile = (name: string): URL => new URL(`../src/package/face-types/${name}.txt`, import.meta.url);

/**
 * The `.d.ts` of the face `name`: its types file, with the package's own types from `index.d.ts`.
 */
export function faceTypes(name: string): string {
  const file = new Project().addSourceFileAtPath(resolve(`@lamella/runtime/faces/${name}/types`));
  const own = file.getImportDeclaration((declaration) => declaration.getModuleSpecifierValue().endsWith('/api.ts'));
  own?.setModuleSpecifier('./index.js');
  const imports = file.getImportDeclarations().map((declaration) => declaration.getText());
  return `${[...imports, declarations(file)].join('\n\n')}\n`;
}

/**
 * The statements of a file with their comments, without the file's opening comment and its imports.
 */
function declarations(file: SourceFile): string {
  const [opening, ...rest] = file.getStatementsWithComments();
  // Before an import the opening comment is a statement; before a declaration it belongs to that
  // declaration.
  if (Node.isJSDocable(opening)) opening.getJsDocs()[0]?.remove();
  const kept = Node.isJSDocable(opening) ? [opening, ...rest] : rest;
  return kept
    .filter((statement) => !Node.isImportDeclaration(statement))
    .map((statement) => statement.getText(true))
    .join('\n\n');
}

/** Types that these files import from other modules, by name, each once. */
function imported(files: readonly SourceFile[]): readonly (readonly [string, SourceFile])[] {
  const names = new Map<string, SourceFile>();
  for (const declaration of files.flatMap((file) => file.getImportDeclarations())) {
    const from = declaration.getModuleSpecifierSourceFileOrThrow();
    if (files.includes(from)) continue;
    for (const named of declaration.getNamedImports()) names.set(named.getName(), from);
  }
  return [...names];
}

/**
 * A type that the runtime derives from a list of choices, with its comment and its members written
 * out.
 */
function choice(name: string, file: SourceFile): string {
  const alias = file.getTypeAliasOrThrow(name);
  const members = alias.getType().getUnionTypes();
  const comment =
    name === 'LamellaErrorCode'
      ? errorCodes()
      : alias
          .getJsDocs()
          .map((doc) => doc.getText())
          .join('');
  return `${comment}\nexport type ${name} = ${members.map((member) => member.getText()).join(' | ')};`;
}

/**
 * The comment of `LamellaErrorCode`: the sentence of every code, because other comments name only
 * codes.
 */
function errorCodes(): string {
  const sentences = Object.entries(catalogue).map(
    ([code, sentence]) => ` * - ${code}: ${sentence.replace('. Try: ', '. Try ').replace(/\{\w+\}/g, '…')}`,
  );
  return ['/**', ' * The code of an error:', ' *', ...sentences, ' */'].join('\n');
}
