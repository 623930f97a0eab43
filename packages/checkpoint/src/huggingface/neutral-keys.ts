/**
 * Keys of `config.json` that do not change what a forward pass computes: they concern training, caching, other programs, or
 * the tokenizer, which is read from its own files. A key belongs here only when its effect is known.
 */

const neutral = new Set([
  // where the file comes from
  '_name_or_path',
  '_commit_hash',
  'architectures',
  'auto_map',
  'model_type',
  'transformers_version',
  'tokenizer_class',
  'is_llama_config',
  'transformers.js_config',
  'unsloth_version',
  'unsloth_fixed',
  // how weights are stored, and which code computes the same
  'torch_dtype',
  'dtype',
  '_attn_implementation',
  '_attn_implementation_autoset',
  'attn_implementation',
  'cache_implementation',
  'use_cache',
  'pretraining_tp',
  'for_llm_compressor',
  'flash_attn',
  'flash_rotary',
  'fused_dense',
  // training
  'initializer_range',
  'initializer_factor',
  'init_method',
  'attention_dropout',
  'attn_pdrop',
  'embd_pdrop',
  'resid_pdrop',
  'hidden_dropout',
  'residual_dropout',
  'embedding_dropout',
  'classifier_dropout',
  'router_aux_loss_coef',
  'router_jitter_noise',
  'output_router_logits',
  'gradient_checkpointing',
  // tokens: read from the tokenizer's and generation's files
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'unk_token_id',
  'sep_token_id',
  // limits of other programs
  'context_window_size',
  'prefill_chunk_size',
  'max_length',
  'max_sequence_length',
  // outputs that nothing here asks for
  'output_attentions',
  'output_hidden_states',
  'return_dict',
  'id2label',
  'label2id',
  'problem_type',
  'num_labels',
]);

/** Whether `key` with `value` leaves the maths as it is. */
export function neutralKey(key: string, value: unknown): boolean {
  if (neutral.has(key)) return true;
  // What older versions of `transformers` wrote for sequence models in general, with the values that mean "off".
  return Object.hasOwn(off, key) && off[key] === value;
}

const off: Readonly<Record<string, unknown>> = {
  add_cross_attention: false,
  is_encoder_decoder: false,
  is_decoder: false,
  tie_encoder_decoder: false,
  torchscript: false,
  use_bfloat16: false,
  chunk_size_feed_forward: 0,
  mtp_num_layers: 0,
};
