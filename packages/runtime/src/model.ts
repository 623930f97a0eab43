/**
 * Files in, a `Model` out. The order of loading is the order in which things can be wrong for a user: not a package, no weights, a damaged
 * file. Here everything runs in the calling thread; in a page, `page.ts` puts a worker between.
 */
import type * as face from './face.ts';
import { Generation } from './generate.ts';
import { LamellaError } from './lamella-error.ts';
import { readManifest } from './manifest-file.ts';
import { openDriver } from './open-driver.ts';
import { checkGenerate, checkOptions, loadRanges } from './options.ts';
import type { PackageFiles } from './package-files.ts';
import { keptInRests, Rests } from './rests.ts';
import { Sampler } from './sampler.ts';
import { Session } from './session.ts';
import { VERDICTS } from './verdicts.ts';

/**
 * Loads a package. L404 when it is none, L405 when it has no weights, L407 when a file is damaged, L413 when one cannot be read, L408 and L409 for options,
 * L412 for a device that cannot be had; rejects with the signal's reason when aborted.
 */
export async function load(files: PackageFiles, options: face.LoadOptions = {}): Promise<face.Model> {
  checkOptions(options, loadRanges);
  const manifest = await readManifest(files, options.signal);
  const { tokenizer: spec, vocab } = manifest;
  // Its module is loaded here and not at the top: a package without a tokenizer does not carry the library. Beside the weights, for it is a
  // handful of small files that wait for each other.
  const readTokenizer = async () => spec && (await import('./tokenizer.js')).loadTokenizer(spec, files);
  const reading = readTokenizer();
  // What is wrong with the weights comes first.
  reading.catch(() => {});
  const rests = new Rests();
  const ready = rests.work();
  const driver = await openDriver(manifest, keptInRests(files, rests), options);
  const tokenizer = await reading.catch((cause) => {
    driver.dispose();
    throw cause;
  });
  ready();
  // Not waited for: the model is ready.
  driver.keep().then(() => files.store?.keepOnly(filesOf(manifest)));
  const session = new Session(manifest, driver);
  let disposed = false;

  const claim = () => {
    if (disposed) throw new LamellaError('L411');
    if (rests.busy) throw new LamellaError('L410');
    return rests.work();
  };
  /** Runs `work` on an empty sequence, alone. */
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    const release = claim();
    try {
      session.reset();
      return await work();
    } finally {
      release();
    }
  };

  return {
    manifest,
    get running() {
      return driver.running;
    },
    tokenizer: tokenizer && {
      encode: async (text) => tokenizer.encode(text),
      encodePrompt: async (text) => tokenizer.encodePrompt(text),
      decode: async (ids) => tokenizer.decode(ids),
    },
    generate(prompt, options = {}) {
      if (disposed) throw new LamellaError('L411');
      checkGenerate(prompt, options, tokenizer !== null, files.place);
      const { maxTokens = Number.POSITIVE_INFINITY, stop = [], signal = null, eos, ...sampling } = options;
      const read = (text: string) => tokenizer!.encodePrompt(text);
      return new Generation({
        session,
        prompt: typeof prompt === 'string' ? read(prompt) : prompt,
        sampler: new Sampler(vocab, sampling),
        decode: tokenizer && ((ids) => tokenizer.decode(ids)),
        eos: eos ?? spec?.eos ?? [],
        maxTokens,
        stop,
        signal,
        claim,
      });
    },
    logits: (tokens) =>
      alone(async () => {
        await session.prefill(tokens);
        return (await session.logits()).slice();
      }),
    logitsAll: (tokens) => alone(() => session.prefillAll(tokens)),
    dispose() {
      if (disposed) return;
      disposed = true;
      session.dispose();
    },
  };
}

/** Every file of a package that is read by its runtime; the version of those that the manifest proves is their SHA-256. */
function filesOf({ wasm, webgpu, weights, tokenizer }: face.Model['manifest']): { name: string; version?: string }[] {
  return [
    { name: 'manifest.json' },
    ...(tokenizer ? [{ name: tokenizer.file }, { name: tokenizer.config }] : []),
    ...(webgpu ? [{ name: VERDICTS }] : []),
    ...[...wasm, ...(webgpu ?? []), ...(weights ?? [])].map(({ file, sha256 }) => ({
      name: file,
      version: sha256,
    })),
  ];
}
