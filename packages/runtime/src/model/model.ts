/**
 * Loads package files into a `Model`. Checks run in the order in which a user can correct the
 * faults: not a package, no weights, a damaged file. Everything here runs in the calling thread; in
 * a page, `page.ts` puts a worker in between.
 */

import type * as api from '../api.ts';
import { usual } from '../choices.ts';
import type { Constrainer, ConstrainingFormat } from '../constraint/constraint.ts';
import { openDriver } from '../driver/open-driver.ts';
import type { Surroundings } from '../entry/parts.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { filesOf, readManifest } from '../manifest/manifest-file.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { type Core, modelOf, OWN } from './core.ts';
import { endably } from './endable.ts';
import { Run } from './generate.ts';
import { readGenerate } from './generate-call.ts';
import { Generation } from './generation.ts';
import { loadRanges, readIds, readOptions, readText } from './options.ts';
import { knownIds, Prompts } from './prompt.ts';
import { Queue } from './queue.ts';
import { KeptSequences } from './sequences.ts';
import { requireNumbers, Session } from './session.ts';
import { inSteps, steadily } from './turn.ts';

/** Loads a package, as `loadCore` does. */
export async function load(files: PackageFiles, around: Surroundings, given: api.LoadOptions = {}): Promise<api.Model> {
  return modelOf(await loadCore(files, around, given), files.place);
}

/**
 * Loads a package. L404 if it is none, L405 if it has no weights, L407 and L414 if a file is
 * damaged, L413 and L415 to L424 if one cannot be read, L408 and L409 for options, L412 for a
 * device that is not available, or for a tokenizer that these scripts cannot read. Rejects with the
 * signal's reason when aborted.
 */
export async function loadCore(files: PackageFiles, around: Surroundings, given: api.LoadOptions = {}): Promise<Core> {
  return endably(readOptions(given, loadRanges), async (options) => {
    const manifest = await readManifest(files, options.signal);
    try {
      return await loadBy(manifest, files, around, options);
    } catch (cause) {
      // A file is missing, or differs from the manifest's hash. Perhaps a new version was uploaded
      // and the manifest came from a cache: read the manifest again from the server.
      if (!(cause instanceof LamellaError) || (cause.code !== 'L407' && cause.code !== 'L419')) throw cause;
      const newest = await readManifest(files, options.signal, true).catch(() => manifest);
      if (JSON.stringify(newest) === JSON.stringify(manifest)) throw cause;
      return loadBy(newest, files, around, options);
    }
  });
}

/** What constraints need of a tokenizer. L460 if its tokens have no bytes of their own; L461. */
async function constrainerOf(tokenizer: Tokenizer, vocab: number, around: Surroundings): Promise<Constrainer> {
  const bytesOf = tokenizer.tokenBytes();
  if (!bytesOf) {
    const reason = 'the texts of the tokens of this tokenizer depend on the tokens around';
    throw new LamellaError('L460', { at: 'responseFormat', reason, remedy: 'generating without it' });
  }
  const { Constrainer } = await around.loadConstraints!();
  const { special } = tokenizer;
  return new Constrainer({ vocab, bytesOf, special, encode: (text) => tokenizer.encode(text) });
}

