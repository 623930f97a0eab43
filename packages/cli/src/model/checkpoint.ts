/**
 * A checkpoint that describes its model: a hub folder (`config.json`, weights and a tokenizer), or
 * a `.gguf` file, which contains all of these. Defines how its model is compiled by default, and
 * refuses impossible requests before the compiler starts.
 */
import { readdir, stat } from 'node:fs/promises';
import type { Decoder } from '@lamella/checkpoint/decoder/decoder';
import { isGguf } from '@lamella/checkpoint/gguf/format';
import { LamellaError } from '@lamella/graph/diagnostics';
import { type FormatName, type KvName, type Target, usual } from '@lamella/runtime/choices';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import { checkCount, checkedId } from '@lamella/runtime/token-ids';
import { listed } from '../api/options.ts';

/** The options for compiling a checkpoint. */
export interface HowCompiled {
  readonly quant?: FormatName | undefined;
  readonly kv?: KvName | undefined;
  readonly context?: number | undefined;
  /** Names of superfluous tensors, with `*` for any characters. */
  readonly ignore?: string | readonly string[] | undefined;
}

/** The options of the compiler, without gaps. */
export type Chosen = { readonly [K in 'quant' | 'kv' | 'context']-?: NonNullable<HowCompiled[K]> };

/** What a command will request from a model, as far as it is known before compiling. */
export interface Asked {
  /** A text or token ids. */
  readonly start?: string | readonly number[] | undefined;
  /** Number of tokens that must fit the context. */
  readonly count?: number | undefined;
  readonly targets?: readonly Target[] | undefined;
}

/**
 * The default for the longest sequence. Keys and values for a checkpoint's full context may need
 * more memory than its weights.
 */
const usualContext = 2048;

export function isHubFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    (files) => files.includes('config.json'),
    () => false,
  );
}

/** Whether `path` is a file with the name of a GGUF file. */
export async function isGgufFile(path: string): Promise<boolean> {
  return isGguf(path) && !!(await stat(path).catch(() => null))?.isFile();
}

/**
 * Fills in the options missing in `how`. `note` is set if the context is shorter than the
 * checkpoint's own. Throws the errors of reading the config, and L303 if `context` is longer than
 * the checkpoint's.
 */
export async function chosenFor(
  checkpoint: string,
  how: HowCompiled,
): Promise<{ readonly chosen: Chosen; readonly note: string | null }> {
  const { quant = usual.format, kv = usual.kv, context, ignore } = how;
  const { context: longest, limited } = await decoderOf(checkpoint, ignore);
  if (context !== undefined && context > longest) {
    const key = isGguf(checkpoint) ? 'context_length' : 'max_position_embeddings';
    const remedy = limited
      ? `up to ${longest}: longer sequences need the ${limited.key} of ${checkpoint}, which a graph cannot express`
      : `up to ${longest}, the ${key} of ${checkpoint}`;
    throw new LamellaError('L303', { option: '--context', value: String(context), remedy });
  }
  const most = Math.min(longest, usualContext);
  const whole = limited?.from ?? longest;
  return {
    chosen: { quant, kv, context: context ?? most },
    note: context === undefined && most < whole ? `context ${most} of ${whole} tokens` : null,
  };
}

/**
 * Throws L305 for a text without a tokenizer, L401 for no tokens, L402 for an id outside the
 * vocabulary, L403 for more tokens than `context`, and L412 for another target than WASM.
 */
export async function refuseUnanswerable(
  checkpoint: string,
  { context, ignore }: Pick<Chosen, 'context'> & Pick<HowCompiled, 'ignore'>,
  { start, count, targets }: Asked,
): Promise<void> {
  if (targets?.includes('webgpu')) {
    const reason = `${checkpoint} is compiled for wasm alone`;
    const remedy = '--target wasm, or lamella import, and lamella compile with --target wasm,webgpu';
    throw new PackageError('L412', { what: 'webgpu', reason, remedy });
  }
  if (count !== undefined) checkCount(count, context);
  if (typeof start === 'string') {
    const lack = await lackingTokenizer(checkpoint);
    if (lack) throw new LamellaError('L305', { option: '--prompt', ...lack });
    return;
  }
  if (start === undefined) return;
  const { vocab } = await decoderOf(checkpoint, ignore);
  for (const id of start) checkedId(id, vocab);
  checkCount(start.length, context);
}

/**
 * Throws L305 for patterns of tensors where only a folder's `config.json` is read. A GGUF file's
 * tensors are part of its description.
 */
export function refuseIgnoring(checkpoint: string, ignore: HowCompiled['ignore']): void {
  if (ignore === undefined || isGguf(checkpoint)) return;
  throw new LamellaError('L305', {
    option: '--ignore',
    reason: `this reads the config.json of ${checkpoint}, not its tensors`,
    remedy: 'leaving it out here, and giving it to lamella compile or lamella run',
  });
}

/** Why text cannot be read, and a remedy; null if there is a tokenizer. */
async function lackingTokenizer(
  checkpoint: string,
): Promise<{ readonly reason: string; readonly remedy: string } | null> {
  if (isGguf(checkpoint)) {
    const { hasGgufTokenizer } = await import('@lamella/checkpoint/gguf/model');
    if (await hasGgufTokenizer(checkpoint)) return null;
    return { reason: `${checkpoint} has no tokenizer, so text cannot be read`, remedy: 'token ids: --tokens 1,2,3' };
  }
  const files = await readdir(checkpoint);
  if (files.includes('tokenizer.json') || files.includes('tokenizer.model')) return null;
  return {
    reason: `${checkpoint} has neither tokenizer.json nor tokenizer.model, so text cannot be read`,
    remedy: 'one of them beside the weights, as it was published with them, or token ids: --tokens 1,2,3',
  };
}

/** Loads the readers of checkpoints on demand: commands on graph files start without them. */
async function decoderOf(checkpoint: string, ignore: HowCompiled['ignore']): Promise<Decoder> {
  return (await import('@lamella/checkpoint/model')).readModel(checkpoint, listed(ignore ?? []));
}
