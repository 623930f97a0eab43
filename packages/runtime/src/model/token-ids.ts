/** What a model takes as tokens: ids of its vocabulary, at least one, and no more than fit its context. */
import { LamellaError } from '../lamella-error.ts';
import { spell } from '../spell.ts';

/** `id`, which is one of the vocabulary's. L402 for what is none. */
export function checkedId(id: unknown, vocab: number): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocab) return id;
  throw new LamellaError('L402', { id: spell(id), vocab, last: vocab - 1 });
}

/** L401 for none, L403 for more than fit. */
export function checkCount(count: number, context: number): void {
  if (count === 0) throw new LamellaError('L401');
  if (count > context) throw new LamellaError('L403', { count, context });
}
