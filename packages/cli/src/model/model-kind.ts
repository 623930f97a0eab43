/**
 * Recognises what a model's path points to: a compiled package or a checkpoint. Anything else is
 * refused with a message about what it is.
 */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { isPackage } from '../package/package-manifest.ts';
import { shellWord } from '../terminal/shell.ts';
import { isGgufFile, isHubFolder } from './checkpoint.ts';
import { hasGraphName } from './graph-name.ts';

/**
 * A checkpoint is a hub folder or a `.gguf` file. A folder with a `manifest.json` and no
 * `config.json` counts as a package; reading it reports its faults. Throws L308 for anything else.
 */
export async function modelKind(path: string): Promise<'package' | 'checkpoint'> {
  if (await isPackage(path)) return 'package';
  if ((await isHubFolder(path)) || (await isGgufFile(path))) return 'checkpoint';
  const files = await readdir(path).catch(() => null);
  if (files?.includes('manifest.json')) return 'package';
  throw files ? otherFolder(path, files) : await noFolder(path);
}

const models =
  'a folder that lamella compile GRAPH.ts --weights ... has written, one with a checkpoint, or a .gguf file';

function otherFolder(path: string, files: readonly string[]): LamellaError {
  const weights = files.find((file) => /\.(safetensors|bin|gguf|pth?)$/.test(file));
  if (weights === undefined)
    return refusal(
      path,
      'it has neither the manifest.json of a package nor the config.json of a checkpoint',
      'a folder that lamella compile GRAPH.ts --weights ... has written, or one with a checkpoint as it was published',
    );
  if (weights.endsWith('.gguf'))
    return refusal(path, `it has ${weights}, and no config.json`, `that file: ${shellWord(join(path, weights))}`);
  const itself = `lamella compile GRAPH.ts --weights ${shellWord(path)}, with a graph file of yours`;
  return refusal(
    path,
    `it has ${weights}, but config.json is missing`,
    `the config.json published with it, or ${itself}`,
  );
}

async function noFolder(path: string): Promise<LamellaError> {
  const found = await stat(path).catch(() => null);
  if (!found)
    return refusal(path, 'it does not exist, and nothing is downloaded from a hub', `${models}, downloaded before`);
  if (hasGraphName(path))
    return refusal(
      path,
      'it is a graph file',
      `lamella compile ${shellWord(path)} --weights ..., and then the folder that it writes`,
    );
  const folder = dirname(path);
  if (await isHubFolder(folder)) return refusal(path, 'it is a file', `the folder that it is in: ${shellWord(folder)}`);
  return refusal(path, 'it is a file without a config.json beside it', models);
}

function refusal(path: string, reason: string, remedy: string): LamellaError {
  return new LamellaError('L308', { path, reason, remedy });
}
