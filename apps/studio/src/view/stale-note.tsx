/** Shown above the results of an older version while the one in the editor has a fault. */
import { isStale } from '../version.ts';

export function StaleNote({ what }: { readonly what: 'pictures' | 'kernels' }) {
  if (!isStale.value) return null;
  return <p class="stale-note">These are the {what} of the last version without a fault.</p>;
}
