/**
 * Starts a worker from the URL of a script on any page: the script may come from another origin,
 * the page may require Trusted Types, and no browser reports why a worker did not start.
 */
import { requireThere } from '../files/request.ts';
import { LamellaError } from '../lamella-error.ts';

/**
 * The first message of `worker.js`. Another script at this URL would send another message, or none.
 */
export const HELLO = 'lamella worker';
/** Milliseconds in which a script must load and send that message. */
export const PATIENCE_MS = 20_000;

/**
 * The message of a worker that imports a script of another origin, if a policy forbids that script.
 */
export interface Forbidden {
  readonly forbidden: string;
}

/** A worker that runs `script` once it has loaded. Throws the errors of `new Worker`. */
export function newWorker(script: string): Worker {
  const { protocol, origin } = new URL(script);
  // A worker's own script must come from the page's origin; a script that it imports need not.
  const foreign = protocol.startsWith('http') && origin !== globalThis.origin;
  // The URL is never revoked: threads may be started from it at any time.
  const url = foreign ? URL.createObjectURL(new Blob([importing(script)], { type: 'text/javascript' })) : script;
  return new Worker(/* webpackIgnore: true */ /* turbopackIgnore: true */ trusted(url), { type: 'module' });
}

/**
 * The code of a worker that imports `script`. Policies treat `import()` like any script, while a
 * static `import` is also checked against `worker-src`. Only this worker receives the event of a
 * violation here.
 */
function importing(script: string): string {
  return `addEventListener('securitypolicyviolation', (event) => postMessage({ forbidden: event.effectiveDirective }));
import(${JSON.stringify(script)}).catch((cause) => setTimeout(() => { throw cause; }));`;
}

const policy = Symbol.for('lamella trusted types');

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/**
 * `url` for a page that requires Trusted Types. All packages of a page share one policy, because
 * the name of a policy may be used only once.
 */
function trusted(url: string): string {
  const here = globalThis as {
    trustedTypes?: TrustedTypes;
    [policy]?: ReturnType<TrustedTypes['createPolicy']> | undefined;
  };
  try {
    here[policy] ??= here.trustedTypes?.createPolicy('lamella', { createScriptURL: (url) => url });
  } catch {
    // The page does not allow the policy. If it requires one, `new Worker` fails, and that error is
    // reported.
  }
  return here[policy]?.createScriptURL(url) ?? url;
}

const remedies = {
  missing:
    "copying the package's folder to the server of the page, and load('/FOLDER/'), because esbuild and Rollup do not copy its files; if a link to the folder was installed, installing the file that npm pack makes of it",
  silent: 'again with a better connection; if the error stays, checking that this is the worker.js of the package',
  broken: 'a current browser; if the error stays, copying the whole folder of the package there again',
} as const;

function notStarted(reason: string, why: keyof typeof remedies): LamellaError<'L436'> {
  return new LamellaError('L436', { reason, remedy: remedies[why] });
}

/**
 * The worker of the first script that starts. L436 if none does, L439 if the page's security policy
 * is the reason, L415 to L424 if the script cannot be fetched. Rejects with the signal's reason
 * when aborted.
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
    throw notStarted(
      'a bundler did not copy worker.js, and scripts are never taken from the server of a model',
      'missing',
    );
  const other = failures.find(({ code }) => code !== 'L436');
  if (other) throw other;
  const reason = failures.map(({ args }) => args.reason).join(', ');
  throw new LamellaError('L436', { reason, remedy: String(first.args.remedy) });
}

/**
 * A worker that has sent its hello. Browsers do not report why a worker failed, so after a failure
 * the script is fetched like any file, which reports server errors; then the worker is started once
 * more, in case the failure was temporary.
 */
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

/** Resolves if the server returns the script. */
async function fetched(script: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    const source = { file: 'worker.js', url: script, place: script.replace(/[^/]*$/, '') };
    await requireThere(source, signal, PATIENCE_MS);
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
      () => fail(notStarted(`${script} (no message from it in ${patienceMs / 1000} seconds)`, 'silent')),
      patienceMs,
    );
    globalThis.addEventListener('securitypolicyviolation', violation);
    signal?.addEventListener('abort', abort);
    // The event of a policy violation arrives shortly after the error.
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

/** The error for a script that exists but does not run as a worker. */
async function whyNot(script: string, message: string): Promise<LamellaError> {
  const wrong = await wrongType(script);
  const remedy = wrong && /html/.test(wrong) ? 'missing' : 'broken';
  return notStarted(`${script} (${wrong ?? (message || 'it does not run')})`, remedy);
}

/**
 * Whether a server answers for `script` with another type than JavaScript, in words; null if not.
 */
export async function wrongType(script: string): Promise<string | null> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(script, { method: 'HEAD', signal: limit }).catch(() => null);
  const type = answer?.ok ? (answer.headers.get('Content-Type') ?? 'no content type') : null;
  return type === null || /javascript/.test(type) ? null : `the server answers with ${type}, not JavaScript`;
}
