/**
 * A tiny model of each family that `lamella import` reads: `families.json` holds configs as
 * transformers writes them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph } from '@lamella/graph/ir';
import { importedGraph } from 'lamella/imported-graph';

const configs = JSON.parse(readFileSync(new URL('families.json', import.meta.url), 'utf8')) as Record<string, object>;

export const familyNames: readonly string[] = Object.keys(configs);

/** The graph imported from the config named `name`. */
export async function familyGraph(name: string): Promise<Graph> {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-family-'));
  try {
    const checkpoint = join(folder, name);
    mkdirSync(checkpoint);
    writeFileSync(join(checkpoint, 'config.json'), JSON.stringify(configs[name]));
    return (await importedGraph(checkpoint)).graph;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
