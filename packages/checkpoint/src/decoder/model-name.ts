/** What a model is called that says no name of its own: as the folder or file that its checkpoint is in. */
import path from 'node:path';

/** Letters, digits, dots and dashes. */
export function modelName(checkpoint: string): string {
  const dashed = path
    .basename(path.resolve(checkpoint))
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-');
  return dashed.replace(/^[-.]+|[-.]+$/g, '') || 'model';
}
