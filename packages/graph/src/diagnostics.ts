/**
 * The catalogue of compile-time errors: a code, a sentence and a remedy for each. An error is data
 * (code, arguments, place), so the terminal, an editor and a test all show the same message.
 *
 * L1xx the model · L2xx checkpoints and tokenizers · L3xx the command line and files. L4xx, errors
 * of a running package, are in the runtime's `catalogue.ts`; the oracle throws two of them, so
 * those two are also here.
 */
import type { Site } from './ir.ts';

/** The sentences. `{name}` is replaced by that argument; the text after `Try:` is the remedy. */
export const catalogue = {
  L101: 'axis {got} does not fit: expected {expected}. Try: {remedy}',
  L102: 'sizes must be positive integers: {name} is {value}. Try: a whole number of at least 1',
  L103: 'headDim must be even for RoPE: {headDim}. Try: headDim: {suggestion}, or leave rope out',
  L104: 'kvHeads must divide heads: {heads} / {kvHeads}. Try: kvHeads: {suggestion}',
  L105: 'a stack needs a whole number of weight sets, at least 1: {count}. Try: stack({better}, block)',
  L106: 'a sharing order names weight set {index}, but the stack has {count}. Try: indices from 0 to {last}',
  L107: 'weight set {index} of the stack never runs in this order. Try: an order with every index at least once',
  L108: 'a block must return the axes it takes: it takes {expected} and returns {got}. Try: {remedy}',
  L109: 'a model must return logits over its vocabulary: {got} was returned. Try: {remedy}',
  L110: "this value belongs to another block or another model. Try: passing it in as the block's input",
  L111: 'repeat counts must be whole numbers of at least 1: {value}. Try: share.{kind}(2)',
  L112: '{file} does not export a model by default: {reason}. Try: export default defineModel(...)',
  L113: '{file} could not be run: {reason}. Try: {remedy}',
  L114: 'the name {name} is used by two different tensors. Try: another key for one of the modules',
  L115: 'the graph is not well formed: {reason}. Try: reporting this as a bug in Lamella, because no graph file should cause it',
  L116: '{op} cannot be compiled here: {reason}. Try: {remedy}',
  L117: 'eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: {value}. Try: 1e-5',
  L118: 'theta must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: {value}. Try: rope(10_000)',
  L119: '{key} is not a module but {got}. Try: {remedy}',
  L120: 'this {made} was not returned by init. Try: returning it from init under its checkpoint name',
  L121: 'a scale must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: {by}. Try: scale(x, 0.5)',
  L122: '{name} is never used. Try: using its module in the body, or leaving it out of init',
  L123: '{name} needs {gib} GiB of memory, and a WASM memory has at most 4. Try: {remedy}',
  L124: '{call} takes {expected} as {argument}, not {got}. Try: {remedy}',
  L125: '{call} does not take {what}. Try: {remedy}',
  L126: '{what} cannot have the name {name}. Try: {remedy}',
  L127: 'there can be at most {most} {what}: {count}. Try: {remedy}',
  L128: 'the value computed here is never used. Try: returning it, or leaving it out',
  L129: '@lamella/dsl has nothing named {name}. Try: {remedy}',
  L130: 'the model is too large for WebGPU: {reason}. Try: {remedy}',
  L131: '{source} nothing named {name}. Try: {remedy}',
  L132: "JavaScript's operators do not work on values of the model. Try: add(a, b), mul(a, b), scale(x, 2) and so on",
  L140: 'RoPE rotates an even number of features, from 2 to headDim: dims {dims}, headDim {headDim}. Try: dims: {suggestion}',
  L141: '{name} of the RoPE scaling {kind} must be {wanted}: {value}. Try: {remedy}',
  L142: 'an offset must be a number that f32 holds, 0 or from 1.2e-38 to 3.4e38: {value}. Try: offset: 1',
  L150: '{name} must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: {value}. Try: {name}: {example}',
  L151: 'execution {execution} cannot read the keys and values of another: {reason}. Try: {remedy}',
  L201: 'the checkpoint does not fit the graph:\n{table}\nTry: {remedy}',
  L202: '{file} is not a safetensors file: {reason}. Try: fetching it again, or naming the right file',
  L203: '{file} ends too early: {reason}. Try: fetching it again',
  L204: 'no checkpoint in {path}: {reason}. Try: a folder with model.safetensors or pytorch_model.bin, a .safetensors, .bin or .gguf file, or random:SEED',
  L205: 'tensor {name} in {file} has dtype {dtype}, which Lamella does not read. Try: {readable}',
  L206: '{file} cannot be imported: {reason}. Try: {remedy}',
  L207: '{file} is not a usable tokenizer: {reason}. Try: {remedy}',
  L208: 'random:{seed} is not a seed. Try: random:1',
  L209: '{file} is not a PyTorch checkpoint that can be read: {reason}. Try: {remedy}',
  L210: '{file} is not an index of shards: {reason}. Try: fetching it again, with every file beside it',
  L214: 'tensor {name} in {checkpoint} has values that are not finite: {count}, the first {value} at [{index}]. Try: fetching it again, or an earlier checkpoint, from before training diverged',
  L215: '{name} computes logits that are not finite: after {tokens} tokens the logit of {token} is {value}, because sums over its weights overflow (the largest weight is {largest}, in {tensor}). Try: fetching the checkpoint again, or an earlier one, from before training diverged',
  L216: 'tensor {name} has values that {format} cannot hold: {count} beyond {largest}, the first {value} at [{index}]. Try: compiling with --quant {remedy}',
  L220: '{file} is not a GGUF file that can be read: {reason}. Try: {remedy}',
  L301: '{path} cannot be written: {reason}. Try: {remedy}',
  L302: '{path} cannot be read: {reason}. Try: {remedy}',
  L303: '{option} does not take {value}. Try: {remedy}',
  L304: '{what} is not available yet: {reason}. Try: {remedy}',
  L305: '{option}: {reason}. Try: {remedy}',
  L306: '{what} cannot be written as GGUF: {reason}. Try: {remedy}',
  L307: 'there is no {name} to run in: {reason}. Try: {remedy}',
  L308: '{path} is not a model: {reason}. Try: {remedy}',
  L312: 'the system refused {call}: {reason}. Try: again with LAMELLA_DEBUG=1, which shows the stack trace',
  L313: 'there is not enough memory: {reason}. Try: a smaller model, a shorter --context, or a machine with more memory',
  L314: 'a file of questions is JSON Lines, and here {what}. Try: a JSON object a line, with ctx (a text), endings (a list of texts) and label (the index of the right one)',
  L315: '{path} and {klTo} have different tokens, so their distributions cannot be compared. Try: two models with the same tokenizer',
  L316: 'the times of {what} kernels contradict each other: other work slowed the device down while they were measured. Try: again when the device is idle',
  L402: 'token id {id} is outside the vocabulary of {vocab}. Try: ids from 0 to {last}',
  L403: '{count} tokens do not fit the context of {context}. Try: a shorter prompt, or compile with a larger --context',
} as const;

