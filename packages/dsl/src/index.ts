/** The DSL: everything that a graph file imports. */
export { adapter } from './adapter.ts';
export { type AttentionOptions, attention, type Cache, cache } from './attention.ts';
export { type Dim, dims } from './axes.ts';
export { type Block, block, type Stack, type StackOptions, stack } from './block.ts';
export { causalConv } from './causal-conv.ts';
export * from './functions.ts';
export type { KvSharing } from './kv.ts';
export {
  type Embedding,
  embedding,
  type GqaOptions,
  gqa,
  headNorm,
  type Layer,
  layerNorm,
  linear,
  type NormOptions,
  type Positions,
  positions,
  rmsNorm,
  swiglu,
} from './layers.ts';
export { defineModel } from './model.ts';
export type { Module, Tree } from './module.ts';
export { input, loop, residual, rotate, scale } from './ops.ts';
export { type MobileLLMShape, mobileLLM } from './presets.ts';
export { type RopeOptions, type RopeSpec, rope, ropeScaling } from './rope.ts';
export { type Sharing, share } from './share.ts';
export { type Split, split } from './split.ts';
export type { Tensor } from './tensor.ts';
