/**
 * The exceptions of the Prompt API: a `DOMException` with the name that the specification gives.
 */

export function domException(name: string, message: string, cause?: unknown): DOMException {
  const error = new DOMException(message, name);
  // The constructor of browsers takes no cause.
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true });
  return error;
}

/** `QuotaExceededError`: a class of its own in current browsers, with both numbers. */
export function quotaExceeded(requested: number, quota: number): DOMException {
  const message = `The prompt needs ${requested} tokens, and the context window has ${quota}.`;
  const { QuotaExceededError } = globalThis as { QuotaExceededError?: QuotaExceededErrorClass };
  if (QuotaExceededError) return new QuotaExceededError(message, { requested, quota });
  return Object.defineProperties(new DOMException(message, 'QuotaExceededError'), {
    requested: { value: requested },
    quota: { value: quota },
  });
}

type QuotaExceededErrorClass = new (
  message: string,
  options: { readonly requested: number; readonly quota: number },
) => DOMException;

/** The code of a `LamellaError`, of any package. */
export function codeOf(error: unknown): string | null {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && /^L4\d\d$/.test(code) ? code : null;
}

/**
 * The exception for an error of the runtime, with `name` unless its code has another one. Errors of
 * the page's own functions stay as they are.
 */
export function exceptionFor(error: unknown, name: string): unknown {
  const code = codeOf(error);
  return code ? domException(names[code] ?? name, (error as Error).message, error) : error;
}

/** By code: what the page requested is not supported; the package's files cannot be read. */
const names: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['L406', 'L451', 'L452', 'L460'].map((code) => [code, 'NotSupportedError'])),
  ...Object.fromEntries(['L404', 'L407', 'L413', 'L461'].map((code) => [code, 'NetworkError'])),
  ...Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`L${415 + i}`, 'NetworkError'])),
};
