/** Loads a package into the `Model` of an app, computed in the calling thread. */
import type * as api from '../api.ts';
import type { Surroundings } from '../entry/parts.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { endably } from './endable.ts';
import { loadCore } from './model.ts';
import { modelOf } from './model-of.ts';
import { loadRanges, readOptions } from './options.ts';

/** Loads a package; errors as those of `loadCore`, and L408 and L409 for options. */
export async function load(files: PackageFiles, around: Surroundings, given: api.LoadOptions = {}): Promise<api.Model> {
  const core = await endably(readOptions(given, loadRanges), (options) => loadCore(files, around, options));
  return modelOf(core, files.place);
}
