/** The folder of the released files, which `start.ts` passes on. */
import { join } from 'node:path';

const { LAMELLA_REAL } = process.env;
if (!LAMELLA_REAL) throw new Error('run this suite by npm run test:real -- FOLDER');

/** A file or folder among them. */
export function real(...names: readonly string[]): string {
  return join(LAMELLA_REAL!, ...names);
}
