/** Tables of the members of types: options with their defaults, and fields of results. */
import {
  type InterfaceDeclaration,
  type MethodSignature,
  Node,
  type PropertySignature,
  type TypeElementTypes,
} from 'ts-morph';
import { code, docstringOf, prose, table } from './docstring.ts';
import { plainType } from './signature.ts';

/** One member of a type with data. */
export interface Member {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
  /** Null for a required member. */
  readonly byDefault: string | null;
  readonly text: string;
}

/** `Default: 1e-5.`, up to the end of the sentence. */
const defaultSentence = /\bDefault:? (.*?)\.(?= [A-Z`]|$)/;

/** All members with data of an interface, those of the interfaces that it extends first. */
export function membersOf(type: InterfaceDeclaration): readonly Member[] {
  return properties(type).map((property) => {
    const text = (docstringOf(property)?.text ?? '').replace(/\s+/g, ' ');
    const [said, byDefault = null] = defaultSentence.exec(text) ?? [''];
    return {
      name: property.getName(),
      type: plainType(property.getTypeNodeOrThrow()),
      isOptional: property.hasQuestionToken(),
      byDefault,
      text: text.replace(said, '').trim(),
    };
  });
}

function properties(type: InterfaceDeclaration): readonly PropertySignature[] {
  const inherited = type.getBaseDeclarations().filter(Node.isInterfaceDeclaration).flatMap(properties);
  return [...inherited, ...type.getMembers().filter((member) => isData(member))];
}

function isData(member: TypeElementTypes): member is PropertySignature {
  return Node.isPropertySignature(member) && !member.getName().startsWith('[');
}

/** Methods of an interface that a name can call, without `[Symbol.dispose]` and the like. */
export function methodsOf(type: InterfaceDeclaration): readonly MethodSignature[] {
  return type.getMethods().filter((method) => !method.getName().startsWith('['));
}

/** A table of options or, if no member is optional, of fields. */
export function memberTable(members: readonly Member[]): string {
  const hasDefaults = members.some(({ isOptional }) => isOptional);
  const rows = members.map(({ name, type, isOptional, byDefault, text }) => [
    code(name),
    code(type),
    ...(hasDefaults ? [isOptional ? prose(byDefault ?? 'none') : 'required'] : []),
    prose(text),
  ]);
  return table(['name', 'type', ...(hasDefaults ? ['default'] : []), 'meaning'], rows);
}
