/**
 * Starting a worker from a script's URL, whatever the page is like: the script may come from another origin, the page's policy may want to be
 * asked, and no browser says why a worker did not start.
 */
import { LamellaError } from './lamella-error.ts';

/** The first thing that `worker.js` says. Another script in its place would say something else, or nothing. */
export const HELLO = 'lamella worker';

/** A worker that runs `script`, or will once the script has come. Throws what `new Worker` throws. */
export function newWorker(script: string): Worker {
  const { protocol, origin } = new URL(script);
  // A worker's own script has to be of the page's origin; what that one imports does not.
  const foreign = protocol.startsWith('http') && origin !== globalThis.origin;
  const code = () => new Blob([`import ${JSON.stringify(script)};`], { type: 'text/javascript' });
  // The URL stays: threads are started from it at any time.
  const url = foreign ? URL.createObjectURL(code()) : script;
  return new Worker(/* webpackIgnore: true */ /* turbopackIgnore: true */ trusted(url), { type: 'module' });
}

const policy = Symbol.for('lamella trusted types');

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** `url` for a page that takes Trusted Types only. There is one policy for all the packages of a page, as its name may be used once. */
function trusted(url: string): string {
  const here = globalThis as {
    trustedTypes?: TrustedTypes;
    [policy]?: ReturnType<TrustedTypes['createPolicy']> | undefined;
  };
  try {
    here[policy] ??= here.trustedTypes?.createPolicy('lamella', { createScriptURL: (url) => url });
  } catch {
    // The page does not allow the policy. If it needs one, making the worker fails, and that is told.
  }
  return here[policy]?.createScriptURL(url) ?? url;
}

/**
 * The worker of the first of `scripts` that is one. L436 when none is, L439 when the page's security policy is why; rejects with the signal's
 * reason when aborted.
 */
export async function startWorker(scripts: readonly string[], signal?: AbortSignal): Promise<Worker> {
  const failed: { readonly script: string; readonly message: string }[] = [];
  for (const script of scripts) {
    try {
      return await greeted(script, signal);
    } catch (cause) {
      if (signal?.aborted || cause instanceof LamellaError) throw cause;
      failed.push({ script, message: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  const reasons = failed.map(async ({ script, message }) => `${script} (${message || (await whyNot(script))})`);
  throw new LamellaError('L436', { reason: (await Promise.all(reasons)).join(', ') });
}

/** A worker that has said hello. */
function greeted(script: string, signal?: AbortSignal): Promise<Worker> {
  return new Promise((resolve, reject) => {
    let worker: Worker | null = null;
    let forbidden: SecurityPolicyViolationEvent | null = null;
    const violation = (event: Event) => {
      forbidden = event as SecurityPolicyViolationEvent;
    };
    const settle = (done: () => void) => {
      globalThis.removeEventListener('securitypolicyviolation', violation);
      signal?.removeEventListener('abort', abort);
      done();
    };
    const fail = (cause: unknown) => {
      worker?.terminate();
      settle(() => reject(forbidden ? refused(script, forbidden) : cause));
    };
    const abort = () => fail(signal!.reason);
    globalThis.addEventListener('securitypolicyviolation', violation);
    signal?.addEventListener('abort', abort);
    // What a policy forbids is told a moment after.
    const later = (cause: unknown) => setTimeout(() => fail(cause));
    try {
      worker = newWorker(script);
    } catch (cause) {
      later(cause);
      return;
    }
    worker.onmessage = ({ data }) => {
      if (data === HELLO) settle(() => resolve(worker!));
      else fail(new Error('it is another script'));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      later(new Error(event.message));
    };
  });
}

function refused(script: string, { effectiveDirective }: SecurityPolicyViolationEvent): LamellaError {
  return new LamellaError('L439', { script, directive: effectiveDirective });
}

/** What is wrong with a script that no worker could be made of: asked of the server, since the browser keeps it to itself. */
async function whyNot(script: string): Promise<string> {
  try {
    const { ok, status, headers } = await fetch(script);
    if (!ok) return `the server answers ${status}`;
    const type = headers.get('Content-Type') ?? 'of no type';
    return /javascript/.test(type) ? 'it does not run' : `what the server answers is ${type}, not JavaScript`;
  } catch (cause) {
    return String((cause as Error).message);
  }
}
