/**
 * Signatures as a reader needs them. In the sources, type parameters carry the sizes of axes, and
 * conditional types turn a wrong axis into a message; here both are reduced to the plain types:
 * `FitAll<B, AxesOf<A>>` is a `Tensor`.
 */
import { Node, type ParameterDeclaration, type SignaturedDeclaration, type TypeNode } from 'ts-morph';

/** Types that check axes. The author passes a tensor, or the function in the last argument. */
const checkedTensors = ['Fit', 'FitFeatures', 'FitAll', 'FitQueries', 'FitTokens', 'Through', 'Along'];
const checkedFunctions = ['Adds', 'GivesBack', 'GivesLogits', 'Uniform'];

/** `name(a: A, b?: B): Result`. */
export function signature(name: string, declaration: SignaturedDeclaration): string {
  const parameters = declaration.getParameters().map(parameter);
  const result = declaration.getReturnTypeNode();
  return `${name}(${parameters.join(', ')})${result ? `: ${plainType(result)}` : ''}`;
}

/** A parameter. One without a name, because it is destructured, holds the options. */
function parameter(declaration: ParameterDeclaration): string {
  const name = Node.isIdentifier(declaration.getNameNode()) ? declaration.getName() : 'options';
  const type = declaration.getTypeNode();
  return `${name}${declaration.isOptional() ? '?' : ''}${type ? `: ${plainType(type)}` : ''}`;
}

/** The text of a type without type parameters and without checks of axes. */
export function plainType(node: TypeNode): string {
  if (Node.isTypeReference(node)) return reference(node.getTypeName().getText(), node.getTypeArguments());
  if (Node.isUnionTypeNode(node)) {
    const members = node.getTypeNodes().map(plainType);
    return members.filter((member) => member !== 'undefined').join(' | ');
  }
  if (Node.isFunctionTypeNode(node)) {
    const [result] = [node.getReturnTypeNode()];
    return `(${node.getParameters().map(parameter).join(', ')}) => ${result ? plainType(result) : 'void'}`;
  }
  if (Node.isParenthesizedTypeNode(node)) return `(${plainType(node.getTypeNode())})`;
  return node
    .getText()
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ');

  function reference(name: string, args: readonly TypeNode[]): string {
    if (checkedTensors.includes(name)) return 'Tensor';
    if (checkedFunctions.includes(name)) return plainType(args.at(-1)!);
    const [declared] = node.getType().getSymbol()?.getDeclarations() ?? [];
    const constraint = Node.isTypeParameterDeclaration(declared) ? declared.getConstraint() : undefined;
    if (constraint) return plainType(constraint);
    if (name === 'Axis') return 'Dim';
    // Types of the language keep their arguments: Promise<Model>, Record<string, number>.
    const ours = declared && !declared.getSourceFile().getFilePath().includes('/node_modules/');
    if (ours || args.length === 0) return name;
    return `${name}<${args.map(plainType).join(', ')}>`;
  }
}
