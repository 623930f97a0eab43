/**
 * Prints a failure: one message with its place and a remedy on stderr, and exit code 1. An error
 * without a diagnostic is either the system's (a file, memory) or a defect of Lamella, and the
 * message says which. A stack trace is printed only if `LAMELLA_DEBUG` is set.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Site } from '@lamella/graph/ir';
import { CommanderError } from 'commander';
import { isDiagnostic, wordedForCommand } from '../api/lamella-error.ts';
import { asNamed } from '../model/stand-in.ts';
import { inFlags } from './in-flags.ts';

/** Prints `error` on stderr and returns the exit code (0 if commander only showed help). */
export async function reportFailure(error: unknown, argv: readonly string[]): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  // Bare `lamella`: commander has already printed the help.
  if (error instanceof CommanderError && error.code === 'commander.help') return error.exitCode;
  const shown = error instanceof CommanderError ? commandLineError(error, argv) : inFlags(wordedForCommand(error));
  const frame = await frameOf(shown);
  process.stderr.write(`${frame ?? messageOf(shown)}\n`);
  if (!['', '0'].includes(process.env.LAMELLA_DEBUG ?? '') && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  return 1;
}

function messageOf(error: unknown): string {
  if (isDiagnostic(error)) return asNamed(error.message);
  const reason = error instanceof Error ? error.message : String(error);
  return `${reason}\nThis is a defect of Lamella, not of your input. Try again with LAMELLA_DEBUG=1 for the details to report.`;
}

/** The message with the author's line, if the error has a site and its file can be read. */
async function frameOf(error: unknown): Promise<string | null> {
  if (!isDiagnostic(error) || !('site' in error) || !isSite(error.site)) return null;
  const { codeFrame } = await import('./code-frame.ts');
  return codeFrame(error.site, error.message);
}

function isSite(site: unknown): site is Site {
  return typeof site === 'object' && site !== null && 'file' in site && 'line' in site && 'column' in site;
}

/**
 * Turns an error of commander into a numbered message: the option, what is wrong, and what to type
 * instead.
 */
function commandLineError(error: CommanderError, argv: readonly string[]): LamellaError {
  const [sentence = '', hint = ''] = error.message.replace(/^error: /, '').split('\n');
  const named = /'([^']+)'/.exec(sentence)?.[1]?.split(' ')[0] ?? 'the command line';
  const command = /^[a-z]+$/.test(argv[2] ?? '') ? ` ${argv[2]}` : '';
  const near = /^\(Did you mean (?:one of )?(.+)\?\)$/.exec(hint)?.[1];
  switch (error.code) {
    case 'commander.unknownOption':
      return unknown(named, `there is no such option`, near ?? `lamella${command} --help`);
    case 'commander.unknownCommand':
      return unknown(named, `there is no such command`, near ? `lamella ${near}` : 'lamella --help');
    case 'commander.missingArgument':
      return unknown(named, 'it is missing', `lamella${command} --help`);
    case 'commander.optionMissingArgument':
      return unknown(named, 'its value is missing', `lamella${command} --help`);
    case 'commander.missingMandatoryOptionValue':
      return unknown(named, 'it is required', `lamella${command} --help`);
    default:
      return unknown(`lamella${command}`, sentence.replace(/\.$/, ''), `lamella${command} --help`);
  }
}

function unknown(option: string, reason: string, remedy: string): LamellaError {
  return new LamellaError('L305', { option, reason, remedy });
}
