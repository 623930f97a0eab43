/**
 * Why a request was not answered. Browsers tell scripts no more than that it failed, so that no page can look around in its visitor's network; what they
 * do tell is put together here: whether there is a connection, what the page's policy forbade, and whether the server would answer a
 * request that does not want to see the answer.
 */
import { LamellaError, reasonOf } from '../lamella-error.ts';

/** A policy's objection is told a moment after the request has failed. */
const OBJECTION_MS = 50;

/** Where a file is, and what messages call it. */
export interface Source {
  readonly file: string;
  readonly url: string;
  /** What messages call the package. */
  readonly place: string;
}

export interface Watch {
  /** The failure that `fetch` ended with, by its cause. */
  cause(failure: unknown, signal: AbortSignal): Promise<LamellaError>;
  end(): void;
}

/** Whether the device says that it has no network. */
export function isOffline(): boolean {
  return typeof navigator === 'object' && navigator.onLine === false;
}

/** To be called before the request is made. */
export function watchForCause({ file, url, place }: Source): Watch {
  let directive: string | null = null;
  const listen = ({ blockedURI, effectiveDirective }: SecurityPolicyViolationEvent) => {
    if (url.startsWith(blockedURI)) directive = effectiveDirective;
  };
  const inBrowser = typeof SecurityPolicyViolationEvent === 'function';
  if (inBrowser) addEventListener('securitypolicyviolation', listen);
  return {
    async cause(failure, signal) {
      if (isOffline()) return new LamellaError('L415', { file }, place);
      const { origin, protocol } = new URL(url);
      const unreachable = (reason: string) => new LamellaError('L424', { file, origin, reason }, place);
      if (!inBrowser) return unreachable(reasonOf(causeOf(failure)));
      await new Promise((resolve) => setTimeout(resolve, OBJECTION_MS));
      if (directive !== null) return new LamellaError('L417', { file, directive, source: origin }, place);
      if (location.protocol === 'https:' && protocol === 'http:')
        return unreachable('a page that came by https may not fetch by http');
      const unseen = await fetch(url, { method: 'HEAD', mode: 'no-cors', cache: 'no-store', signal }).catch(() => null);
      if (unseen) return new LamellaError('L416', { file, origin, page: location.origin }, place);
      const elsewhere = origin !== location.origin && crossOriginIsolated;
      return unreachable(elsewhere ? 'there is none, or none that lets this page see it (CORS)' : 'there is none');
    },
    end() {
      if (inBrowser) removeEventListener('securitypolicyviolation', listen);
    },
  };
}

/** In Node the system's own failure lies within. */
function causeOf(failure: unknown): unknown {
  return failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure;
}
