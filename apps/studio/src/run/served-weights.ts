/**
 * The weights that `lamella dev --weights` serves, read one tensor at a time: this page packs them
 * like random ones, so an edit of the graph needs no new package.
 */
import type { Weights } from './package.ts';
import type { ServedWeights } from './protocol.ts';

/** Rejects with the server's message if the weights do not fit the graph or cannot be read. */
export async function servedWeights({ address }: ServedWeights): Promise<Weights> {
  const tokenizer: Weights['tokenizer'] = await (await ask(address)).json();
  return {
    tokenizer,
    read: async (_, index) => new Float32Array(await (await ask(`${address}&tensor=${index}`)).arrayBuffer()),
  };
}

async function ask(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(await response.text());
  return response;
}
