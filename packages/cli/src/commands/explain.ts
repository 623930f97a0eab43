/**
 * `lamella explain`: prints the message of an error code. An app that logs only the `code` of an
 * error gives its developer L423; this command prints the cause and the remedy.
 */
import { catalogue as compileErrors, LamellaError } from '@lamella/graph/diagnostics';
import { catalogue as runtimeErrors } from '@lamella/runtime/lamella-error';
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
 * The message of `code`, with names in angle brackets for the values of a real message. Throws L303
 * for an unknown code.
 */
export function explanation(code: string): string {
  const number = code.toUpperCase();
  const sentence = sentences.get(number);
  if (sentence === undefined) {
    const remedy = 'the number at the start of a message: L and three digits';
    throw new LamellaError('L303', { option: 'lamella explain', value: JSON.stringify(code), remedy });
  }
  return `${number} ${sentence.replaceAll(/\{(\w+)\}/g, '<$1>').replace(/[.\n]? ?Try: /, '\nTry ')}`;
}
