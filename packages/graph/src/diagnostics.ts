/**
 * Everything Lamella can tell an author is wrong, in one catalogue: number, sentence and remedy. A diagnostic is one message with a
 * place; it is data, so that the terminal, an editor and a test see the same thing.
 *
 * L1xx the model · L2xx checkpoints and tokenizers · L3xx the command line and files. L4xx, running a package, is in the runtime's own
 * catalogue, which packages carry; only the two that the oracle shares with it are here as well.
 */
import type { Site } from './ir.ts';

/** The sentences. `{name}` is filled from the arguments; the part behind `Try:` is the remedy. */
export const catalogue = {
  L101: 'axis {got} does not fit: expected {expected}. Try: {remedy}',
  L102: 'sizes must be positive integers: {name} is {value}. Try: a whole number of at least 1',
  L103: 'headDim must be even for RoPE: {headDim}. Try: headDim: {suggestion}, or leave rope out',
  L104: 'kvHeads must divide heads: {heads} / {kvHeads}. Try: kvHeads: {suggestion}',
  L105: 'a stack has a whole number of weight sets, at least 1, and not {count}. Try: stack({better}, block)',
  L106: 'a sharing order names weight set {index}, but the stack has {count}. Try: indices from 0 to {last}',
  L107: 'weight set {index} of the stack never runs in this order. Try: an order with every index at least once',
  L108: 'a block must return the axes it takes: it takes {expected} and returns {got}. Try: {remedy}',
  L109: 'a model must return logits over its vocabulary: {got} was returned. Try: {remedy}',
  L110: "a value of another block or another model was used here. Try: passing it in as the block's input",
  L111: 'repeat counts must be whole numbers of at least 1: {value}. Try: share.{kind}(2)',
  L112: '{file} does not export a model by default: {reason}. Try: export default defineModel(...)',
  L113: '{file} could not be run: {reason}. Try: {remedy}',
  L114: 'the name {name} is used by two different tensors. Try: another key for one of the modules',
  L115: 'the graph is not well formed: {reason}. Try: reporting this, as no graph file should lead to it',
  L116: '{op} cannot be compiled here: {reason}. Try: {remedy}',
  L117: 'eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: {value}. Try: 1e-5',
  L118: 'theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: {value}. Try: rope(10_000)',
  L119: '{key} is not a module but {got}. Try: {remedy}',
  L120: 'a {made} that init did not return was used. Try: returning it from init under its checkpoint name',
  L121: 'a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: {by}. Try: scale(x, 0.5)',
  L122: '{name} is never used. Try: using its module in the body, or leaving it out of init',
  L123: '{name} needs {gib} GiB of memory, and a WASM memory has at most 4. Try: {remedy}',
  L124: '{call} takes {expected} as {argument}, not {got}. Try: {remedy}',
  L125: '{call} does not take {what}. Try: {remedy}',
  L126: '{what} cannot have the name {name}. Try: {remedy}',
  L127: 'there is room for {most} {what}, and here are {count}. Try: {remedy}',
  L128: 'the value that is computed here is never used. Try: returning it, or leaving it out',
  L129: '@lamella/dsl has nothing named {name}. Try: {remedy}',
  L130: 'the model is too large for WebGPU: {reason}. Try: {remedy}',
  L131: '{source} nothing named {name}. Try: {remedy}',
  L132: 'a value of the model is no number that JavaScript could compute with. Try: add(a, b), mul(a, b), scale(x, 2) and the like',
  L140: 'RoPE turns an even number of features, at least 2 and at most those of a head: dims {dims} of headDim {headDim}. Try: dims: {suggestion}',
  L141: '{kind} scaling of RoPE takes {name} {wanted}, not {value}. Try: {remedy}',
  L142: 'an offset must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: {value}. Try: offset: 1',
  L150: '{name} must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: {value}. Try: {name}: {example}',
  L151: 'execution {execution} cannot read the keys and values of another: {reason}. Try: {remedy}',
  L201: 'the checkpoint does not fit the graph:\n{table}\nTry: {remedy}',
  L202: '{file} is not a safetensors file: {reason}. Try: fetching it again, or naming the right file',
  L203: '{file} ends too early: {reason}. Try: fetching it again',
  L204: 'no checkpoint in {path}: {reason}. Try: a folder with model.safetensors or pytorch_model.bin, a .safetensors, .bin or .gguf file, or random:SEED',
  L205: 'tensor {name} in {file} has dtype {dtype}, which is not read. Try: {readable}',
  L206: '{file} cannot be imported: {reason}. Try: {remedy}',
  L207: '{file} is not a usable tokenizer: {reason}. Try: {remedy}',
  L208: 'random:{seed} is not a seed. Try: random:1',
  L209: '{file} is not a PyTorch checkpoint that can be read: {reason}. Try: {remedy}',
  L210: '{file} is not an index of shards: {reason}. Try: fetching it again, with every file beside it',
  L214: 'tensor {name} in {checkpoint} has values that are no numbers: {count}, the first of them {value} at [{index}]. Try: fetching it again, or a checkpoint from before its training went wrong',
  L215: '{name} computes no numbers: after {tokens} tokens the logit of {token} is {value}, as its weights make sums overflow (the largest is {largest}, in {tensor}). Try: fetching the checkpoint again, or one from before its training went wrong',
  L216: 'tensor {name} has values that {format} cannot hold: {count} beyond {largest}, the first of them {value} at [{index}]. Try: compiling with --quant {remedy}',
  L220: '{file} is not a GGUF file that can be read: {reason}. Try: {remedy}',
  L301: '{path} cannot be written: {reason}. Try: {remedy}',
  L302: '{path} cannot be read: {reason}. Try: {remedy}',
  L303: '{option} does not take {value}. Try: {remedy}',
  L304: '{what} is not available yet: {reason}. Try: {remedy}',
  L305: '{option}: {reason}. Try: {remedy}',
  L306: '{what} cannot be written as GGUF: {reason}. Try: {remedy}',
  L307: 'there is no {name} to run in: {reason}. Try: {remedy}',
  L308: '{path} is no model: {reason}. Try: {remedy}',
  L312: 'the system refused {call}: {reason}. Try: again with LAMELLA_DEBUG=1, which says where',
  L313: 'there is not enough memory: {reason}. Try: a smaller model, a shorter --context, or a machine with more memory',
  L402: 'token id {id} is outside the vocabulary of {vocab}. Try: ids from 0 to {last}',
  L403: '{count} tokens do not fit the context of {context}. Try: a shorter prompt, or compile with a larger --context',
} as const;

