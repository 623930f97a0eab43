/**
 * The results of self-tests, by adapter and package: for the life of this process, and between
 * visits if files are stored. A device that computed wrongly is then not loaded again, and one that
 * was right is ready at once.
 */
import type { PackageFiles } from '../files/package-files.ts';

/** The file that stores the results, beside the stored files of the package. */
export const VERDICTS = 'self-test.json';

type Verdicts = Readonly<Record<string, number>>;

const known = new Map<string, number>();

/**
 * The stored error for `key`, relative to the largest logit; null if it was never measured. `key`
 * contains everything that the result depends on.
 */
export async function verdict(key: string, { store }: PackageFiles): Promise<number | null> {
  const now = known.get(key);
  if (now !== undefined || !store) return now ?? null;
  const error = (await read(store))[key];
  if (typeof error === 'number') known.set(key, error);
  return error ?? null;
}

/** Stores a result. */
export async function remember(key: string, error: number, { store }: PackageFiles): Promise<void> {
  // JSON has no infinity.
  const finite = Math.min(error, Number.MAX_VALUE);
  known.set(key, finite);
  if (!store) return;
  const verdicts: Verdicts = { ...(await read(store)), [key]: finite };
  await store.write(VERDICTS, new TextEncoder().encode(JSON.stringify(verdicts)));
}

async function read(store: NonNullable<PackageFiles['store']>): Promise<Verdicts> {
  const kept = await store.get(VERDICTS);
  if (!kept) return {};
  try {
    const verdicts: unknown = JSON.parse(new TextDecoder().decode(kept));
    return verdicts !== null && typeof verdicts === 'object' ? (verdicts as Verdicts) : {};
  } catch {
    return {};
  }
}
