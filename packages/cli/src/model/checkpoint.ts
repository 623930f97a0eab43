/**
 * A checkpoint that says what its model is: a folder as the hub has it (`config.json`, weights and a tokenizer), or a `.gguf` file, which holds all
 * of it. Here is what its model is compiled as unless told otherwise, and what cannot be asked of it, which is refused before a compiler runs.
 */
import { readdir, stat } from 'node:fs/promises';
import { hasGgufTokenizer, isGguf } from '@lamella/checkpoint/gguf/model';
import { readModel } from '@lamella/checkpoint/model';
import { LamellaError } from '@lamella/graph/diagnostics';
import { type FormatName, type KvName, type Target, usual } from '@lamella/runtime/choices';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import { checkCount, checkedId } from '@lamella/runtime/token-ids';

/** How a checkpoint is to be compiled. */
export interface HowCompiled {
  readonly quant?: FormatName | undefined;
  readonly kv?: KvName | undefined;
  readonly context?: number | undefined;
}

/** The same with everything said. */
export type Chosen = { readonly [K in keyof HowCompiled]-?: NonNullable<HowCompiled[K]> };

/** What is going to be asked of a model, as far as that is known before it is compiled. */
export interface Asked {
  /** A text or token ids. */
  readonly start?: string | readonly number[] | undefined;
  /** Tokens that must fit the context, whichever they are. */
  readonly count?: number | undefined;
  readonly targets?: readonly Target[] | undefined;
}

/** Longest sequence unless `--context` says otherwise: keys and values of all that a checkpoint allows may take more than its weights. */
const usualContext = 2048;

export function isHubFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    (files) => files.includes('config.json'),
    () => false,
  );
}

/** Whether `path` is a file that is named as GGUF files are. */
export async function isGgufFile(path: string): Promise<boolean> {
  return isGguf(path) && !!(await stat(path).catch(() => null))?.isFile();
}

/**
 * What `how` leaves open is filled in; `note` says so where the context is not the checkpoint's own. Throws what reading the config throws, and L303
 * for a context that the checkpoint does not have.
 */
export async function chosenFor(
  checkpoint: string,
  how: HowCompiled,
): Promise<{ readonly chosen: Chosen; readonly note: string | null }> {
  const { quant = usual.format, kv = usual.kv, context } = how;
  const { context: longest } = await readModel(checkpoint);
  if (context !== undefined && context > longest) {
    const key = isGguf(checkpoint) ? 'context_length' : 'max_position_embeddings';
    const remedy = `up to ${longest}, the ${key} of ${checkpoint}`;
    throw new LamellaError('L303', { option: '--context', value: String(context), remedy });
  }
  const shorter = context === undefined && longest > usualContext;
  return {
    chosen: { quant, kv, context: context ?? Math.min(longest, usualContext) },
    note: shorter ? `context ${usualContext} of ${longest} tokens` : null,
  };
}

/**
 * Throws L305 for a text where there is no tokenizer, L401 for no tokens, L402 for an id that the vocabulary does not have and L403 for more tokens
 * than `context`, L412 for another target than WASM.
 */
export async function refuseUnanswerable(
  checkpoint: string,
  context: number,
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
  const { vocab } = await readModel(checkpoint);
  for (const id of start) checkedId(id, vocab);
  checkCount(start.length, context);
}

/** Why text cannot be read, and what would help; null where there is a tokenizer. */
async function lackingTokenizer(
  checkpoint: string,
): Promise<{ readonly reason: string; readonly remedy: string } | null> {
  if (isGguf(checkpoint)) {
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