export type Code = keyof typeof catalogue;

/** The names between braces in a sentence. */
type Named<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Named<Rest>
  : never;

/** The arguments of the sentence of `C`: a missing or an extra one is a type error. */
export type Arguments<C extends Code> = [Named<(typeof catalogue)[C]>] extends [never]
  ? Readonly<Record<string, never>>
  : Readonly<Record<Named<(typeof catalogue)[C]>, string | number>>;

/**
 * An error that the user can correct: one message with a place and a remedy. Anything else that is
 * thrown is a bug in Lamella.
 */
export class LamellaError<C extends Code = Code> extends Error {
  readonly code: Code;
  /** The arguments of the sentence of `code`. */
  readonly args: Readonly<Record<string, string | number>>;
  /** Where it happened: a module path such as `layers.self_attn`, a file, an option. */
  readonly place: string | null;
  readonly site: Site | null;
  /** The part of the message after `Try`. */
  readonly remedy: string;

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
    const [sentence = '', remedy = ''] = catalogue[code].split(/[.\n]? ?Try: /s).map(fill);
    const at = [place && `at ${place}`, site && `(${site.file}:${site.line}:${site.column})`].filter(Boolean).join(' ');
    super(`${code} ${sentence}${at ? `, ${at}` : ''}${remedy ? `. Try ${remedy}` : ''}`);
    this.name = 'LamellaError';
    this.code = code;
    this.args = values;
    this.place = place;
    this.site = site;
    this.remedy = remedy;
  }

  /** The same error in `place` and without a source line: for graphs imported from a config. */
  movedTo(place: string): LamellaError {
    const inside = this.place ? `${this.place} of ${place}` : place;
    return Reflect.construct(LamellaError, [this.code, this.args, { place: inside }]) as LamellaError;
  }
}
