/**
 * Real arguments for the sentences of `diagnostics.ts`, for `lamella explain` and the reference: a
 * reader who has only a code sees a whole message. Where the remedy depends on the case, there is
 * an example of each kind of case.
 */
import { type Arguments, type Code, type catalogue, LamellaError } from './diagnostics.ts';

/** The codes whose sentence has arguments. */
type Filled = { [C in Code]: (typeof catalogue)[C] extends `${string}{${string}` ? C : never }[Code];

type Examples = { readonly [C in Filled]: readonly [Arguments<C>, ...Arguments<C>[]] };

const examples: Examples = {
  L101: [
    { got: 'd=576', expected: 'ff=1536', remedy: 'rmsNorm(d) at graphs/mine.ts:29:31' },
    { got: 'ff=1536', expected: 'd=576', remedy: 'linear(ff, d) in between' },
    { got: 't=16', expected: '[t, d=576]', remedy: 'embedding the token ids first' },
    { got: '[t=16, d=4]', expected: '[t=16, d=8]', remedy: 'blocks of the same axes in one stack' },
  ],
  L102: [{ name: 'ff', value: 0 }],
  L103: [{ headDim: 63, suggestion: 64 }],
  L104: [{ heads: 9, kvHeads: 4, suggestion: 3 }],
  L105: [{ count: 2.5, better: 3 }],
  L106: [{ index: 30, count: 30, last: 29 }],
  L107: [{ index: 3 }],
  L108: [
    {
      expected: '[t=16, d=8]',
      got: '[t=16, ff=12]',
      remedy: 'ending with residual(...) or a linear back to [t=16, d=8]',
    },
    { expected: '[t=16, d=8]', got: 'nothing', remedy: 'a return in the body: return residual(...)' },
    { expected: '[t=16, d=8]', got: 'a promise', remedy: 'a body without async' },
  ],
  L109: [
    { got: '[t=16, d=8]', remedy: 'embedding.logits(x), or a linear to the vocabulary axis' },
    { got: 'nothing', remedy: 'a return in the body: return embedding.logits(x)' },
    { got: 'a promise', remedy: 'a body without async' },
  ],
  L111: [{ value: 0, kind: 'immediate' }],
  L112: [{ file: 'graphs/mine.ts', reason: 'its default export is a function, which nothing calls' }],
  L113: [
    {
      file: 'graphs/mine.ts',
      reason: 'linear is not defined',
      remedy: "import { linear } from '@lamella/dsl'",
    },
    {
      file: 'graphs/mine.ts',
      reason: "Cannot access 'layer' before initialization",
      remedy: 'declaring layer above the line that uses it',
    },
    {
      file: 'notes.md',
      reason: 'it is not a TypeScript graph file',
      remedy: 'the path of a graph file; lamella new my-model writes one',
    },
  ],
  L114: [{ name: 'model.layers.0.norm.weight' }],
  L115: [{ reason: 'node 3 reads node 5, which comes later' }],
  L116: [
    {
      op: 'attention',
      reason: "a model's own body keeps no state",
      remedy: 'a block, and stack(1, block)',
    },
    {
      op: 'stack',
      reason: 'there is nothing to run between the embedding and the head',
      remedy: 'stack(n, block) with the blocks of the model',
    },
    {
      op: 'add',
      reason: "it reads a value from before a stack besides the stack's result",
      remedy: 'carrying it through the residual stream',
    },
    {
      op: 'stack',
      reason: 'its result is never used',
      remedy: 'using its result, as in m.norm(m.layers(x)), or leaving the call out',
    },
    {
      op: 'positions',
      reason: 'positions are not available after the last stack',
      remedy: 'using positions before a stack, or inside its block',
    },
  ],
  L117: [{ value: 0 }],
  L118: [{ value: -10000 }],
  L119: [
    {
      key: 'layers',
      got: 'a Block',
      remedy: 'linear, rmsNorm, gqa, swiglu, embedding or stack(count, block)',
    },
    { key: 'norm', got: 'a function', remedy: 'what it returns, as in rmsNorm(d)' },
    { key: 'norms', got: 'a list', remedy: 'an object of modules, whose keys are their names' },
  ],
  L120: [{ made: 'linear' }],
  L121: [{ by: 'NaN' }],
  L122: [{ name: 'layers.gate_proj' }],
  L123: [
    { name: 'large', gib: '4.41', remedy: 'compiling with --quant q4' },
    { name: 'large', gib: '4.41', remedy: 'compiling with --kv q8' },
    { name: 'large', gib: '4.41', remedy: 'compiling with --context 8192' },
    {
      name: 'large',
      gib: '9.20',
      remedy: 'a smaller model: fewer weight sets, narrower layers or a smaller vocabulary',
    },
  ],
  L124: [
    { call: 'headNorm', expected: 'a divisor of d=8', argument: 'heads', got: 3, remedy: 'heads: 2' },
    {
      call: 'rmsNorm',
      expected: 'an axis of dims',
      argument: 'd',
      got: '576',
      remedy: 'const { t, d } = dims({ t: 512, d: 128 })',
    },
  ],
  L125: [
    { call: 'gqa', what: 'option windw', remedy: 'window' },
    { call: 'rmsNorm', what: 'argument 3, 7', remedy: 'rmsNorm(d, { eps: 1e-5 })' },
  ],
  L126: [
    { what: 'a model', name: '"my model"', remedy: "letters, digits, dots and dashes, such as 'my-model'" },
    { what: 'a model', name: '"con"', remedy: "a name that no system reserves, such as 'my-con'" },
    {
      what: 'a module',
      name: '"self attn"',
      remedy: "letters, digits, '_' and '-', as in checkpoints, e.g. self_attn",
    },
    { what: 'an axis', name: '"2d"', remedy: 'the name of a variable, such as d or vocab' },
  ],
  L127: [
    { what: 'weight sets in a stack', most: 4096, count: 1000000, remedy: 'at most 4096' },
    { what: 'taps of a convolution', most: 64, count: 100, remedy: 'at most 64' },
  ],
  L129: [
    { name: 'share.imediate', remedy: 'share.immediate' },
    { name: 'rmsnorm', remedy: 'rmsNorm' },
  ],
  L130: [
    {
      reason: 'layers writes to 268435456 bytes in one piece, and at most 134217728 can be bound',
      remedy: 'compiling with --kv q8 or a shorter --context, or leaving webgpu out of --target',
    },
    {
      reason: 'layers.attn has heads of 2048 features, and a workgroup supports at most 1024',
      remedy: 'a smaller headDim, or leaving webgpu out of --target',
    },
  ],
  L131: [
    { source: 'init returned', name: 'input_layer_norm', remedy: 'input_layernorm' },
    { source: 'dims was given', name: 'f', remedy: 'd, ff' },
  ],
  L140: [{ dims: 5, headDim: 64, suggestion: 4 }],
  L141: [
    { name: 'factor', kind: 'linear', wanted: 'above 0', value: 0, remedy: 'factor: 8' },
    { name: 'betaSlow', kind: 'yarn', wanted: 'below betaFast (1)', value: 32, remedy: 'betaFast: 32, betaSlow: 1' },
    {
      name: 'factors',
      kind: 'factors',
      wanted: 'a list of 4, one for each pair',
      value: '2 of them',
      remedy: '4 factors',
    },
  ],
  L142: [{ value: 'NaN' }],
  L150: [{ name: 'softcap', value: 0, example: 50 }],
  L151: [
    {
      execution: 0,
      reason: '1 is not an earlier execution',
      remedy: 'one number for each of 2 executions: its own index, or that of an earlier one',
    },
    {
      execution: 1,
      reason: 'it has 2 key heads of 4 features, and 1 of 4 are kept',
      remedy: 'an execution with the same key heads, or its own index',
    },
  ],
  L201: [
    {
      table:
        '  missing      model.layers.*.proj.weight (2 tensors)  [4, 4]  -\n  wrong shape  model.embed_tokens.weight               [5, 4]  [6, 4]\n  2 missing, 0 extra, 1 of the wrong shape',
      remedy: 'the graph this checkpoint was made for, or keys and sizes in the graph that match the table',
    },
    {
      table:
        '  tied in the graph  model.embed_tokens.weight  0.0206\n  but not the same   lm_head.weight             0.0075\n  these are the values at [0, 0]',
      remedy: 'an untied head in the graph: lm_head: linear(d, vocab) beside the model',
    },
  ],
  L202: [{ file: 'model.safetensors', reason: 'its header is not JSON' }],
  L203: [{ file: 'model.safetensors', reason: 'it ends at byte 1048576 of 2097152' }],
  L204: [{ path: 'weights', reason: 'there is no such file' }],
  L205: [
    {
      name: 'model.norm.weight',
      file: 'model.safetensors',
      dtype: 'I64',
      readable: 'one of F64, F32, F16, BF16',
    },
  ],
  L206: [
    {
      file: 'config.json',
      reason: 'attention_sinks is 4, and what that changes is not known here',
      remedy: 'a checkpoint without it, or the graph written by hand',
    },
    {
      file: 'model.gguf',
      reason: 'its architecture is mamba',
      remedy: 'a file of one of the architectures llama, qwen2, qwen3, gemma3, or the graph written by hand',
    },
    { file: 'config.json', reason: 'it is not JSON', remedy: 'fetching it again' },
  ],
  L207: [
    {
      file: 'tokenizer.json',
      reason: 'the token "<|image|>" has the id 128256, and the model\'s vocabulary has 128256 tokens',
      remedy: 'all files from the same model',
    },
    {
      file: 'tokenizer.json',
      reason: 'model.type is "Unigram", which is not read here',
      remedy: 'the folder without tokenizer files, and --tokens 1,2,3 in place of --prompt',
    },
    {
      file: 'model.gguf',
      reason: 'its tokenizer is bert, and llama and gpt2 are read',
      remedy: 'the same model as a folder from Hugging Face, with its tokenizer.json',
    },
    { file: 'tokenizer_config.json', reason: 'it is not a JSON object', remedy: 'fetching it again' },
  ],
  L208: [{ seed: 'one' }],
  L209: [
    {
      file: 'pytorch_model.bin',
      reason: 'it holds a list of 1, not a dictionary of tensors',
      remedy: 'saving only the weights in Python: torch.save(model.state_dict(), FILE)',
    },
    { file: 'pytorch_model.bin', reason: 'it is a web page', remedy: "the address behind the page's download link" },
  ],
  L210: [{ file: 'model.safetensors.index.json', reason: 'it has no weight_map' }],
  L214: [{ name: 'model.norm.weight', checkpoint: 'step-9000', count: 3, value: 'NaN', index: '17' }],
  L215: [
    {
      name: 'my-model',
      tokens: 8,
      token: 5,
      value: 'Infinity',
      largest: '3.2e+38',
      tensor: 'model.layers.0.mlp.up_proj.weight',
    },
  ],
  L216: [
    {
      name: 'model.embed_tokens.weight',
      format: 'f16',
      count: 2,
      largest: 65504,
      value: 70000,
      index: '0, 3',
      remedy: 'f32, q8 or q4',
    },
    {
      name: 'model.layers.0.mlp.up_proj.weight',
      format: 'q4',
      count: 1,
      largest: 458528,
      value: 500000,
      index: '7, 1',
      remedy: 'f32 or q8',
    },
  ],
  L220: [
    { file: 'model.gguf', reason: 'it does not begin with GGUF', remedy: 'the file as it was published' },
    {
      file: 'model-00001-of-00003.gguf',
      reason: 'it is one of 3 parts',
      remedy: 'llama-gguf-split --merge, which makes one file of them',
    },
  ],
  L301: [
    {
      path: 'out/mine',
      reason: 'permission denied',
      remedy: 'a path in a folder you can write to, on a disk that has room',
    },
    { path: 'my-models', reason: 'the folder is not empty', remedy: 'another name, or an empty folder' },
    { path: 'mine.ts', reason: 'it is already there', remedy: 'another name, or removing what is there first' },
  ],
  L302: [
    {
      path: 'text.txt',
      reason: 'there is no such file or folder',
      remedy: 'another path, or permission to read this one',
    },
    {
      path: 'config.json',
      reason: 'it is not a file but a pipe, a socket or a device',
      remedy: 'the file as it was published',
    },
    { path: 'mine.ts', reason: 'it is not UTF-8', remedy: 'the file saved as UTF-8' },
  ],
  L303: [
    { option: '--quant', value: '"q9"', remedy: 'f32, f16, q8, q4' },
    { option: '--context', value: '9999', remedy: "up to 512, the graph's t" },
    { option: '--tokens', value: '"1,two"', remedy: 'token ids between commas, such as 1,2,3' },
  ],
  L304: [
    {
      what: '--profile',
      reason: 'this version does not have it',
      remedy: 'leaving it out: one plan serves every device',
    },
    {
      what: 'running mobilellm-1.5b in this page',
      reason: 'its weights are 1.46 GiB, and a page makes at most 1 GiB',
      remedy: 'weights as q4, fewer layers, or lamella compile --weights random:1',
    },
  ],
  L305: [
    {
      option: '--kv',
      reason: 'out/mine is compiled already, so this option does not change it',
      remedy: 'leaving it out, or lamella compile with --kv',
    },
    { option: '--tokens', reason: 'it cannot be given together with --prompt', remedy: 'one of them' },
    {
      option: '--weights',
      reason: 'a GGUF file contains the weights, so this option is required',
      remedy: '--weights DIR, FILE or random:SEED',
    },
  ],
  L306: [
    {
      what: 'the model',
      reason:
        'no architecture of llama.cpp computes it; the nearest is llama, where the window of layer 0 is none; in the model it is 512',
      remedy: 'export to PyTorch',
    },
    {
      what: 'the model',
      reason: 'execution 1 of layers reads the keys and values of an earlier one',
      remedy: "kv: 'perExecution', or export to PyTorch",
    },
    {
      what: 'a tensor',
      reason: 'it has values that are not below 65520 in magnitude',
      remedy: 'type f32',
    },
  ],
  L307: [
    {
      name: 'Chromium',
      reason: 'installing one did not work',
      remedy: 'CHROMIUM=PATH, or --host node',
    },
    {
      name: 'studio',
      reason: 'its build failed: tsc: not found',
      remedy: 'npm ci, then npm run build --workspace=@lamella/studio',
    },
  ],
  L308: [
    {
      path: 'nowhere',
      reason: 'it does not exist, and nothing is downloaded from a hub',
      remedy:
        'a folder that lamella compile GRAPH.ts --weights ... has written, one with a checkpoint, or a .gguf file, downloaded before',
    },
    {
      path: 'mine.ts',
      reason: 'it is a graph file',
      remedy: 'lamella compile mine.ts --weights ..., and then the folder that it writes',
    },
    {
      path: 'llama',
      reason: 'it has model.safetensors, but config.json is missing',
      remedy:
        'the config.json published with it, or lamella compile GRAPH.ts --weights llama, with a graph file of yours',
    },
  ],
  L312: [{ call: 'spawn', reason: 'too many open files' }],
  L313: [{ reason: 'Array buffer allocation failed' }],
  L314: [{ what: 'ctx is not a text' }],
  L315: [{ path: 'out/mine', klTo: 'out/reference' }],
  L316: [{ what: 'q4' }],
  L402: [{ id: 300, vocab: 260, last: 259 }],
  L403: [{ count: 600, context: 512 }],
};

/** Whole messages of `code`; none if its sentence has no arguments. */
export function exampleMessages(code: Code): readonly string[] {
  const filled: Readonly<Record<string, readonly LamellaError['args'][]>> = examples;
  return (filled[code] ?? []).map((args) => (Reflect.construct(LamellaError, [code, args]) as LamellaError).message);
}
