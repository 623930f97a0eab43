/**
 * A folder as the hub has it: `config.json`, weights and a tokenizer. Here is what its model is compiled as unless told otherwise, and what
 * cannot be asked of it, which is refused before anybody waits for a compiler.
 */
import { readdir } from 'node:fs/promises';
import { readDecoder } from '@lamella/checkpoint/huggingface/families';
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

/**
 * What `how` leaves open is filled in; `note` says so where the context is not the checkpoint's own. Throws what reading the config throws, and L303
 * for a context that the checkpoint does not have.
 */
export function chosenFor(folder: string, how: HowCompiled): { readonly chosen: Chosen; readonly note: string | null } {
  const { quant = usual.format, kv = usual.kv, context } = how;
  const { context: longest } = readDecoder(folder);
  if (context !== undefined && context > longest) {
    const remedy = `up to ${longest}, the max_position_embeddings of ${folder}`;
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
  folder: string,
  context: number,
  { start, count, targets }: Asked,
): Promise<void> {
  if (targets?.includes('webgpu')) {
    const reason = `${folder} is compiled for wasm alone`;
    const remedy = '--target wasm, or lamella import, and lamella compile with --target wasm,webgpu';
    throw new PackageError('L412', { what: 'webgpu', reason, remedy });
  }
  if (count !== undefined) checkCount(count, context);
  if (typeof start === 'string') {
    const files = await readdir(folder);
    if (files.includes('tokenizer.json') || files.includes('tokenizer.model')) return;
    throw new LamellaError('L305', {
      option: '--prompt',
      reason: `${folder} has neither tokenizer.json nor tokenizer.model, so text cannot be read`,
      remedy: 'one of them beside the weights, as it was published with them, or token ids: --tokens 1,2,3',
    });
  }
  if (start === undefined) return;
  const { vocab } = readDecoder(folder);
  for (const id of start) checkedId(id, vocab);
  checkCount(start.length, context);
}