/** Loads the files named by the manifest. */
async function loadBy(
  manifest: Manifest,
  files: PackageFiles,
  around: Surroundings,
  options: api.LoadOptions,
): Promise<Core> {
  const { tokenizer: spec } = manifest;
  const { sessions = usual.sessions } = options;
  const chatSpec = spec?.chat ?? null;
  for (const [what, missing] of Object.entries({
    'its tokenizer': spec && !around.loadTokenizer,
    'its chat template': chatSpec && !around.loadChat,
  })) {
    if (!missing) continue;
    const reason = 'the scripts that load this package came with one that has none';
    throw new LamellaError('L412', { what, reason, remedy: "this package's own load()" }, files.place);
  }
  // Loads the tokenizer beside the weights: it is a few small files.
  const reading = Promise.all([
    spec && around.loadTokenizer!(spec, files, options.signal),
    chatSpec && around.loadChat!(chatSpec, files, options.signal),
  ]);
  // An error of the weights is reported before an error of the tokenizer.
  reading.catch(() => {});
  const driver = await openDriver(manifest, files, around, options);
  const [tokenizer, chat] = await reading.catch((cause) => {
    driver.dispose();
    throw cause;
  });
  // Not awaited: the model is ready.
  files.store?.keepOnly(filesOf(manifest));
  const session = new Session(manifest, driver);
  const prompts = new Prompts(tokenizer, chat);
  const queue = new Queue();
  const kept = new KeptSequences(session, queue, sessions);
  let constrainer: Promise<Constrainer> | null = null;
  /** Makes the constraint of an answer; the first call loads what it needs. */
  const constrain = async (format: ConstrainingFormat, eos: readonly number[], prefix: string) => {
    constrainer ??= constrainerOf(tokenizer!, manifest.vocab, around);
    // After a failure the next call loads it again.
    constrainer.catch(() => {
      constrainer = null;
    });
    const constraint = (await constrainer).constraint(format, eos);
    constraint.begin(prefix);
    return constraint;
  };
  let disposed = false;
  /** Returns `value`; throws L411 if the model was disposed of. */
  const open = <T>(value: T): T => {
    if (disposed) throw new LamellaError('L411');
    return value;
  };
  /** Runs `work` in the model's own sequence, after the calls before it. */
  const own = <T>(work: (goOn: () => Promise<boolean>) => Promise<T>): Promise<T> =>
    queue.run(async () => {
      const goOn = steadily();
      await session.use(kept.at(OWN), goOn);
      return work(goOn);
    });

  return {
    manifest,
    get running() {
      return driver.running;
    },
    tokenizer: tokenizer && {
      encode: async (text) => open(await inSteps(tokenizer.encoding(open(readText(text))), steadily()))!,
      encodePrompt: async (text) => open(await inSteps(tokenizer.encodingPrompt(open(readText(text))), steadily()))!,
      decode: async (ids) => tokenizer.decode(open(readIds(ids, manifest))),
    },
    sequences: {
      open: () => kept.open(),
      copy: (of) => kept.copy(of),
      read: (id, tokens) => kept.read(id, tokens),
      save: (id, tokens) => kept.save(id, tokens),
      restore: (id, bytes) => kept.restore(id, bytes),
      close: (id) => kept.close(id),
      generate(id, given) {
        if (disposed) throw new LamellaError('L411');
        const { prompt, options, signal } = readGenerate(given, manifest, files.place);
        const { maxTokens = Number.POSITIVE_INFINITY, stop = [], eos = spec?.eos ?? [], ...others } = options;
        const {
          overflow,
          logitBias = {},
          logprobs = null,
          responseFormat,
          prefix,
          tools,
          toolChoice,
          ...sampling
        } = others;
        const around = { prefix, tools, toolChoice };
        const format = prompts.toolFormat(around) ?? (responseFormat?.type === 'text' ? null : responseFormat);
        const run = new Run(
          {
            session,
            sequence: () => kept.at(id),
            queue,
            prompt: (goOn) => prompts.ids(prompt, around, goOn),
            answer: (ids, isWhole) => prompts.answer(ids, isWhole, { ...around, stop, seed: options.seed }),
            sampling,
            bias: Object.entries(logitBias).map(([id, value]) => [Number(id), value]),
            logprobs,
            constraint: format ? () => constrain(format, eos, prefix ?? '') : null,
            eos,
            maxTokens,
            slides: overflow === 'slide',
          },
          knownIds(prompt, around),
        );
        return new Generation(run, options.seed, signal, overflow === 'slide' ? manifest.context : null);
      },
    },
    count: async (prompt, options) => (await prompts.ids(prompt, options, async () => !disposed))?.length ?? open(0),
    logits: (tokens) =>
      own(async (goOn) => {
        await session.read(tokens, goOn);
        return requireNumbers(await session.logits()).slice();
      }),
    logitsAll: (tokens, from) => own(async (goOn) => (await session.readAll(tokens, from, goOn)).map(requireNumbers)),
    dispose() {
      if (disposed) return;
      disposed = true;
      queue.close(new LamellaError('L411'));
      session.dispose();
    },
  };
}
