/**
 * `lamella import`: a checkpoint's `config.json` becomes a graph file that an author can read and change, laid out the way one would write it
 * by hand. Loads ts-morph (0.4 s), so import this module only when it is needed.
 */
import path from 'node:path';
import { IndentationText, Project, QuoteKind, SyntaxKind } from 'ts-morph';
import { type LlamaConfig, modelName, readLlamaConfig } from './llama-config.ts';

/** A graph file that has not been written yet. */
export interface ImportedGraph {
  /** The model's name, after its folder: letters, digits, dots and dashes. */
  readonly name: string;
  /** TypeScript. Weight names are those of the checkpoint. */
  readonly source: string;
}

/** What an imported graph may need of the DSL; those that occur are imported. */
const vocabulary = new Set(
  'block defineModel dims embedding gqa input linear residual rmsNorm rope share stack swiglu'.split(' '),
);
const columns = 120;

/**
 * Writes the graph of the Hugging Face checkpoint in `dir` (MobileLLM or plain Llama) as a DSL file. Throws L302 and L206: see
 * `readLlamaConfig`.
 */
export function importHuggingFace(dir: string): ImportedGraph {
  const config = readLlamaConfig(dir);
  const folder = path.basename(path.resolve(dir));
  const name = modelName(dir);
  const project = new Project({
    useInMemoryFileSystem: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single },
  });
  const file = project.createSourceFile(`${name}.ts`, graphText(name, config));
  const names = file.getDescendantsOfKind(SyntaxKind.Identifier).map((identifier) => identifier.getText());
  const used = [...vocabulary].filter((word) => names.includes(word));
  const onOneLine = `import { ${used.join(', ')} } from '@lamella/dsl';`.length <= columns;
  file.insertImportDeclaration(0, {
    moduleSpecifier: '@lamella/dsl',
    namedImports: onOneLine ? used : (writer) => writer.newLine().write(used.join(',\n')).write(',').newLine(),
  });
  file.insertText(0, docComment(name, folder, config));
  file.formatText();
  return { name, source: file.getFullText() };
}

/** Everything but the imports and the comment at the top. */
function graphText(name: string, config: LlamaConfig): string {
  const { context, d, ff, vocab, heads, kvHeads, headDim, ropeTheta, tied } = config;
  const sizes = `t: ${digits(context)}, d: ${digits(d)}, ff: ${digits(ff)}, vocab: ${digits(vocab)}`;
  const attention = `heads: ${heads}, kvHeads: ${kvHeads}, headDim: ${headDim}, rope: rope(${digits(ropeTheta)})`;
  return `
const { t, d, ff, vocab } = dims({ ${sizes} });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: ${norm(config)},
    self_attn: gqa(d, { ${attention} }),
    post_attention_layernorm: ${norm(config)},
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

${tied ? tiedModel(name, config) : untiedModel(name, config)}`;
}

/** All names are below `model.`, and the head reads the embedding's table. */
function tiedModel(name: string, config: LlamaConfig): string {
  return `export default defineModel(
  '${name}',
  { prefix: 'model' },
  () => (${trunk(config)}),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
`;
}

/** The head, `lm_head`, stands beside `model`, so the names have no prefix in common. */
function untiedModel(name: string, config: LlamaConfig): string {
  return `export default defineModel(
  '${name}',
  {},
  () => ({
    model: ${trunk(config)},
    lm_head: linear(d, vocab),
  }),
  ({ model, lm_head }) => lm_head(model.norm(model.layers(model.embed_tokens(input(t))))),
);
`;
}

function trunk(config: LlamaConfig): string {
  const sharing = config.repeats > 1 ? `, share.immediate(${config.repeats})` : '';
  return `{ embed_tokens: embedding(vocab, d), layers: stack(${config.layers}, layer${sharing}), norm: ${norm(config)} }`;
}

/** The DSL's own epsilon is 1e-5, MobileLLM's. */
function norm({ normEps }: LlamaConfig): string {
  return normEps === 1e-5 ? 'rmsNorm(d)' : `rmsNorm(d, { eps: ${normEps.toExponential()} })`;
}

function docComment(name: string, folder: string, config: LlamaConfig): string {
  const { layers, repeats, tied, modelType } = config;
  const runs = repeats > 1 ? `${layers} blocks, each run ${repeats} times in a row` : `${layers} blocks`;
  const head = tied ? 'the head is the embedding' : 'a head of its own';
  const count = parameters(config).toLocaleString('en-US');
  return `/**
 * ${name}: ${runs}; ${head}; ${count} parameters.
 * Imported from ${`${folder}/config.json`.replaceAll('*/', '* /')} (model_type ${modelType}). Keys are the checkpoint's tensor names.
 */
`;
}

function parameters({ layers, d, ff, heads, kvHeads, headDim, vocab, tied }: LlamaConfig): number {
  const attention = 2 * d * headDim * (heads + kvHeads);
  return layers * (attention + 3 * d * ff + 2 * d) + d + vocab * d * (tied ? 1 : 2);
}

/** 2048, but 32_000. */
function digits(value: number): string {
  return Number.isSafeInteger(value) && value >= 10_000
    ? value.toLocaleString('en-US').replaceAll(',', '_')
    : String(value);
}
