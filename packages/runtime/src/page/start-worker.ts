/**
 * Starting a worker from a script's URL, whatever the page is like: the script may come from another origin, the page's policy may want to be
 * asked, and no browser says why a worker did not start.
 */
import { download } from '../files/download.ts';
import { LamellaError } from '../lamella-error.ts';

/** The first thing that `worker.js` says. Another script in its place would say something else, or nothing. */
export const HELLO = 'lamella worker';
/** Ms in which a script has to come and say so. */
export const PATIENCE_MS = 20_000;

/** What a worker of another origin's script says instead, where a policy forbids that script. */
export interface Forbidden {
  readonly forbidden: string;
}

/** A worker that runs `script`, or will once the script has come. Throws what `new Worker` throws. */
export function newWorker(script: string): Worker {
  const { protocol, origin } = new URL(script);
  // A worker's own script has to be of the page's origin; what that one imports does not.
  const foreign = protocol.startsWith('http') && origin !== globalThis.origin;
  // The URL stays: threads are started from it at any time.
  const url = foreign ? URL.createObjectURL(new Blob([importing(script)], { type: 'text/javascript' })) : script;
  return new Worker(/* webpackIgnore: true */ /* turbopackIgnore: true */ trusted(url), { type: 'module' });
}

/**
 * The code of a worker that imports `script`. Policies take an `import()` for a script like any other, where `import` is held against `worker-src` as well;
 * and what they forbid here, only this worker hears of.
 */
function importing(script: string): string {
  return `addEventListener('securitypolicyviolation', (event) => postMessage({ forbidden: event.effectiveDirective }));
import(${JSON.stringify(script)}).catch((cause) => setTimeout(() => { throw cause; }));`;
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

const remedies = {
  missing:
    "copying the package's folder to where the page is served from, and load('/FOLDER/'), because esbuild and Rollup leave its files behind; where a link to the folder was installed, the file that npm pack makes of it instead",
  silent: 'again with a better connection; if it stays so, look whether that is the worker.js of the package',
  broken: 'a current browser; if it stays so, putting the whole folder of the package there again',
} as const;

function notStarted(reason: string, why: keyof typeof remedies): LamellaError<'L436'> {
  return new LamellaError('L436', { reason, remedy: remedies[why] });
}

/**
 * The worker of the first of `scripts` that is one. L436 when none is, L439 when the page's security policy is why, L415 to L424 when the script
 * cannot be had; rejects with the signal's reason when aborted.
 */
export async function startWorker(
  scripts: readonly string[],
  signal?: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<Worker> {
  const failures: LamellaError[] = [];
  for (const script of scripts) {
    try {
      return await started(script, signal, patienceMs);
    } catch (cause) {
      if (signal?.aborted || !(cause instanceof LamellaError)) throw cause;
      failures.push(cause);
    }
  }
  const [first] = failures;
  if (!first)
    throw notStarted('a bundler left worker.js behind, and none is taken from the origin of a model', 'missing');
  const other = failures.find(({ code }) => code !== 'L436');
  if (other) throw other;
  const reason = failures.map(({ args }) => args.reason).join(', ');
  throw new LamellaError('L436', { reason, remedy: String(first.args.remedy) });
}

/** A worker that has said hello. No browser says why one has not: then the server is asked, as for any file, and what was only passing is over. */
async function started(script: string, signal: AbortSignal | undefined, patienceMs: number): Promise<Worker> {
  const attempt = () =>
    greeted(script, signal, patienceMs).catch((cause: unknown) => {
      if (signal?.aborted || cause instanceof LamellaError) throw cause;
      return cause as Error;
    });
  const first = await attempt();
  if (first instanceof Error) {
    await fetched(script, signal);
    const second = await attempt();
    if (second instanceof Error) throw await whyNot(script, second.message);
    return second;
  }
  return first;
}

/** Resolves when the server gives the script. */
async function fetched(script: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await download({ file: 'worker.js', url: script, place: script.replace(/[^/]*$/, '') }, { signal });
  } catch (cause) {
    if (!(cause instanceof LamellaError)) throw cause;
    if (cause.code === 'L419') throw notStarted(`${script} (the server answers ${cause.args.status})`, 'missing');
    if (cause.code === 'L418') throw notStarted(`${script} (the server answers with a web page)`, 'missing');
    throw cause;
  }
}

function greeted(script: string, signal: AbortSignal | undefined, patienceMs: number): Promise<Worker> {
  return new Promise((resolve, reject) => {
    let worker: Worker | null = null;
    let directive: string | null = null;
    const violation = ({ effectiveDirective }: SecurityPolicyViolationEvent) => {
      if (/^(worker|child|script|default)-src|trusted-types/.test(effectiveDirective)) directive = effectiveDirective;
    };
    const settle = (done: () => void) => {
      clearTimeout(timer);
      globalThis.removeEventListener('securitypolicyviolation', violation);
      signal?.removeEventListener('abort', abort);
      done();
    };
    const fail = (cause: unknown) => {
      worker?.terminate();
      settle(() => reject(directive === null ? cause : refused(script, directive)));
    };
    const abort = () => fail(signal!.reason);
    const timer = setTimeout(
      () => fail(notStarted(`${script} (it has said nothing in ${patienceMs / 1000} seconds)`, 'silent')),
      patienceMs,
    );
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
    worker.onmessage = ({ data }: MessageEvent<Forbidden | typeof HELLO>) => {
      if (data === HELLO) settle(() => resolve(worker!));
      else if (data?.forbidden) fail(refused(script, data.forbidden));
      else fail(new Error('it is another script'));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      later(new Error(event.message));
    };
  });
}

function refused(script: string, directive: string): LamellaError {
  const { protocol, origin } = new URL(script);
  const source = protocol.startsWith('http') && origin !== globalThis.origin ? origin : "'self'";
  return new LamellaError('L439', { script, directive, source });
}

/** What is wrong with a script that is there, and that no worker could be made of. */
async function whyNot(script: string, message: string): Promise<LamellaError> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(script, { method: 'HEAD', signal: limit }).catch(() => null);
  const type = answer?.ok ? (answer.headers.get('Content-Type') ?? 'of no type') : null;
  if (type !== null && !/javascript/.test(type))
    return notStarted(
      `${script} (what the server answers is ${type}, not JavaScript)`,
      /html/.test(type) ? 'missing' : 'broken',
    );
  return notStarted(`${script} (${message || 'it does not run'})`, 'broken');
}
