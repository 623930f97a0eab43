// start.embed_tokens.decode: one workgroup of 128
//   read embed_tokens.weight: f32 weights [16, 8]
//   read tokens: i32 ids
//   write x: f32 [13, 16]
@group(0) @binding(0) var<storage, read_write> memory: array<u32>;
@group(0) @binding(1) var<storage, read> w0: array<u32>;
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  let id = bitcast<i32>(memory[0]);
  for (var i = lane; i < 8; i += 128) {
    memory[(i + 32)] = bitcast<u32>(bitcast<f32>(w0[(((i32(u32(id) / u32(16)) * 128) + i32(u32(id) % u32(16))) + (i * 16))]));
  }
}

// layers.q_proj+k_proj+v_proj.decode: 3 of 128
//   read x: f32 [13, 16]
//   read input_layernorm.weight: f32 [8]
//   read self_attn.q_proj.weight.0: f32 weights [8, 8]
//   read self_attn.q_proj.weight.1: f32 weights [8, 8]
//   read cos0: f32 [8, 4]
//   read sin0: f32 [8, 4]
//   write layers.q_proj: f32 [13, 16]
//   read self_attn.k_proj.weight.0: f32 weights [4, 8]
//   read self_attn.k_proj.weight.1: f32 weights [4, 8]
//   write keys0: f32 [1, 8, 8]
//   read self_attn.v_proj.weight: f32 weights [8, 8]
//   write values0: f32 [1, 8, 8]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> constants: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 128>;
var<workgroup> staged: array<f32, 8>;
var<workgroup> partials: array<vec4<f32>, 128>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
fn w0Word(at: i32) -> u32 {
  return w0[at >> 2u][at & 3];
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let position = step.position;
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  var sum4: vec4<f32> = vec4<f32>(0f);
  for (var quad = lane; quad < 2; quad += 128) {
    let v = bitcast<vec4<f32>>(memory[(quad + 8)]);
    sum4 = (sum4 + (v * v));
  }
  let lanes = sum4;
  scratch[lane] = ((lanes.x + lanes.y) + (lanes.z + lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 8)]) + scratch[(lane + 16)]) + scratch[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 2)]) + scratch[(lane + 4)]) + scratch[(lane + 6)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (scratch[lane] + scratch[(lane + 1)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = (1f / sqrt(((all_1 * 0.125f) + 0.000009999999747378752f)));
  for (var i = lane; i < 8; i += 128) {
    staged[i] = ((bitcast<f32>(memoryWord((i + 32))) * inverse) * bitcast<f32>(w0Word(i)));
  }
  workgroupBarrier();
  if (block_1 < 1) {
    let block_1_1 = block_1;
    let v_1 = i32(u32(lane) % u32(2));
    let part = i32(u32(lane) / u32(2));
    var acc_0: vec4<f32> = vec4<f32>(0f);
    let base = ((block_1_1 * 128) + (v_1 * 4));
    for (var k = part; k < 8; k += 64) {
      let wk = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (k * 2)) + 4)]);
      acc_0 = (acc_0 + (vec4<f32>(staged[k]) * wk));
    }
    partials[lane] = acc_0;
    workgroupBarrier();
    if (lane < 32) {
      partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
    }
    workgroupBarrier();
    if (lane < 8) {
      partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
    }
    workgroupBarrier();
    let sum = partials[i32(u32(lane) % u32(2))];
    workgroupBarrier();
    let dot_1 = sum;
    var acc_1_0: vec4<f32> = vec4<f32>(0f);
    let base_1 = ((block_1_1 * 128) + (v_1 * 4));
    for (var k_1 = part; k_1 < 8; k_1 += 64) {
      let wk_1 = bitcast<vec4<f32>>(w0[((i32(u32(base_1) / u32(4)) + (k_1 * 2)) + 20)]);
      acc_1_0 = (acc_1_0 + (vec4<f32>(staged[k_1]) * wk_1));
    }
    partials[lane] = acc_1_0;
    workgroupBarrier();
    if (lane < 32) {
      partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
    }
    workgroupBarrier();
    if (lane < 8) {
      partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
    }
    workgroupBarrier();
    let sum_1 = partials[i32(u32(lane) % u32(2))];
    workgroupBarrier();
    let dot_1_1 = sum_1;
    let row_1 = ((block_1_1 * 8) + (v_1 * 4));
    if (lane < 2) {
      if (0 < count) {
        let inHead = i32(u32(row_1) % u32(4));
        let angle = ((position * 4) + inHead);
        let cos_1 = bitcast<vec4<f32>>(constants[i32(u32(angle) / u32(4))]);
        let sin_1 = bitcast<vec4<f32>>(constants[(i32(u32(angle) / u32(4)) + 8)]);
        let head = (i32(u32(row_1) / u32(4)) * 8);
        memory[((i32(u32(head) / u32(4)) + i32(u32(inHead) / u32(4))) + 60)] = bitcast<vec4<u32>>(((dot_1 * cos_1) - (dot_1_1 * sin_1)));
        memory[(((i32(u32(head) / u32(4)) + i32(u32(inHead) / u32(4))) + 1) + 60)] = bitcast<vec4<u32>>(((dot_1_1 * cos_1) + (dot_1 * sin_1)));
      }
    }
  }
  if (0 < block_1) {
    if (block_1 < 2) {
      let block_2 = (block_1 + (-1));
      let part_1 = lane;
      var acc_2_0: vec4<f32> = vec4<f32>(0f);
      let base_2 = (block_2 * 64);
      for (var k_2 = part_1; k_2 < 8; k_2 += 128) {
        let wk_2 = bitcast<vec4<f32>>(w0[((i32(u32(base_2) / u32(4)) + k_2) + 36)]);
        acc_2_0 = (acc_2_0 + (vec4<f32>(staged[k_2]) * wk_2));
      }
      partials[lane] = acc_2_0;
      workgroupBarrier();
      if (lane < 32) {
        partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
      }
      workgroupBarrier();
      if (lane < 8) {
        partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
      }
      workgroupBarrier();
      if (lane < 2) {
        partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
      }
      workgroupBarrier();
      if (lane < 1) {
        partials[lane] = (partials[lane] + partials[(lane + 1)]);
      }
      workgroupBarrier();
      let sum_2 = partials[0];
      workgroupBarrier();
      let dot_2 = sum_2;
      var acc_3_0: vec4<f32> = vec4<f32>(0f);
      let base_3 = (block_2 * 64);
      for (var k_3 = part_1; k_3 < 8; k_3 += 128) {
        let wk_3 = bitcast<vec4<f32>>(w0[((i32(u32(base_3) / u32(4)) + k_3) + 44)]);
        acc_3_0 = (acc_3_0 + (vec4<f32>(staged[k_3]) * wk_3));
      }
      partials[lane] = acc_3_0;
      workgroupBarrier();
      if (lane < 32) {
        partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
      }
      workgroupBarrier();
      if (lane < 8) {
        partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
      }
      workgroupBarrier();
      if (lane < 2) {
        partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
      }
      workgroupBarrier();
      if (lane < 1) {
        partials[lane] = (partials[lane] + partials[(lane + 1)]);
      }
      workgroupBarrier();
      let sum_3 = partials[0];
      workgroupBarrier();
      let dot_3 = sum_3;
      let row_2 = (block_2 * 4);
      if (lane < 1) {
        if (0 < count) {
          let inHead_1 = i32(u32(row_2) % u32(4));
          let angle_1 = ((position * 4) + inHead_1);
          let cos_1_1 = bitcast<vec4<f32>>(constants[i32(u32(angle_1) / u32(4))]);
          let sin_1_1 = bitcast<vec4<f32>>(constants[(i32(u32(angle_1) / u32(4)) + 8)]);
          let head_1 = (i32(u32(row_2) / u32(4)) * 64);
          state[((position * 2) + (i32(u32(head_1) / u32(4)) + i32(u32(inHead_1) / u32(4))))] = bitcast<vec4<u32>>(((dot_2 * cos_1_1) - (dot_3 * sin_1_1)));
          state[((position * 2) + ((i32(u32(head_1) / u32(4)) + i32(u32(inHead_1) / u32(4))) + 1))] = bitcast<vec4<u32>>(((dot_3 * cos_1_1) + (dot_2 * sin_1_1)));
        }
      }
    }
  }
  if (1 < block_1) {
    let block_3 = (block_1 + (-2));
    let v_2 = i32(u32(lane) % u32(2));
    let part_2 = i32(u32(lane) / u32(2));
    var acc_4_0: vec4<f32> = vec4<f32>(0f);
    let base_4 = ((block_3 * 64) + (v_2 * 4));
    for (var k_4 = part_2; k_4 < 8; k_4 += 64) {
      let wk_4 = bitcast<vec4<f32>>(w0[((i32(u32(base_4) / u32(4)) + (k_4 * 2)) + 52)]);
      acc_4_0 = (acc_4_0 + (vec4<f32>(staged[k_4]) * wk_4));
    }
    partials[lane] = acc_4_0;
    workgroupBarrier();
    if (lane < 32) {
      partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
    }
    workgroupBarrier();
    if (lane < 8) {
      partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
    }
    workgroupBarrier();
    let sum_4 = partials[i32(u32(lane) % u32(2))];
    workgroupBarrier();
    let dot_4 = sum_4;
    let row_3 = ((block_3 * 8) + (v_2 * 4));
    if (lane < 2) {
      if (0 < count) {
        let head_2 = (i32(u32(row_3) / u32(8)) * 64);
        let inHead_2 = i32(u32(row_3) % u32(8));
        state[(((position * 2) + (i32(u32(head_2) / u32(4)) + i32(u32(inHead_2) / u32(4)))) + 16)] = bitcast<vec4<u32>>(dot_4);
      }
    }
  }
}

