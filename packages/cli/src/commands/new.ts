/** `lamella new`: writes a small layer-sharing model to start from, in the current folder. */
import { modelNameFrom } from '@lamella/dsl/names';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Command } from 'commander';
import { writeText } from '../files.ts';
import { asCalled } from '../terminal/called.ts';

export function define(command: Command): void {
  command.action(newGraph);
}

/**
 * Writes NAME.ts here. Throws L303 for a name that is not a model name, L301 if the file exists.
 */
export async function newGraph(name: string): Promise<void> {
  const bare = name.replace(/\.ts$/, '');
  const better = modelNameFrom(bare);
  if (bare !== better) {
    const value = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
    throw new LamellaError('L303', { option: 'lamella new', value, remedy: `lamella new ${better}` });
  }
  const file = `${bare}.ts`;
  await writeText(file, starter(bare));
  const lamella = asCalled();
  process.stdout.write(
    [
      `${file} is a small model with shared layers. Next:`,
      `  ${lamella} check ${file}`,
      `  ${lamella} inspect ${file}`,
      `  ${lamella} compile ${file} --weights random:1`,
      `  ${lamella} run out/${bare} --tokens 1,2,3`,
      '',
    ].join('\n'),
  );
}

function starter(name: string): string {
  return `/** A small deep-and-thin model: 4 weight sets, each run twice in a row (MobileLLM-LS), with a tied head. */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, share, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 512, d: 128, ff: 384, vocab: 1024 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 32, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    const attended = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(attended, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  '${name}',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(4, layer, share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
`;
}