export type Code = keyof typeof catalogue;

/** The names between braces in a sentence. */
type Named<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Named<Rest>
  : never;

/** What the sentence of `C` must be filled with: leaving an argument out, or one too many, does not compile. */
export type Arguments<C extends Code> = [Named<(typeof catalogue)[C]>] extends [never]
  ? Readonly<Record<string, never>>
  : Readonly<Record<Named<(typeof catalogue)[C]>, string | number>>;

/** A failure that is the user's to mend: one message, with a place and a remedy. Everything else that is thrown is a defect of ours. */
export class LamellaError<C extends Code = Code> extends Error {
  readonly code: Code;
  /** What the sentence of `code` is filled with. */
  readonly args: Readonly<Record<string, string | number>>;
  /** Where it happened: a module path such as `layers.self_attn`, a file, an option. */
  readonly place: string | null;
  readonly site: Site | null;

  /** Fills the sentence of `code` with `args`. */
  constructor(
    code: C,
    args: Arguments<C>,
    where: { readonly place?: string | null; readonly site?: Site | null } = {},
  ) {
    const place = where.place ?? null;
    const site = where.site ?? null;
    const values: LamellaError['args'] = args;
    const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (_, key: string) => String(values[key]));
    const [sentence = '', remedy] = catalogue[code].split(/[.\n]? ?Try: /s).map(fill);
    const at = [place && `at ${place}`, site && `(${site.file}:${site.line}:${site.column})`].filter(Boolean).join(' ');
    super(`${code} ${sentence}${at ? `, ${at}` : ''}${remedy ? `. Try ${remedy}` : ''}`);
    this.name = 'LamellaError';
    this.code = code;
    this.args = values;
    this.place = place;
    this.site = site;
  }

  /** The same in `place` and on no line: for a graph that no author wrote. */
  movedTo(place: string): LamellaError {
    const inside = this.place === null ? place : `${this.place} of ${place}`;
    return Reflect.construct(LamellaError, [this.code, this.args, { place: inside }]) as LamellaError;
  }
}
