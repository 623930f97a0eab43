/**
 * Loads the module of constraints in a worker, when an answer first needs it. Browsers do not say
 * why a script did not load, so after a failure it is fetched like any file, which reports the
 * cause; then it is imported once more, in case the failure was temporary.
 */
import { CONSTRAINTS, offered } from '../entry/constraint-script.ts';
import type { LoadConstraints } from '../entry/parts.ts';
import { requireThere } from '../files/request.ts';
import { type Source, watchForCause } from '../files/unanswered.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import { importUnseen } from '../node.ts';
import { PATIENCE_MS, wrongType } from './start-worker.ts';

let attempts = 0;

/**
 * Runs the first of these scripts that can be loaded. If none can, L415 to L424 by the cause, L461
 * if a script is missing or does not run.
 */
export async function importConstraints(scripts: readonly string[]): ReturnType<LoadConstraints> {
  let failure = notLoaded('a bundler did not copy constraint.js');
  for (const script of scripts) {
    try {
      return await imported(script);
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      failure = cause;
    }
  }
  throw failure;
}

const notLoaded = (reason: string): LamellaError => new LamellaError('L461', { reason });

async function imported(script: string): ReturnType<LoadConstraints> {
  const source = { file: CONSTRAINTS, url: script, place: script.replace(/[^/]*$/, '') };
  const watch = watchForCause(source);
  let reason = 'it is another script';
  try {
    for (let tries = 0; tries < 2; tries++) {
      // Browsers keep the failure of a module, so that another attempt needs another address.
      const url = attempts++ === 0 ? script : `${script}#${attempts}`;
      const failed = await importUnseen(url).then(
        () => null,
        (cause: unknown) => ({ cause }),
      );
      const found = offered();
      if (found) return found;
      if (failed === null) break;
      const objection = await watch.forbidden();
      if (objection) throw objection;
      await fetched(source);
      reason = (await wrongType(script)) ?? reasonOf(failed.cause);
    }
  } finally {
    watch.end();
  }
  throw notLoaded(reason);
}

/** Resolves if the server returns the script. */
async function fetched(source: Source): Promise<void> {
  try {
    await requireThere(source, undefined, PATIENCE_MS);
  } catch (cause) {
    if (!(cause instanceof LamellaError)) throw cause;
    if (cause.code === 'L419') throw notLoaded(`the server answers ${cause.args.status}`);
    if (cause.code === 'L418') throw notLoaded('the server answers with a web page');
    throw cause;
  }
}
