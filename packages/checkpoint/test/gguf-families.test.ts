/**
 * Every architecture that can be imported from GGUF: the file gives the same model as the
 * `config.json` of the same checkpoint, and each tensor has the same values.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LamellaError } from '@lamella/graph/diagnostics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectures } from '../src/gguf/architectures.ts';
import { openGgufWeights, readGgufDecoder } from '../src/gguf/model.ts';
import { readDecoder } from '../src/huggingface/families.ts';
import { checkpointOf, converted, families } from './gguf-converted.ts';
import { ggufFile, type Value, value } from './gguf-file.ts';
import { tinyGraph } from './tiny-graph.ts';

/** Keys of an architecture that gguf-py has names for, with a value that would change a model. */
const odd: Readonly<Record<string, Value>> = {
  ...Object.fromEntries(
    [
      'activation_sparsity_scale attn_logit_softcapping embedding_scale expert_group_scale',
      'expert_weights_scale final_logit_softcapping logit_scale residual_scale',
      'router_logit_softcapping swiglu_clamp_exp swiglu_clamp_shexp attention.clamp_kqv',
      'attention.group_norm_epsilon attention.max_alibi_bias attention.output_scale',
      'attention.scale attention.temperature_scale rope.freq_base rope.freq_base_swa',
      'rope.scaling.alpha rope.scaling.attn_factor rope.scaling.factor',
      'rope.scaling.yarn_attn_factor rope.scaling.yarn_ext_factor rope.scaling.yarn_log_multiplier',
    ]
      .join(' ')
      .split(' ')
      .map((key) => [key, value.f32(0.37)]),
  ),
  ...Object.fromEntries(
    [
      'altup.active_idx altup.num_inputs block_count context_length decoder_block_count',
      'decoder_start_token_id dense_2_feat_in embedding_length_per_layer_input embedding_length',
      'embedding_length_out expert_chunk_feed_forward_length expert_count',
      'expert_feed_forward_length expert_gating_func expert_group_count expert_group_used_count',
      'expert_shared_count expert_shared_feed_forward_length expert_used_count experts_per_group',
      'features_length feed_forward_length full_attention_interval interleave_moe_layer_step',
      'leading_dense_block_count moe_every_n_layers moe_latent_size nextn_predict_layers',
      'n_deepstack_layers pooling_type rescale_every_n_layers time_decay_extra_dim',
      'time_mix_extra_dim token_shift_count vocab_size attention.decay_lora_rank',
      'attention.gate_lora_rank attention.group_norm_groups attention.head_count',
      'attention.head_count_kv attention.iclr_lora_rank attention.indexer.head_count',
      'attention.key_length attention.key_length_mla attention.key_length_swa',
      'attention.kv_lora_rank attention.q_lora_rank attention.relative_buckets_count',
      'attention.shared_kv_layers attention.sliding_window attention.sliding_window_pattern',
      'attention.temperature_length attention.value_length attention.value_length_mla',
      'attention.value_length_swa rope.dimension_count_swa rope.dimension_sections',
      'shortconv.l_cache ssm.conv_kernel ssm.dt_b_c_rms ssm.group_count ssm.inner_size',
      'ssm.state_size ssm.time_step_rank wkv.head_size classifier.output_labels',
    ]
      .join(' ')
      .split(' ')
      .map((key) => [key, value.u32(5)]),
  ),
  'attention.causal': value.bool(false),
  expert_weights_norm: value.bool(true),
  swin_norm: value.bool(true),
  use_parallel_residual: value.bool(true),
  'rope.scaling.type': value.string('longrope'),
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('every architecture of the table is tested', () => {
  expect(new Set(Object.values(families).map(({ architecture }) => architecture))).toEqual(
    new Set(architectures.keys()),
  );
});

describe.each(Object.entries(families))('%s', (_, family) => {
  const tensors = checkpointOf(family);
  const { pairs, tensors: stored } = converted(family, tensors);
  const file = async (...more: Parameters<typeof ggufFile>[0]): Promise<string> => {
    const at = path.join(folder, 'model.gguf');
    await writeFile(at, ggufFile([...pairs, ...more], stored));
    return at;
  };

  test('is the model that its config.json describes', async () => {
    await mkdir(path.join(folder, 'hub'), { recursive: true });
    await writeFile(path.join(folder, 'hub', 'config.json'), JSON.stringify(family.config));
    const { modelType, ...expected } = readDecoder(path.join(folder, 'hub'));
    const { modelType: architecture, ...decoder } = await readGgufDecoder(await file());
    expect(architecture).toBe(family.architecture);
    expect(decoder).toEqual(expected);
  });

  test('has the tensors of the checkpoint, value for value', async () => {
    const opened = await openGgufWeights(await file(), tinyGraph());
    expect([...opened.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
    for (const { name, shape, values } of tensors) {
      expect(opened.tensors.get(name)!.shape).toEqual(shape);
      const read = new Float32Array(values.length);
      await opened.read(name, 0, read);
      // Gemma's gains were rounded when 1 was added
      const most = read.reduce((worst, each, i) => Math.max(worst, Math.abs(each - values[i]!)), 0);
      expect(most).toBeLessThanOrEqual(family.architecture === 'gemma3' && name.endsWith('norm.weight') ? 2e-7 : 0);
    }
    await opened.close();
  });

  test('is refused, or is another model, with any key that changes the maths', async () => {
    const at = path.join(folder, 'odd.gguf');
    const decoderWith = async (changed: readonly (readonly [string, Value])[]) => {
      await writeFile(at, ggufFile(changed, stored));
      return readGgufDecoder(at).catch((error: unknown) => {
        if (error instanceof LamellaError && error.code === 'L206') return error.code;
        throw error;
      });
    };
    const usual = await decoderWith(pairs);
    const same: string[] = [];
    for (const [key, each] of Object.entries(odd)) {
      const name = `${family.architecture}.${key}`;
      const already = pairs.find(([known]) => known === name)?.[1];
      const changed = [...pairs.filter(([known]) => known !== name), [name, each] as const];
      if (already && Buffer.from(already.bytes).equals(Buffer.from(each.bytes))) continue;
      if (isDeepStrictEqual(await decoderWith(changed), usual)) same.push(key);
    }
    expect(same).toEqual([]);
  });

  test('refuses a key that it does not have', async () => {
    const key = `${family.architecture}.attention.something`;
    await expect(readGgufDecoder(await file([key, value.f32(2)]))).rejects.toThrow(
      new RegExp(`^L206 .*${key} is 2, and what that changes is not known here`),
    );
  });
});
