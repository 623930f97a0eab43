/**
 * Loads package files into a `Model`. Checks run in the order in which a user can correct the
 * faults: not a package, no weights, a damaged file. Everything here runs in the calling thread; in
 * a page, `page.ts` puts a worker in between.
 */

import type * as api from '../api.ts';
import { usual } from '../choices.ts';
import { openDriver } from '../driver/open-driver.ts';
import type { Surroundings } from '../entry/parts.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { filesOf, readManifest } from '../manifest/manifest-file.ts';
import type { Core } from './core.ts';
import { Run } from './generate.ts';
import { type Around, knownIds, type Prompt } from './prompt.ts';
import { Queue } from './queue.ts';
import { OWN } from './sequence.ts';
import { KeptSequences } from './sequences.ts';
import { requireNumbers, Session } from './session.ts';
import { inSteps, steadily } from './turn.ts';

/**
 * Loads a package. L404 if it is none, L405 if it has no weights, L407 (in Node also L414) if a
 * file is damaged, L413 and L415 to L424 if one cannot be read, L412 for a device that is not
 * available, or for a tokenizer that these scripts cannot read. Rejects with the signal's reason
 * when aborted. The options are checked already.
 */
export async function loadCore(files: PackageFiles, around: Surroundings, options: api.LoadOptions): Promise<Core> {
  const { signal } = options;
  const manifest = await readManifest(files, around.checkManifest, { signal });
  try {
    return await loadBy(manifest, files, around, options);
  } catch (cause) {
    // A file is missing, or differs from the manifest's hash. Perhaps a new version was uploaded
    // and the manifest came from a cache: read the manifest again from the server.
    if (!(cause instanceof LamellaError) || (cause.code !== 'L407' && cause.code !== 'L419')) throw cause;
    const newest = await readManifest(files, around.checkManifest, { signal, afresh: true }).catch(() => manifest);
    if (JSON.stringify(newest) === JSON.stringify(manifest)) throw cause;
    return loadBy(newest, files, around, options);
  }
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
  for (const [what, missing] of Object.entries({
    'its tokenizer': spec && !around.loadTexts,
    'its chat template': spec?.chat && !around.loadChat,
  })) {
    if (!missing) continue;
    const reason = 'the scripts that load this package came with one that has none';
    throw new LamellaError('L412', { what, reason, remedy: "this package's own load()" }, files.place);
  }
  // Loads the tokenizer beside the weights: it is a few small files.
  const reading = spec ? around.loadTexts!({ ...manifest, tokenizer: spec }, files, around, options.signal) : null;
  // An error of the weights is reported before an error of the tokenizer.
  reading?.catch(() => {});
  const driver = await openDriver(manifest, files, around, options);
  const texts = await reading?.catch((cause) => {
    driver.dispose();
    throw cause;
  });
  const tokenizer = texts?.tokenizer;
  // Not awaited: the model is ready.
  files.store?.keepOnly(filesOf(manifest));
  const session = new Session(manifest, driver);
  const queue = new Queue();
  const kept = new KeptSequences(session, queue, sessions);
  let disposed = false;
  /** Returns `value`; throws L411 if the model was disposed of. */
  const open = <T>(value: T): T => {
    if (disposed) throw new LamellaError('L411');
    return value;
  };
  /** Ids of a prompt; null if `goOn` returned false meanwhile. Without a tokenizer it has ids. */
  const idsOf = (prompt: Prompt, around: Around, goOn: () => Promise<boolean>) =>
    texts ? texts.ids(prompt, around, goOn) : (prompt as readonly number[]);
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
    tokenizer: tokenizer
      ? {
          encode: async (text) => open(await inSteps(tokenizer.encoding(open(text)), steadily()))!,
          encodePrompt: async (text) => open(await inSteps(tokenizer.encodingPrompt(open(text)), steadily()))!,
          decode: async (ids) => tokenizer.decode(open(ids)),
        }
      : null,
    sequences: {
      open: () => kept.open(),
      copy: (of) => kept.copy(of),
      read: (id, tokens) => kept.read(id, tokens),
      save: (id, tokens) => kept.save(id, tokens),
      restore: (id, bytes) => kept.restore(id, bytes),
      close: (id) => kept.close(id),
      generate(id, { prompt, options }) {
        if (disposed) throw new LamellaError('L411');
        const { maxTokens = Number.POSITIVE_INFINITY, stop = [], eos = spec?.eos ?? [], ...others } = options;
        const {
          overflow,
          lookup,
          logitBias = {},
          logprobs = null,
          responseFormat,
          prefix,
          tools,
          toolChoice,
          ...sampling
        } = others;
        const around = { prefix, tools, toolChoice };
        const format = texts?.toolFormat(around) ?? (responseFormat?.type === 'text' ? null : responseFormat);
        return new Run(
          {
            session,
            sequence: () => kept.at(id),
            queue,
            prompt: (goOn) => idsOf(prompt, around, goOn),
            answer: (ids, isWhole) => texts?.answer(ids, isWhole, { ...around, stop, seed: options.seed }) ?? null,
            sampling,
            bias: Object.entries(logitBias).map(([id, value]) => [Number(id), value]),
            logprobs,
            constraint: format ? () => texts!.constraint(format, eos, prefix ?? '') : null,
            eos,
            maxTokens,
            lookup,
            slides: overflow === 'slide',
          },
          knownIds(prompt, around),
        );
      },
    },
    count: async (prompt, options) => (await idsOf(prompt, options, async () => !disposed))?.length ?? open(0),
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