// layers.self_attn.decode: 2 x (1 + position) / 128 of 64
//   read keys0: f32 [1, 8, 8]
//   read layers.q_proj: f32 [13, 16]
//   read values0: f32 [1, 8, 8]
//   write layers.self_attn: f32 [13, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> state: array<vec4<u32>>;
var<workgroup> query: array<f32, 8>;
var<workgroup> scratch: array<f32, 64>;
var<workgroup> scores: array<f32, 128>;
var<workgroup> sums: array<vec4<f32>, 64>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
fn queryVector(at: i32) -> vec4<f32> {
  return vec4<f32>(query[at], query[at + 1], query[at + 2], query[at + 3]);
}
@compute @workgroup_size(64, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let position = step.position;
  let h = i32(group.x);
  let from_1 = i32(group.y) * 128;
  let lane = i32(invocation);
  let length_1 = (position + 1);
  if (from_1 < length_1) {
    let count_1 = ((length_1 - from_1) < 128);
    let mine = select(128, (length_1 - from_1), count_1);
    let kvHead = i32(u32(h) / u32(2));
    let rows = ((kvHead * 8) + from_1);
    let qAt = (h * 8);
    for (var i = lane; i < 8; i += 64) {
      query[i] = bitcast<f32>(memoryWord(((qAt + i) + 240)));
    }
    workgroupBarrier();
    var most: f32 = (-3.0000000054977558e+38f);
    for (var p = lane; p < mine; p += 64) {
      let keyRow = (rows + p);
      let keyAt = (keyRow * 8);
      var acc: vec4<f32> = vec4<f32>(0f);
      for (var i_1 = 0; i_1 < 8; i_1 += 4) {
        acc = (acc + (queryVector(i_1) * bitcast<vec4<f32>>(state[(i32(u32(keyAt) / u32(4)) + i32(u32(i_1) / u32(4)))])));
      }
      let lanes = acc;
      let score = (((lanes.x + lanes.y) + (lanes.z + lanes.w)) * 0.3535533845424652f);
      scores[p] = score;
      most = max(most, score);
    }
    scratch[lane] = most;
    workgroupBarrier();
    if (lane < 16) {
      scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 16)]), scratch[(lane + 32)]), scratch[(lane + 48)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 4)]), scratch[(lane + 8)]), scratch[(lane + 12)]);
    }
    workgroupBarrier();
    if (lane < 1) {
      scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 1)]), scratch[(lane + 2)]), scratch[(lane + 3)]);
    }
    workgroupBarrier();
    let all_1 = scratch[0];
    workgroupBarrier();
    var weights: f32 = 0f;
    for (var p_1 = lane; p_1 < mine; p_1 += 64) {
      let e_x = min(max((scores[p_1] - all_1), (-87f)), 88f);
      let e_n = round((e_x * 1.4426950216293335f));
      let e_r = ((e_x - (e_n * 0.693359375f)) - (e_n * (-0.00021219444170128554f)));
      let e_y = (((((((((((((((0.00019841270113829523f * e_r) + 0.0013888889225199819f) * e_r) + 0.008333333767950535f) * e_r) + 0.0416666679084301f) * e_r) + 0.1666666716337204f) * e_r) + 0.5f) * e_r) * e_r) + e_r) + 1f) * bitcast<f32>((i32(e_n) + 127) << 23u));
      weights = (weights + e_y);
      scores[p_1] = e_y;
    }
    scratch[lane] = weights;
    workgroupBarrier();
    if (lane < 16) {
      scratch[lane] = (((scratch[lane] + scratch[(lane + 16)]) + scratch[(lane + 32)]) + scratch[(lane + 48)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      scratch[lane] = (((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]);
    }
    workgroupBarrier();
    if (lane < 1) {
      scratch[lane] = (((scratch[lane] + scratch[(lane + 1)]) + scratch[(lane + 2)]) + scratch[(lane + 3)]);
    }
    workgroupBarrier();
    let all_1_1 = scratch[0];
    workgroupBarrier();
    let feature = (i32(u32(lane) % u32(2)) * 4);
    var acc_1: vec4<f32> = vec4<f32>(0f);
    for (var p_2 = i32(u32(lane) / u32(2)); p_2 < mine; p_2 += 32) {
      acc_1 = (acc_1 + (vec4<f32>(scores[p_2]) * bitcast<vec4<f32>>(state[((((rows + p_2) * 2) + i32(u32(feature) / u32(4))) + 16)])));
    }
    sums[lane] = acc_1;
    workgroupBarrier();
    if (lane < 16) {
      sums[lane] = (((sums[lane] + sums[(lane + 16)]) + sums[(lane + 32)]) + sums[(lane + 48)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      sums[lane] = (((sums[lane] + sums[(lane + 4)]) + sums[(lane + 8)]) + sums[(lane + 12)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      sums[lane] = (sums[lane] + sums[(lane + 2)]);
    }
    workgroupBarrier();
    let total = sums[lane];
    if (lane < 2) {
      memory[(((h * 2) + lane) + 112)] = bitcast<vec4<u32>>((total * vec4<f32>((1f / all_1_1))));
    }
  }
}

// layers.o_proj.decode: 1 of 128
//   read layers.self_attn: f32 [13, 16]
//   read self_attn.o_proj.weight: f32 weights [8, 16]
//   readwrite x: f32 [13, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> partials: array<vec4<f32>, 128>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let block_1_1 = block_1;
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let base = ((block_1_1 * 128) + (v * 4));
  for (var k = part; k < 16; k += 64) {
    let wk = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (k * 2)) + 68)]);
    acc_0 = (acc_0 + (vec4<f32>(bitcast<f32>(memoryWord((k + 448)))) * wk));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
  }
  workgroupBarrier();
  let sum = partials[i32(u32(lane) % u32(2))];
  workgroupBarrier();
  let dot_1 = sum;
  let row_1 = ((block_1_1 * 8) + (v * 4));
  if (lane < 2) {
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(i32(u32(row_1) / u32(4)) + 8)]) + dot_1));
    }
  }
}

