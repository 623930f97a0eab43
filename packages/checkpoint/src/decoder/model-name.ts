/** The name of an imported model: the name of its folder or file. */
import path from 'node:path';

/** The name in letters, digits, dots and dashes. */
export function modelName(checkpoint: string): string {
  const dashed = path
    .basename(path.resolve(checkpoint))
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-');
  return dashed.replace(/^[-.]+|[-.]+$/g, '') || 'model';
}
