/**
 * What a generated package's `index.js` is made of: files in, a `Model` out. The order of loading is the order in which things can be
 * wrong for a user: not a package, no weights, a damaged file.
 */
import type * as face from './face.ts';
import { Generation } from './generate.ts';
import { readManifest } from './manifest-file.ts';
import { checkOptions, generateRanges } from './options.ts';
import type { PackageFiles } from './package-files.ts';
import { RuntimeError } from './runtime-error.ts';
import { Sampler } from './sampler.ts';
import { Session } from './session.ts';
import { loadWasm } from './wasm-driver.ts';

/** Loads a package. L404 when it is none, L405 when it has no weights, L407 when a file is missing or damaged. */
export async function load(files: PackageFiles, { onProgress }: face.LoadOptions = {}): Promise<face.Model> {
  const manifest = await readManifest(files);
  let session: Session | null = new Session(manifest, await loadWasm(manifest, files, onProgress));
  const { tokenizer: spec, vocab } = manifest;
  // Loaded here and not at the top: a package without a tokenizer does not carry the library.
  const tokenizer = spec && (await (await import('./tokenizer.ts')).loadTokenizer(spec, files));
  let busy = false;

  const live = () => {
    if (!session) throw new RuntimeError('L411');
    return session;
  };
  const idle = () => {
    const current = live();
    if (busy) throw new RuntimeError('L410');
    return current;
  };
  /** The session at the start of a sequence. */
  const fresh = () => {
    const current = idle();
    current.reset();
    return current;
  };
  const read = (prompt: string | readonly number[]) => {
    if (typeof prompt !== 'string') return prompt;
    if (!tokenizer) throw new RuntimeError('L406', { path: files.place });
    return prompt === '' ? [] : tokenizer.encodePrompt(prompt);
  };

  return {
    manifest,
    tokenizer,
    get session() {
      return live();
    },
    generate(prompt, options = {}) {
      checkOptions(options, generateRanges);
      const { maxTokens = Number.POSITIVE_INFINITY, stop = [], signal = null, ...sampling } = options;
      if (stop.length > 0 && !tokenizer) {
        const range = 'left out for a package without a tokenizer';
        throw new RuntimeError('L408', { option: 'stop', range, value: JSON.stringify(stop), remedy: 'maxTokens' });
      }
      return new Generation({
        session: live(),
        prompt: read(prompt),
        sampler: new Sampler(vocab, sampling),
        decode: tokenizer && ((ids) => tokenizer.decode(ids)),
        eos: spec?.eos ?? [],
        maxTokens,
        stop,
        signal,
        claim() {
          idle();
          busy = true;
          return () => {
            busy = false;
          };
        },
      });
    },
    logits(tokens) {
      const current = fresh();
      current.prefill(tokens);
      return current.logits.slice();
    },
    logitsAll: (tokens) => fresh().prefillAll(tokens),
    dispose() {
      session = null;
    },
  };
}