// layers.gate_proj+up_proj.decode: 3 of 128
//   read x: f32 [13, 16]
//   read post_attention_layernorm.weight: f32 [8]
//   read mlp.gate_proj.weight: f32 weights [12, 8]
//   read mlp.up_proj.weight: f32 weights [12, 8]
//   write layers.mlp.mul14: f32 [13, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 128>;
var<workgroup> staged: array<f32, 8>;
var<workgroup> partials: array<vec4<f32>, 128>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
fn w0Word(at: i32) -> u32 {
  return w0[at >> 2u][at & 3];
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  var sum4: vec4<f32> = vec4<f32>(0f);
  for (var quad = lane; quad < 2; quad += 128) {
    let v = bitcast<vec4<f32>>(memory[(quad + 8)]);
    sum4 = (sum4 + (v * v));
  }
  let lanes = sum4;
  scratch[lane] = ((lanes.x + lanes.y) + (lanes.z + lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 8)]) + scratch[(lane + 16)]) + scratch[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 2)]) + scratch[(lane + 4)]) + scratch[(lane + 6)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (scratch[lane] + scratch[(lane + 1)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = (1f / sqrt(((all_1 * 0.125f) + 0.000009999999747378752f)));
  for (var i = lane; i < 8; i += 128) {
    staged[i] = ((bitcast<f32>(memoryWord((i + 32))) * inverse) * bitcast<f32>(w0Word((i + 400))));
  }
  workgroupBarrier();
  let block_1_1 = block_1;
  let part = lane;
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let base = (block_1_1 * 64);
  for (var k = part; k < 8; k += 128) {
    let wk = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + k) + 104)]);
    acc_0 = (acc_0 + (vec4<f32>(staged[k]) * wk));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    partials[lane] = (partials[lane] + partials[(lane + 1)]);
  }
  workgroupBarrier();
  let sum = partials[0];
  workgroupBarrier();
  let dot_1 = sum;
  var acc_1_0: vec4<f32> = vec4<f32>(0f);
  let base_1 = (block_1_1 * 64);
  for (var k_1 = part; k_1 < 8; k_1 += 128) {
    let wk_1 = bitcast<vec4<f32>>(w0[((i32(u32(base_1) / u32(4)) + k_1) + 112)]);
    acc_1_0 = (acc_1_0 + (vec4<f32>(staged[k_1]) * wk_1));
  }
  partials[lane] = acc_1_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    partials[lane] = (partials[lane] + partials[(lane + 1)]);
  }
  workgroupBarrier();
  let sum_1 = partials[0];
  workgroupBarrier();
  let dot_1_1 = sum_1;
  let row_1 = (block_1_1 * 4);
  if (lane < 1) {
    if (0 < count) {
      let s_x = dot_1;
      let e_x = min(max((-s_x), vec4<f32>((-87f))), vec4<f32>(88f));
      let e_n = round((e_x * vec4<f32>(1.4426950216293335f)));
      let e_r = ((e_x - (e_n * vec4<f32>(0.693359375f))) - (e_n * vec4<f32>((-0.00021219444170128554f))));
      let e_y = (((((((((((((((vec4<f32>(0.00019841270113829523f) * e_r) + vec4<f32>(0.0013888889225199819f)) * e_r) + vec4<f32>(0.008333333767950535f)) * e_r) + vec4<f32>(0.0416666679084301f)) * e_r) + vec4<f32>(0.1666666716337204f)) * e_r) + vec4<f32>(0.5f)) * e_r) * e_r) + e_r) + vec4<f32>(1f)) * bitcast<vec4<f32>>((vec4<i32>(e_n) + vec4<i32>(127)) << vec4<u32>(23u)));
      memory[(i32(u32(row_1) / u32(4)) + 60)] = bitcast<vec4<u32>>(((s_x / (vec4<f32>(1f) + e_y)) * dot_1_1));
    }
  }
}

