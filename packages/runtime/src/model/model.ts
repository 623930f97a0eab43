/**
 * Files in, a `Model` out. The order of loading is the order in which things can be wrong for a user: not a package, no weights, a damaged
 * file. Here everything runs in the calling thread; in a page, `page.ts` puts a worker between.
 */

import { openDriver } from '../driver/open-driver.ts';
import type { Surroundings } from '../entry/parts.ts';
import type * as face from '../face.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { filesOf, readManifest } from '../manifest/manifest-file.ts';
import { disposable } from './disposable.ts';
import { endably } from './endable.ts';
import { Run } from './generate.ts';
import { Generation } from './generation.ts';
import { loadRanges, readGenerate, readIds, readOptions, readText, readTokens } from './options.ts';
import { Queue } from './queue.ts';
import { requireNumbers, Session } from './session.ts';
import { inSteps, Turns } from './turn.ts';

/**
 * Loads a package. L404 when it is none, L405 when it has no weights, L407 and L414 when a file is damaged, L413 and L415 to L424 when one cannot be read,
 * L408 and L409 for options, L412 for a device that cannot be had, or a tokenizer that these scripts cannot read; rejects with the signal's reason when aborted.
 */
export async function load(
  files: PackageFiles,
  around: Surroundings,
  given: face.LoadOptions = {},
): Promise<face.Model> {
  return endably(readOptions(given, loadRanges), async (options) => {
    const manifest = await readManifest(files, options.signal);
    try {
      return await loadBy(manifest, files, around, options);
    } catch (cause) {
      // Another file than the manifest says, or none: a new version may have been put there, and a cache given us the old one's manifest.
      if (!(cause instanceof LamellaError) || (cause.code !== 'L407' && cause.code !== 'L419')) throw cause;
      const newest = await readManifest(files, options.signal, true).catch(() => manifest);
      if (JSON.stringify(newest) === JSON.stringify(manifest)) throw cause;
      return loadBy(newest, files, around, options);
    }
  });
}

/** Loads what the manifest names. */
async function loadBy(
  manifest: Manifest,
  files: PackageFiles,
  around: Surroundings,
  options: face.LoadOptions,
): Promise<face.Model> {
  const { tokenizer: spec } = manifest;
  if (spec && !around.loadTokenizer) {
    const reason = 'the scripts that load this package came with one that has none';
    throw new LamellaError('L412', { what: 'its tokenizer', reason, remedy: "this package's own load()" }, files.place);
  }
  // Beside the weights, for it is a handful of small files that wait for each other.
  const reading = Promise.resolve(spec && around.loadTokenizer!(spec, files, options.signal));
  // What is wrong with the weights comes first.
  reading.catch(() => {});
  const driver = await openDriver(manifest, files, around, options);
  const tokenizer = await reading.catch((cause) => {
    driver.dispose();
    throw cause;
  });
  // Not waited for: the model is ready.
  files.store?.keepOnly(filesOf(manifest));
  const session = new Session(manifest, driver);
  const queue = new Queue();
  let disposed = false;
  const dispose = () => {
    if (disposed) return;
    disposed = true;
    queue.close(new LamellaError('L411'));
    session.dispose();
  };
  /** `value`, as long as the model is not disposed of. */
  const open = <T>(value: T): T => {
    if (disposed) throw new LamellaError('L411');
    return value;
  };
  /** Runs `work` on an empty sequence when its turn has come. */
  const alone = <T>(work: (goOn: () => Promise<boolean>) => Promise<T>): Promise<T> =>
    queue.run(async () => {
      session.reset();
      return work(steadily());
    });

  return disposable({
    manifest,
    get running() {
      return driver.running;
    },
    tokenizer: tokenizer && {
      encode: async (text) => open(await inSteps(tokenizer.encoding(open(readText(text))), steadily()))!,
      encodePrompt: async (text) => open(await inSteps(tokenizer.encodingPrompt(open(readText(text))), steadily()))!,
      decode: async (ids) => tokenizer.decode(open(readIds(ids, manifest))),
    },
    generate(...given) {
      if (disposed) throw new LamellaError('L411');
      const { prompt, options, signal } = readGenerate(given, manifest, files.place);
      const { maxTokens = Number.POSITIVE_INFINITY, stop = [], eos = spec?.eos ?? [], ...sampling } = options;
      const run = new Run(
        {
          session,
          queue,
          prompt: (goOn) => (typeof prompt === 'string' ? inSteps(tokenizer!.encodingPrompt(prompt), goOn) : prompt),
          sampling,
          detokenizer: tokenizer && ((prompt) => tokenizer.detokenizer(prompt)),
          eos,
          maxTokens,
          stop,
        },
        typeof prompt === 'string' ? [] : prompt,
      );
      return new Generation(run, options.seed, signal);
    },
    async logits(given) {
      const tokens = readTokens(given, manifest);
      return alone(async (goOn) => {
        await session.prefill(tokens, goOn);
        return requireNumbers(await session.logits()).slice();
      });
    },
    async logitsAll(given) {
      const tokens = readTokens(given, manifest);
      return alone(async (goOn) => (await session.prefillAll(tokens, goOn)).map(requireNumbers));
    },
    dispose,
  });
}

/** Work that is never given up, but gives others a turn when one is due. */
function steadily(): () => Promise<boolean> {
  const turns = new Turns();
  return async () => {
    await turns.due();
    return true;
  };
}
