/**
 * The reference of error codes, from the two catalogues. Every code has an anchor, `#l101`, which
 * other pages and `lamella explain` name.
 */
import { exampleMessages as compileExamples } from '@lamella/graph/diagnostic-examples';
import { type Code, catalogue as compileErrors } from '@lamella/graph/diagnostics';
import { catalogue as runtimeErrors } from '@lamella/runtime/catalogue';
import { exampleMessages as runtimeExamples } from '@lamella/runtime/error-examples';
import type { LamellaErrorCode } from '@lamella/runtime/lamella-error';
import { block } from './docstring.ts';
import { dslFunctions } from './dsl.ts';

const groups: readonly (readonly [start: string, title: string])[] = [
  ['L1', 'L1xx: the model'],
  ['L2', 'L2xx: checkpoints and tokenizers'],
  ['L3', 'L3xx: the command line and files'],
  ['L4', 'L4xx: running a package'],
];

/** The page `docs/reference/diagnostics.md`. */
export function diagnosticsReference(): string {
  const sentences = Object.entries({ ...compileErrors, ...runtimeErrors }).sort(([a], [b]) => a.localeCompare(b));
  const parts = groups.map(([start, title]) => {
    const own = sentences.filter(([code]) => code.startsWith(start));
    return [`## ${title}`, ...own.map(([code, sentence]) => entry(code, sentence))].join('\n\n');
  });
  return `${[opening, ...parts].join('\n\n')}\n`;
}

const opening = `# Diagnostics

Every message has a number, a sentence, a place and a remedy. This page, generated from the two
catalogues by \`npm run golden\`, has the sentence and the remedy of every number; words in *italics*
stand for the values of a real message. Examples have such values, and where the remedy depends on
the case, there are several. \`lamella explain L104\` prints the same in a terminal.

A program finds the number in \`error.code\` and the values in \`error.args\`.`;

function entry(code: string, sentence: string): string {
  const [cause = '', remedy = ''] = sentence.split(/[.\n]? ?Try: /);
  const parts = [`### ${code}`, `**Cause:** ${filled(cause)}.`];
  parts.push(`**Remedy:** ${remedy === '{remedy}' ? 'depends on the case, as in the examples' : filled(remedy)}.`);
  const messages = code in compileErrors ? compileExamples(code as Code) : runtimeExamples(code as LamellaErrorCode);
  if (messages.length > 0) {
    const items = messages.map((message) => item(message.slice(code.length + 1)));
    parts.push(
      `**${items.length === 1 ? 'Example' : 'Examples'}:**`,
      items
        .join('\n')
        .replace(/\n{3,}/g, '\n\n')
        .trim(),
    );
  }
  const throwing = dslFunctions().filter(({ text }) => text.includes(code));
  if (throwing.length > 0) {
    const links = throwing.map(({ name }) => `[${name}](dsl.md#${name.toLowerCase().replace('.', '-')})`);
    parts.push(`**Thrown by:** ${links.join(', ')}.`);
  }
  return parts.join('\n\n');
}

/** A message as an item of a list; one with a table keeps its lines. */
function item(message: string): string {
  if (!message.includes('\n')) return `- ${literal(message)}`;
  return `\n${block('text not run: an example of a message', message)}\n`;
}

/** A sentence with its arguments in italics; a table of the message has lines of its own. */
function filled(sentence: string): string {
  return sentence
    .replaceAll('\n', ' ')
    .split(/(\{\w+\})/)
    .map((part) => (part.startsWith('{') ? `*${part.slice(1, -1)}*` : literal(part)))
    .join('');
}

/** Text without meaning in Markdown. */
function literal(text: string): string {
  return text.replace(/[*_[\]]/g, (character) => `\\${character}`).replaceAll('<', '&lt;');
}