// layers.down_proj.decode: 1 of 128
//   read layers.mlp.mul14: f32 [13, 16]
//   read mlp.down_proj.weight: f32 weights [8, 12]
//   readwrite x: f32 [13, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> partials: array<vec4<f32>, 128>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let block_1_1 = block_1;
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let base = ((block_1_1 * 96) + (v * 4));
  for (var k = part; k < 12; k += 64) {
    let wk = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (k * 2)) + 152)]);
    acc_0 = (acc_0 + (vec4<f32>(bitcast<f32>(memoryWord((k + 240)))) * wk));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    partials[lane] = (((partials[lane] + partials[(lane + 2)]) + partials[(lane + 4)]) + partials[(lane + 6)]);
  }
  workgroupBarrier();
  let sum = partials[i32(u32(lane) % u32(2))];
  workgroupBarrier();
  let dot_1 = sum;
  let row_1 = ((block_1_1 * 8) + (v * 4));
  if (lane < 2) {
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(i32(u32(row_1) / u32(4)) + 8)]) + dot_1));
    }
  }
}

// end.embed_tokens.decode: 1 of 128
//   read x: f32 [13, 16]
//   read norm.weight: f32 [8]
//   read embed_tokens.weight: f32 weights [16, 8]
//   write logits: f32 [16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<u32>;
@group(0) @binding(3) var<storage, read> w1: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 128>;
var<workgroup> staged: array<f32, 8>;
var<workgroup> partials: array<vec4<f32>, 128>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let row = step.row;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let xRow = (row * 16);
  var sum4: vec4<f32> = vec4<f32>(0f);
  for (var quad = lane; quad < 2; quad += 128) {
    let v = bitcast<vec4<f32>>(memory[((i32(u32(xRow) / u32(4)) + quad) + 8)]);
    sum4 = (sum4 + (v * v));
  }
  let lanes = sum4;
  scratch[lane] = ((lanes.x + lanes.y) + (lanes.z + lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 8)]) + scratch[(lane + 16)]) + scratch[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 2)]) + scratch[(lane + 4)]) + scratch[(lane + 6)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (scratch[lane] + scratch[(lane + 1)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = (1f / sqrt(((all_1 * 0.125f) + 0.000009999999747378752f)));
  for (var i = lane; i < 8; i += 128) {
    staged[i] = ((bitcast<f32>(memoryWord(((xRow + i) + 32))) * inverse) * bitcast<f32>(w0[i]));
  }
  workgroupBarrier();
  let block_1_1 = block_1;
  let v_1 = i32(u32(lane) % u32(4));
  let part = i32(u32(lane) / u32(4));
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let base = ((block_1_1 * 128) + (v_1 * 4));
  for (var k = part; k < 8; k += 32) {
    let wk = bitcast<vec4<f32>>(w1[(i32(u32(base) / u32(4)) + (k * 4))]);
    acc_0 = (acc_0 + (vec4<f32>(staged[k]) * wk));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    partials[lane] = (((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (partials[lane] + partials[(lane + 4)]);
  }
  workgroupBarrier();
  let sum = partials[i32(u32(lane) % u32(4))];
  workgroupBarrier();
  let dot_1 = sum;
  let row_1 = ((block_1_1 * 16) + (v_1 * 4));
  if (lane < 4) {
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 4)] = bitcast<vec4<u32>>(dot_1);
    }
  }
}

// end.argmax.decode: one workgroup of 256
//   read logits: f32 [16]
//   readwrite step: i32 position, count, row, seed, temperature, inverse
//   write tokens: i32 ids
//   write history: i32 ids by position
@group(0) @binding(0) var<storage, read_write> step: array<u32>;
@group(0) @binding(1) var<storage, read_write> memory: array<u32>;
@group(0) @binding(2) var<storage, read_write> history: array<u32>;
var<workgroup> values: array<f32, 256>;
var<workgroup> places: array<i32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  var value: f32 = (-3.3999999521443642e+38f);
  var place: i32 = 15;
  for (var i = lane; i < 16; i += 256) {
    let x = bitcast<f32>(memory[(i + 16)]);
    if (value < x) {
      value = x;
      place = i;
    }
  }
  values[lane] = value;
  places[lane] = place;
  workgroupBarrier();
  if (lane < 128) {
    let x_1 = values[lane];
    let x_2 = values[(lane + 128)];
    let i_1 = places[lane];
    let i_2 = places[(lane + 128)];
    if (0 < select(select(select(0, 1, (i_2 < i_1)), 0, (x_2 < x_1)), 1, (x_1 < x_2))) {
      values[lane] = x_2;
      places[lane] = i_2;
    }
  }
  workgroupBarrier();
  if (lane < 64) {
    let x_3 = values[lane];
    let x_4 = values[(lane + 64)];
    let i_3 = places[lane];
    let i_4 = places[(lane + 64)];
    if (0 < select(select(select(0, 1, (i_4 < i_3)), 0, (x_4 < x_3)), 1, (x_3 < x_4))) {
      values[lane] = x_4;
      places[lane] = i_4;
    }
  }
  workgroupBarrier();
  if (lane < 32) {
    let x_5 = values[lane];
    let x_6 = values[(lane + 32)];
    let i_5 = places[lane];
    let i_6 = places[(lane + 32)];
    if (0 < select(select(select(0, 1, (i_6 < i_5)), 0, (x_6 < x_5)), 1, (x_5 < x_6))) {
      values[lane] = x_6;
      places[lane] = i_6;
    }
  }
  workgroupBarrier();
  if (lane < 16) {
    let x_7 = values[lane];
    let x_8 = values[(lane + 16)];
    let i_7 = places[lane];
    let i_8 = places[(lane + 16)];
    if (0 < select(select(select(0, 1, (i_8 < i_7)), 0, (x_8 < x_7)), 1, (x_7 < x_8))) {
      values[lane] = x_8;
      places[lane] = i_8;
    }
  }
  workgroupBarrier();
  if (lane < 8) {
    let x_9 = values[lane];
    let x_10 = values[(lane + 8)];
    let i_9 = places[lane];
    let i_10 = places[(lane + 8)];
    if (0 < select(select(select(0, 1, (i_10 < i_9)), 0, (x_10 < x_9)), 1, (x_9 < x_10))) {
      values[lane] = x_10;
      places[lane] = i_10;
    }
  }
  workgroupBarrier();
  if (lane < 4) {
    let x_11 = values[lane];
    let x_12 = values[(lane + 4)];
    let i_11 = places[lane];
    let i_12 = places[(lane + 4)];
    if (0 < select(select(select(0, 1, (i_12 < i_11)), 0, (x_12 < x_11)), 1, (x_11 < x_12))) {
      values[lane] = x_12;
      places[lane] = i_12;
    }
  }
  workgroupBarrier();
  if (lane < 2) {
    let x_13 = values[lane];
    let x_14 = values[(lane + 2)];
    let i_13 = places[lane];
    let i_14 = places[(lane + 2)];
    if (0 < select(select(select(0, 1, (i_14 < i_13)), 0, (x_14 < x_13)), 1, (x_13 < x_14))) {
      values[lane] = x_14;
      places[lane] = i_14;
    }
  }
  workgroupBarrier();
  if (lane < 1) {
    let x_15 = values[lane];
    let x_16 = values[(lane + 1)];
    let i_15 = places[lane];
    let i_16 = places[(lane + 1)];
    if (0 < select(select(select(0, 1, (i_16 < i_15)), 0, (x_16 < x_15)), 1, (x_15 < x_16))) {
      values[lane] = x_16;
      places[lane] = i_16;
    }
  }
  workgroupBarrier();
  if (lane < 1) {
    let id = places[0];
    let position_1 = (bitcast<i32>(step[0]) + bitcast<i32>(step[1]));
    memory[0] = bitcast<u32>(id);
    history[position_1] = bitcast<u32>(id);
    step[0] = bitcast<u32>(position_1);
    step[1] = bitcast<u32>(1);
    step[2] = bitcast<u32>(0);
  }
}

// end.draw.decode: one workgroup of 256
//   read logits: f32 [16]
//   readwrite step: i32 position, count, row, seed, temperature, inverse
//   write tokens: i32 ids
//   write history: i32 ids by position
@group(0) @binding(0) var<storage, read_write> step: array<u32>;
@group(0) @binding(1) var<storage, read_write> memory: array<u32>;
@group(0) @binding(2) var<storage, read_write> history: array<u32>;
var<workgroup> values: array<f32, 256>;
var<workgroup> places: array<i32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  let h = (bitcast<i32>(step[4]) + (((bitcast<i32>(step[0]) + bitcast<i32>(step[1])) + 1) * (-1640531527)));
  let h_1 = ((h ^ i32(u32(h) >> u32(16))) * (-2048144789));
  let h_2 = ((h_1 ^ i32(u32(h_1) >> u32(13))) * (-1028477387));
  let h_3 = (h_2 ^ i32(u32(h_2) >> u32(16)));
  let temperature = bitcast<f32>(bitcast<i32>(step[5]));
  var value: f32 = (-3.3999999521443642e+38f);
  var place: i32 = 15;
  for (var i = lane; i < 16; i += 256) {
    let h_4 = (h_3 + ((i + 1) * (-1640531527)));
    let h_5 = ((h_4 ^ i32(u32(h_4) >> u32(16))) * (-2048144789));
    let h_6 = ((h_5 ^ i32(u32(h_5) >> u32(13))) * (-1028477387));
    let h_7 = (h_6 ^ i32(u32(h_6) >> u32(16)));
    let y = (((f32(i32(u32(h_7) >> u32(16))) * 65536f) + (f32((h_7 & 65535)) + 0.5f)) * 2.3283064365386963e-10f);
    let l_u = max((1f - y), 2.9802322387695312e-8f);
    let l_i = (bitcast<i32>(l_u) + 4913933);
    let l_n = f32((i32(u32(l_i) >> u32(23)) + (-127)));
    let l_f = (bitcast<f32>(((l_i & 8388607) + 1060439283)) - 1f);
    let l_f_1 = select((-y), l_f, (l_n < 0f));
    let l_s = (l_f_1 / (2f + l_f_1));
    let l_q = (l_s * l_s);
    let l_t = (l_s + l_s);
    let l_y = ((l_n * 0.693359375f) + ((l_n * (-0.00021219444170128554f)) + (l_t + ((l_t * l_q) * ((((((0.1111111119389534f * l_q) + 0.1428571492433548f) * l_q) + 0.20000000298023224f) * l_q) + 0.3333333432674408f)))));
    let e = (-l_y);
    let l_i_1 = (bitcast<i32>(e) + 4913933);
    let l_n_1 = f32((i32(u32(l_i_1) >> u32(23)) + (-127)));
    let l_f_2 = (bitcast<f32>(((l_i_1 & 8388607) + 1060439283)) - 1f);
    let l_s_1 = (l_f_2 / (2f + l_f_2));
    let l_q_1 = (l_s_1 * l_s_1);
    let l_t_1 = (l_s_1 + l_s_1);
    let l_y_1 = ((l_n_1 * 0.693359375f) + ((l_n_1 * (-0.00021219444170128554f)) + (l_t_1 + ((l_t_1 * l_q_1) * ((((((0.1111111119389534f * l_q_1) + 0.1428571492433548f) * l_q_1) + 0.20000000298023224f) * l_q_1) + 0.3333333432674408f)))));
    let x = (bitcast<f32>(memory[(i + 16)]) + (temperature * (-l_y_1)));
    if (value < x) {
      value = x;
      place = i;
    }
  }
  values[lane] = value;
  places[lane] = place;
  workgroupBarrier();
  if (lane < 128) {
    let x_1 = values[lane];
    let x_2 = values[(lane + 128)];
    let i_1 = places[lane];
    let i_2 = places[(lane + 128)];
    if (0 < select(select(select(0, 1, (i_2 < i_1)), 0, (x_2 < x_1)), 1, (x_1 < x_2))) {
      values[lane] = x_2;
      places[lane] = i_2;
    }
  }
  workgroupBarrier();
  if (lane < 64) {
    let x_3 = values[lane];
    let x_4 = values[(lane + 64)];
    let i_3 = places[lane];
    let i_4 = places[(lane + 64)];
    if (0 < select(select(select(0, 1, (i_4 < i_3)), 0, (x_4 < x_3)), 1, (x_3 < x_4))) {
      values[lane] = x_4;
      places[lane] = i_4;
    }
  }
  workgroupBarrier();
  if (lane < 32) {
    let x_5 = values[lane];
    let x_6 = values[(lane + 32)];
    let i_5 = places[lane];
    let i_6 = places[(lane + 32)];
    if (0 < select(select(select(0, 1, (i_6 < i_5)), 0, (x_6 < x_5)), 1, (x_5 < x_6))) {
      values[lane] = x_6;
      places[lane] = i_6;
    }
  }
  workgroupBarrier();
  if (lane < 16) {
    let x_7 = values[lane];
    let x_8 = values[(lane + 16)];
    let i_7 = places[lane];
    let i_8 = places[(lane + 16)];
    if (0 < select(select(select(0, 1, (i_8 < i_7)), 0, (x_8 < x_7)), 1, (x_7 < x_8))) {
      values[lane] = x_8;
      places[lane] = i_8;
    }
  }
  workgroupBarrier();
  if (lane < 8) {
    let x_9 = values[lane];
    let x_10 = values[(lane + 8)];
    let i_9 = places[lane];
    let i_10 = places[(lane + 8)];
    if (0 < select(select(select(0, 1, (i_10 < i_9)), 0, (x_10 < x_9)), 1, (x_9 < x_10))) {
      values[lane] = x_10;
      places[lane] = i_10;
    }
  }
  workgroupBarrier();
  if (lane < 4) {
    let x_11 = values[lane];
    let x_12 = values[(lane + 4)];
    let i_11 = places[lane];
    let i_12 = places[(lane + 4)];
    if (0 < select(select(select(0, 1, (i_12 < i_11)), 0, (x_12 < x_11)), 1, (x_11 < x_12))) {
      values[lane] = x_12;
      places[lane] = i_12;
    }
  }
  workgroupBarrier();
  if (lane < 2) {
    let x_13 = values[lane];
    let x_14 = values[(lane + 2)];
    let i_13 = places[lane];
    let i_14 = places[(lane + 2)];
    if (0 < select(select(select(0, 1, (i_14 < i_13)), 0, (x_14 < x_13)), 1, (x_13 < x_14))) {
      values[lane] = x_14;
      places[lane] = i_14;
    }
  }
  workgroupBarrier();
  if (lane < 1) {
    let x_15 = values[lane];
    let x_16 = values[(lane + 1)];
    let i_15 = places[lane];
    let i_16 = places[(lane + 1)];
    if (0 < select(select(select(0, 1, (i_16 < i_15)), 0, (x_16 < x_15)), 1, (x_15 < x_16))) {
      values[lane] = x_16;
      places[lane] = i_16;
    }
  }
  workgroupBarrier();
  if (lane < 1) {
    let id = places[0];
    let position_1 = (bitcast<i32>(step[0]) + bitcast<i32>(step[1]));
    memory[0] = bitcast<u32>(id);
    history[position_1] = bitcast<u32>(id);
    step[0] = bitcast<u32>(position_1);
    step[1] = bitcast<u32>(1);
    step[2] = bitcast<u32>(0);
  }
}

