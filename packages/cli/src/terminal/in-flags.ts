/** The errors of loading a package suggest options of `load`. The command has flags for them. */
import { LamellaError } from '@lamella/runtime/lamella-error';

/** The command's options for the API's. */
const flags: Readonly<Record<string, string>> = { 'device: "wasm"': '--target wasm', 'threads: 1': '--threads 1' };

/** `error`, with the command's option if it suggests one of the API's. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof LamellaError) || error.code !== 'L412') return error;
  const given = String(error.args.remedy);
  const remedy = Object.entries(flags).reduce((text, [option, flag]) => text.replace(option, flag), given);
  return remedy === given ? error : LamellaError.from({ ...error, args: { ...error.args, remedy } });
}
