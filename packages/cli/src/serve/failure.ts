/** Errors of the model's thread as data and back. */
import { isDiagnostic } from '../api/lamella-error.ts';
import type { Failure } from './protocol.ts';

export function failureOf(cause: unknown): Failure {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { message, stack = '' } = error;
  if (!isDiagnostic(error)) return { message, code: null, remedy: '', place: null, args: {}, stack };
  const { code, remedy, place } = error;
  const { args = {} } = error as { readonly args?: Failure['args'] };
  return { message, code, remedy, place, args, stack };
}

/** The error with the same code, message and stack. */
export function errorOf({ message, code, remedy, place, args, stack }: Failure): Error {
  const error = Object.assign(new Error(message), code !== null && { code, remedy, place, args });
  error.stack = stack;
  return error;
}