// end.candidates.decode: one workgroup of 256
//   read logits: f32 [16]
//   write ids: i32 candidates
//   write values: f32 their logits
//   write total: f32 sum over all tokens
//   readwrite step: i32 position, count, row, seed, temperature, inverse
@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read_write> memory: array<u32>;
@group(0) @binding(2) var<storage, read_write> candidates: array<u32>;
var<workgroup> scratch: array<f32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  let h = (bitcast<i32>(step[4]) + (((bitcast<i32>(step[0]) + bitcast<i32>(step[1])) + 1) * (-1640531527)));
  let h_1 = ((h ^ i32(u32(h) >> u32(16))) * (-2048144789));
  let h_2 = ((h_1 ^ i32(u32(h_1) >> u32(13))) * (-1028477387));
  let h_3 = (h_2 ^ i32(u32(h_2) >> u32(16)));
  let temperature = bitcast<f32>(bitcast<i32>(step[5]));
  var largest: f32 = (-3.3999999521443642e+38f);
  var score0: f32 = (-3.3999999521443642e+38f);
  var score1: f32 = (-3.3999999521443642e+38f);
  var score2: f32 = (-3.3999999521443642e+38f);
  var score3: f32 = (-3.3999999521443642e+38f);
  var id0: i32 = (-1);
  var id1: i32 = (-1);
  var id2: i32 = (-1);
  var id3: i32 = (-1);
  for (var i = lane; i < 16; i += 256) {
    let x = bitcast<f32>(memory[(i + 16)]);
    largest = max(largest, x);
    let h_4 = (h_3 + ((i + 1) * (-1640531527)));
    let h_5 = ((h_4 ^ i32(u32(h_4) >> u32(16))) * (-2048144789));
    let h_6 = ((h_5 ^ i32(u32(h_5) >> u32(13))) * (-1028477387));
    let h_7 = (h_6 ^ i32(u32(h_6) >> u32(16)));
    let y = (((f32(i32(u32(h_7) >> u32(16))) * 65536f) + (f32((h_7 & 65535)) + 0.5f)) * 2.3283064365386963e-10f);
    let l_u = max((1f - y), 2.9802322387695312e-8f);
    let l_i = (bitcast<i32>(l_u) + 4913933);
    let l_n = f32((i32(u32(l_i) >> u32(23)) + (-127)));
    let l_f = (bitcast<f32>(((l_i & 8388607) + 1060439283)) - 1f);
    let l_f_1 = select((-y), l_f, (l_n < 0f));
    let l_s = (l_f_1 / (2f + l_f_1));
    let l_q = (l_s * l_s);
    let l_t = (l_s + l_s);
    let l_y = ((l_n * 0.693359375f) + ((l_n * (-0.00021219444170128554f)) + (l_t + ((l_t * l_q) * ((((((0.1111111119389534f * l_q) + 0.1428571492433548f) * l_q) + 0.20000000298023224f) * l_q) + 0.3333333432674408f)))));
    let e = (-l_y);
    let l_i_1 = (bitcast<i32>(e) + 4913933);
    let l_n_1 = f32((i32(u32(l_i_1) >> u32(23)) + (-127)));
    let l_f_2 = (bitcast<f32>(((l_i_1 & 8388607) + 1060439283)) - 1f);
    let l_s_1 = (l_f_2 / (2f + l_f_2));
    let l_q_1 = (l_s_1 * l_s_1);
    let l_t_1 = (l_s_1 + l_s_1);
    let l_y_1 = ((l_n_1 * 0.693359375f) + ((l_n_1 * (-0.00021219444170128554f)) + (l_t_1 + ((l_t_1 * l_q_1) * ((((((0.1111111119389534f * l_q_1) + 0.1428571492433548f) * l_q_1) + 0.20000000298023224f) * l_q_1) + 0.3333333432674408f)))));
    let s = (x + (temperature * (-l_y_1)));
    if (score3 < s) {
      score3 = s;
      id3 = i;
      if (score2 < score3) {
        let worse = score2;
        score2 = score3;
        score3 = worse;
        let worse_1 = id2;
        id2 = id3;
        id3 = worse_1;
      }
      if (score1 < score2) {
        let worse_2 = score1;
        score1 = score2;
        score2 = worse_2;
        let worse_3 = id1;
        id1 = id2;
        id2 = worse_3;
      }
      if (score0 < score1) {
        let worse_4 = score0;
        score0 = score1;
        score1 = worse_4;
        let worse_5 = id0;
        id0 = id1;
        id1 = worse_5;
      }
    }
  }
  candidates[lane] = bitcast<u32>(id0);
  if ((-1) < id0) {
    candidates[(lane + 1024)] = bitcast<u32>(bitcast<f32>(memory[(id0 + 16)]));
  }
  candidates[(lane + 256)] = bitcast<u32>(id1);
  if ((-1) < id1) {
    candidates[((lane + 256) + 1024)] = bitcast<u32>(bitcast<f32>(memory[(id1 + 16)]));
  }
  candidates[(lane + 512)] = bitcast<u32>(id2);
  if ((-1) < id2) {
    candidates[((lane + 512) + 1024)] = bitcast<u32>(bitcast<f32>(memory[(id2 + 16)]));
  }
  candidates[(lane + 768)] = bitcast<u32>(id3);
  if ((-1) < id3) {
    candidates[((lane + 768) + 1024)] = bitcast<u32>(bitcast<f32>(memory[(id3 + 16)]));
  }
  scratch[lane] = largest;
  workgroupBarrier();
  if (lane < 64) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 64)]), scratch[(lane + 128)]), scratch[(lane + 192)]);
  }
  workgroupBarrier();
  if (lane < 16) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 16)]), scratch[(lane + 32)]), scratch[(lane + 48)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 4)]), scratch[(lane + 8)]), scratch[(lane + 12)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 1)]), scratch[(lane + 2)]), scratch[(lane + 3)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = bitcast<f32>(bitcast<i32>(step[6]));
  var sum: f32 = 0f;
  for (var i_1 = lane; i_1 < 16; i_1 += 256) {
    let e_x = min(max(((bitcast<f32>(memory[(i_1 + 16)]) - all_1) * inverse), (-87f)), 88f);
    let e_n = round((e_x * 1.4426950216293335f));
    let e_r = ((e_x - (e_n * 0.693359375f)) - (e_n * (-0.00021219444170128554f)));
    let e_y = (((((((((((((((0.00019841270113829523f * e_r) + 0.0013888889225199819f) * e_r) + 0.008333333767950535f) * e_r) + 0.0416666679084301f) * e_r) + 0.1666666716337204f) * e_r) + 0.5f) * e_r) * e_r) + e_r) + 1f) * bitcast<f32>((i32(e_n) + 127) << 23u));
    sum = (sum + e_y);
  }
  scratch[lane] = sum;
  workgroupBarrier();
  if (lane < 64) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 64)]) + scratch[(lane + 128)]) + scratch[(lane + 192)]);
  }
  workgroupBarrier();
  if (lane < 16) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 16)]) + scratch[(lane + 32)]) + scratch[(lane + 48)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 1)]) + scratch[(lane + 2)]) + scratch[(lane + 3)]);
  }
  workgroupBarrier();
  let all_1_1 = scratch[0];
  workgroupBarrier();
  if (lane < 1) {
    candidates[2048] = bitcast<u32>(all_1_1);
  }
}
