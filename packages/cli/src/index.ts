/**
 * The API of the package `lamella`: define a model with `@lamella/dsl`, check it, compile it to
 * memory or to disk, inspect it, run it and measure it. The command is a face over these functions.
 * None of them prints, changes the process or ends it.
 */
export type { Graph, Site } from '@lamella/graph/ir';
export type {
  Fallback,
  FinishReason,
  GenerateOptions,
  Generation,
  Message,
  Model,
  Piece,
  Prompt,
  ResponseFormat,
  Running,
  SamplingOptions,
  TokenIds,
  Tokenizer,
  Tool,
  ToolCall,
  ToolChoice,
} from '@lamella/runtime/api';
export type { FormatName, KvName, Target } from '@lamella/runtime/choices';
export type { Manifest } from '@lamella/runtime/manifest';
export { type BenchOptions, bench } from './api/bench.ts';
export { type Checked, type CheckOptions, check } from './api/check.ts';
export { type CompileOptions, compile, emit, type Warned, type WriteOptions, write } from './api/compile.ts';
export { type InspectOptions, inspect } from './api/inspect.ts';
export { LamellaError } from './api/lamella-error.ts';
export { type LoadOptions, load } from './api/load.ts';
export type { AnyModel, Package, PackageInMemory, PackageOnDisk } from './api/model.ts';
export type { CompileChoices, Observed, Progress, WeightedChoices } from './api/options.ts';
export { oracle } from './api/oracle.ts';
export { type LogitsOptions, logits, type RunOptions, run } from './api/run.ts';
export type * from './contract.ts';
