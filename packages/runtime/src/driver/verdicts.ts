/**
 * What the self-test found, by adapter and package: for as long as this process runs, and between visits where files are kept. A device that
 * computed wrongly once is then not loaded again only to be refused, and one that was right is ready at once.
 */
import type { PackageFiles } from '../files/package-files.ts';

/** The file that keeps them, beside what was read of the package. */
export const VERDICTS = 'self-test.json';

type Verdicts = Readonly<Record<string, number>>;

const known = new Map<string, number>();

/**
 * The error that `key` was found to have, relative to the largest logit; `test` finds it where nobody has yet. `key` names whatever the
 * result depends on.
 */
export async function verdict(key: string, { store }: PackageFiles): Promise<number | null> {
  const now = known.get(key);
  if (now !== undefined || !store) return now ?? null;
  const error = (await read(store))[key];
  if (typeof error === 'number') known.set(key, error);
  return error ?? null;
}

/** Keeps what was found. */
export async function remember(key: string, error: number, { store }: PackageFiles): Promise<void> {
  // JSON has no infinity
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
