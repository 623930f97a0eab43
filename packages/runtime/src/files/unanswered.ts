/**
 * Finds out why a request had no answer. Browsers tell scripts only that it failed, so that no page
 * can explore its visitor's network. Here the available facts are combined: whether the device is
 * offline, which policy was violated, and whether the server answers a request whose answer the
 * page cannot read.
 */
import { LamellaError, reasonOf } from '../lamella-error.ts';

/** The event of a policy violation arrives shortly after the request has failed. */
const OBJECTION_MS = 50;

/** The URL of a file, with its name and its package for messages. */
export interface Source {
  readonly file: string;
  readonly url: string;
  /** The folder or address of the package, for messages. */
  readonly place: string;
}

export interface Watch {
  /** L417 if a policy forbids the request; else null. */
  forbidden(): Promise<LamellaError | null>;
  /** The error for the failure of `fetch`, by its cause. */
  cause(failure: unknown, signal: AbortSignal): Promise<LamellaError>;
  end(): void;
}

/** Whether the device reports that it is offline. */
export function isOffline(): boolean {
  return typeof navigator === 'object' && navigator.onLine === false;
}

/** Call it before the request is made. */
export function watchForCause({ file, url, place }: Source): Watch {
  let directive: string | null = null;
  const listen = ({ blockedURI, effectiveDirective }: SecurityPolicyViolationEvent) => {
    if (url.startsWith(blockedURI)) directive = effectiveDirective;
  };
  const inBrowser = typeof SecurityPolicyViolationEvent === 'function';
  if (inBrowser) addEventListener('securitypolicyviolation', listen);
  const { origin, protocol } = new URL(url);
  const forbidden = async () => {
    await new Promise((resolve) => setTimeout(resolve, OBJECTION_MS));
    return directive === null ? null : new LamellaError('L417', { file, directive, source: origin }, place);
  };
  return {
    forbidden,
    async cause(failure, signal) {
      if (isOffline()) return new LamellaError('L415', { file }, place);
      const unreachable = (reason: string) => new LamellaError('L424', { file, origin, reason }, place);
      if (!inBrowser) return unreachable(reasonOf(causeOf(failure)));
      const objection = await forbidden();
      if (objection) return objection;
      if (location.protocol === 'https:' && protocol === 'http:')
        return unreachable('a page loaded by https may not fetch by http');
      const unseen = await fetch(url, { method: 'HEAD', mode: 'no-cors', cache: 'no-store', signal }).catch(() => null);
      if (unseen) return new LamellaError('L416', { file, origin, page: location.origin }, place);
      const elsewhere = origin !== location.origin && crossOriginIsolated;
      return unreachable(
        `the browser gives no reason${elsewhere ? '; perhaps CORS forbids this page to read it' : ''}`,
      );
    },
    end() {
      if (inBrowser) removeEventListener('securitypolicyviolation', listen);
    },
  };
}

/** In Node the system's error is the cause of the failure. */
function causeOf(failure: unknown): unknown {
  return failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure;
}
