/**
 * `lamella explain`: prints the message of an error code, and real messages with it. An app that
 * logs only the `code` of an error gives its developer L423; this command prints the cause and the
 * remedy.
 */
import { exampleMessages as compileExamples } from '@lamella/graph/diagnostic-examples';
import { catalogue as compileErrors, LamellaError } from '@lamella/graph/diagnostics';
import { catalogue as runtimeErrors } from '@lamella/runtime/catalogue';
import { exampleMessages as runtimeExamples } from '@lamella/runtime/error-examples';
import type { Command } from 'commander';

const sentences = new Map<string, string>(Object.entries({ ...compileErrors, ...runtimeErrors }));

export function define(command: Command): void {
  command.action((code: string) => {
    process.stdout.write(`${explanation(code)}\n${page(code)}\n`);
  });
}

/** The place of `code` in the documentation, which anyone may serve at any address. */
const page = (code: string): string => `See reference/diagnostics.html#${code.toLowerCase()} in the documentation`;

/**
 * The message of `code`, with names in angle brackets for the values of a real message, and then
 * real messages, one for each kind of case. Throws L303 for an unknown code.
 */
export function explanation(code: string): string {
  const number = code.toUpperCase();
  const sentence = sentences.get(number);
  if (sentence === undefined) {
    const remedy = 'the number at the start of a message: L and three digits';
    throw new LamellaError('L303', { option: 'lamella explain', value: JSON.stringify(code), remedy });
  }
  const [cause = '', remedy = ''] = sentence.replaceAll(/\{(\w+)\}/g, '<$1>').split(/[.\n]? ?Try: /);
  const depends = remedy === '<remedy>';
  const examples = isOf(compileErrors, number)
    ? compileExamples(number)
    : isOf(runtimeErrors, number)
      ? runtimeExamples(number)
      : [];
  return [
    `${number} ${cause}`,
    depends ? 'The remedy depends on the case' : `Try ${remedy}`,
    ...(examples.length > 0 ? ['For example:', ...examples.map((message) => indented(message))] : []),
  ].join('\n');
}

function isOf<Catalogue extends object>(catalogue: Catalogue, code: string): code is keyof Catalogue & string {
  return Object.hasOwn(catalogue, code);
}

function indented(message: string): string {
  return `  ${message.replaceAll('\n', '\n  ')}`;
}
