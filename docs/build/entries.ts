/** Entries of a reference page: functions and types with their docstrings. */
import { type ClassDeclaration, type InterfaceDeclaration, Node, type SignaturedDeclaration } from 'ts-morph';
import { block, code, docstringOf, prose } from './docstring.ts';
import { membersOf, memberTable, methodsOf } from './members.ts';
import { plainType, signature } from './signature.ts';

/** A function with its docstring. */
export interface DocumentedFunction {
  readonly name: string;
  readonly declaration: SignaturedDeclaration;
  readonly text: string;
  readonly example: string | null;
}

/** A function whose docstring is at `node`. */
export function documented(name: string, node: Node, declaration: SignaturedDeclaration): DocumentedFunction {
  const docs = docstringOf(node);
  return { name, declaration, text: docs?.text ?? '', example: docs?.example ?? null };
}

/** A function: its heading, signature, docstring, options and example. */
export function functionEntry(
  { name, declaration, text, example }: DocumentedFunction,
  { level = '###', options: withOptions = true }: { readonly level?: string; readonly options?: boolean } = {},
): string {
  const parts = [`${level} ${name}`, block('ts signature', signature(name, declaration)), prose(text)];
  const options = withOptions ? optionsTypeOf(declaration) : undefined;
  if (options) parts.push(memberTable(membersOf(options)));
  if (example) parts.push(block('ts example', example));
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The type of the parameter that is an object of options; undefined if there is none. */
export function optionsTypeOf(declaration: SignaturedDeclaration): InterfaceDeclaration | undefined {
  const types = declaration.getParameters().map((parameter) => parameter.getType().getNonNullableType().getSymbol());
  const interfaces = types.flatMap((symbol) => symbol?.getDeclarations() ?? []).filter(Node.isInterfaceDeclaration);
  return interfaces.find((type) => /Options$|Shape$/.test(type.getName()));
}

/** A type: its heading, docstring, members, and methods. */
export function typeEntry(
  name: string,
  node: Node,
  { level = '###', members: withMembers = true }: { readonly level?: string; readonly members?: boolean } = {},
): string {
  const parts = [`${level} ${name}`, prose(docstringOf(node)?.text ?? '')];
  if (Node.isTypeAliasDeclaration(node)) {
    parts.push(block('ts signature', `type ${name} = ${plainType(node.getTypeNodeOrThrow())}`));
  } else if (Node.isInterfaceDeclaration(node)) {
    for (const call of node.getCallSignatures()) {
      parts.push(block('ts signature', signature('', call)), prose(docstringOf(call)?.text ?? ''));
    }
    const members = withMembers ? membersOf(node) : [];
    if (members.length > 0) parts.push(memberTable(members));
    for (const method of methodsOf(node)) {
      const path = `${name.toLowerCase()}.${method.getName()}`;
      parts.push(functionEntry(documented(path, method, method), { level: `${level}#`, options: false }));
    }
  } else if (Node.isClassDeclaration(node)) {
    const members = publicMembers(node);
    if (members.length > 0) parts.push(`It has ${members.map(code).join(', ')}.`);
  }
  const example = docstringOf(node)?.example;
  if (example) parts.push(block('ts example', example));
  return parts.filter((part) => part !== '').join('\n\n');
}

function publicMembers(type: ClassDeclaration): readonly string[] {
  return type
    .getInstanceProperties()
    .filter((property) => Node.isPropertyDeclaration(property) && !property.getName().startsWith('#'))
    .filter((property) => !property.getLeadingCommentRanges().some((range) => range.getText().includes('@internal')))
    .map((property) => property.getName());
}
