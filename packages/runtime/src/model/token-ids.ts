/**
 * Checks of token input: ids of the vocabulary, at least one, and not more than the context has
 * room for.
 */
import { LamellaError } from '../lamella-error.ts';
import { spell } from '../spell.ts';

/** Returns `id` if it is in the vocabulary, else throws L402. */
export function checkedId(id: unknown, vocab: number): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocab) return id;
  throw new LamellaError('L402', { id: spell(id), vocab, last: vocab - 1 });
}

/** L401 for no token, L403 for more than the context. */
export function checkCount(count: number, context: number): void {
  if (count === 0) throw new LamellaError('L401');
  if (count > context) throw new LamellaError('L403', { count, context });
}
