// start.embed_tokens.decode: one workgroup of 128
//   read embed_tokens.weight: f32 weights [16, 8]
//   read tokens: i32 ids
//   write x: f32 [8, 16]
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

// layers.q_proj+k_proj+v_proj.decode: 3 of 256
//   read self_attn.q_proj.weight.0: f32 weights [8, 8]
//   read self_attn.q_proj.weight.1: f32 weights [8, 8]
//   read self_attn.k_proj.weight.0: f32 weights [4, 8]
//   read self_attn.k_proj.weight.1: f32 weights [4, 8]
//   read self_attn.v_proj.weight: f32 weights [8, 8]
//   read x: f32 [8, 16]
//   read input_layernorm.weight: f32 [8]
//   read cos0: f32 [8, 4]
//   read sin0: f32 [8, 4]
//   write layers.q_proj: f32 [8, 16]
//   write keys0: f32 [1, 8, 8]
//   write values0: f32 [1, 8, 8]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> constants: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> floats: array<f32, 8>;
var<workgroup> partials: array<vec4<f32>, 512>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let position = step.position;
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  let part_1 = lane;
  var w_0: vec4<f32> = vec4<f32>(0f);
  var w_1: vec4<f32> = vec4<f32>(0f);
  if (block_1 < 1) {
    let piece = select(7, part, (part < 8));
    let base = ((block_1 * 128) + (v * 4));
    w_0 = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (piece * 2)) + 4)]);
    let piece_1 = select(7, part, (part < 8));
    let base_1 = ((block_1 * 128) + (v * 4));
    w_1 = bitcast<vec4<f32>>(w0[((i32(u32(base_1) / u32(4)) + (piece_1 * 2)) + 20)]);
  }
  if (0 < block_1) {
    if (block_1 < 2) {
      let piece_2 = select(7, part_1, (part_1 < 8));
      let base_2 = ((block_1 + (-1)) * 64);
      w_0 = bitcast<vec4<f32>>(w0[((i32(u32(base_2) / u32(4)) + piece_2) + 36)]);
      let piece_3 = select(7, part_1, (part_1 < 8));
      let base_3 = ((block_1 + (-1)) * 64);
      w_1 = bitcast<vec4<f32>>(w0[((i32(u32(base_3) / u32(4)) + piece_3) + 44)]);
    }
  }
  if (1 < block_1) {
    let piece_4 = select(7, part, (part < 8));
    let base_4 = (((block_1 + (-2)) * 64) + (v * 4));
    w_0 = bitcast<vec4<f32>>(w0[((i32(u32(base_4) / u32(4)) + (piece_4 * 2)) + 52)]);
  }
  var x_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_0 = bitcast<vec4<f32>>(memory[(lane + 8)]);
  }
  var x_1_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_1_0 = bitcast<vec4<f32>>(w0[lane]);
  }
  let lanes = (vec4<f32>(0f) + (x_0 * x_0));
  scratch[lane] = ((lanes.x + lanes.y) + (lanes.z + lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]) + scratch[(lane + 128)]) + scratch[(lane + 160)]) + scratch[(lane + 192)]) + scratch[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]) + scratch[(lane + 16)]) + scratch[(lane + 20)]) + scratch[(lane + 24)]) + scratch[(lane + 28)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 1)]) + scratch[(lane + 2)]) + scratch[(lane + 3)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = (1f / sqrt(((all_1 * 0.125f) + 0.000009999999747378752f)));
  let normalised = ((x_0 * vec4<f32>(inverse)) * x_1_0);
  if (lane < 2) {
    {
      let at = (lane * 4);
      let four = normalised;
      floats[at] = four.x;
      floats[at + 1] = four.y;
      floats[at + 2] = four.z;
      floats[at + 3] = four.w;
    }
  }
  workgroupBarrier();
  if (block_1 < 1) {
    var acc_0: vec4<f32> = vec4<f32>(0f);
    let piece_5 = part;
    if (piece_5 < 8) {
      acc_0 = (acc_0 + (vec4<f32>(floats[piece_5]) * w_0));
    }
    var acc_1_0: vec4<f32> = vec4<f32>(0f);
    let piece_6 = part;
    if (piece_6 < 8) {
      acc_1_0 = (acc_1_0 + (vec4<f32>(floats[piece_6]) * w_1));
    }
    partials[lane] = acc_0;
    partials[(lane + 256)] = acc_1_0;
    workgroupBarrier();
    if (lane < 32) {
      partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
      partials[(lane + 256)] = (((((((partials[(lane + 256)] + partials[(lane + 288)]) + partials[(lane + 320)]) + partials[(lane + 352)]) + partials[(lane + 384)]) + partials[(lane + 416)]) + partials[(lane + 448)]) + partials[(lane + 480)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
      partials[(lane + 256)] = (((((((partials[(lane + 256)] + partials[(lane + 260)]) + partials[(lane + 264)]) + partials[(lane + 268)]) + partials[(lane + 272)]) + partials[(lane + 276)]) + partials[(lane + 280)]) + partials[(lane + 284)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      partials[lane] = (partials[lane] + partials[(lane + 2)]);
      partials[(lane + 256)] = (partials[(lane + 256)] + partials[(lane + 258)]);
    }
    workgroupBarrier();
    let row_1 = ((block_1 * 8) + (v * 4));
    if (lane < 2) {
      let dot_1 = partials[lane];
      let dot_1_1 = partials[(lane + 256)];
      if (0 < count) {
        let inHead = i32(u32(row_1) % u32(4));
        let angle = ((position * 4) + inHead);
        let cos_1 = bitcast<vec4<f32>>(constants[i32(u32(angle) / u32(4))]);
        let sin_1 = bitcast<vec4<f32>>(constants[(i32(u32(angle) / u32(4)) + 8)]);
        let head = (i32(u32(row_1) / u32(4)) * 8);
        memory[((i32(u32(head) / u32(4)) + i32(u32(inHead) / u32(4))) + 40)] = bitcast<vec4<u32>>(((dot_1 * cos_1) - (dot_1_1 * sin_1)));
        memory[(((i32(u32(head) / u32(4)) + i32(u32(inHead) / u32(4))) + 1) + 40)] = bitcast<vec4<u32>>(((dot_1_1 * cos_1) + (dot_1 * sin_1)));
      }
    }
  }
  if (0 < block_1) {
    if (block_1 < 2) {
      var acc_2_0: vec4<f32> = vec4<f32>(0f);
      let piece_7 = part_1;
      if (piece_7 < 8) {
        acc_2_0 = (acc_2_0 + (vec4<f32>(floats[piece_7]) * w_0));
      }
      var acc_3_0: vec4<f32> = vec4<f32>(0f);
      let piece_8 = part_1;
      if (piece_8 < 8) {
        acc_3_0 = (acc_3_0 + (vec4<f32>(floats[piece_8]) * w_1));
      }
      partials[lane] = acc_2_0;
      partials[(lane + 256)] = acc_3_0;
      workgroupBarrier();
      if (lane < 32) {
        partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
        partials[(lane + 256)] = (((((((partials[(lane + 256)] + partials[(lane + 288)]) + partials[(lane + 320)]) + partials[(lane + 352)]) + partials[(lane + 384)]) + partials[(lane + 416)]) + partials[(lane + 448)]) + partials[(lane + 480)]);
      }
      workgroupBarrier();
      if (lane < 4) {
        partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
        partials[(lane + 256)] = (((((((partials[(lane + 256)] + partials[(lane + 260)]) + partials[(lane + 264)]) + partials[(lane + 268)]) + partials[(lane + 272)]) + partials[(lane + 276)]) + partials[(lane + 280)]) + partials[(lane + 284)]);
      }
      workgroupBarrier();
      if (lane < 1) {
        partials[lane] = (((partials[lane] + partials[(lane + 1)]) + partials[(lane + 2)]) + partials[(lane + 3)]);
        partials[(lane + 256)] = (((partials[(lane + 256)] + partials[(lane + 257)]) + partials[(lane + 258)]) + partials[(lane + 259)]);
      }
      workgroupBarrier();
      let row_2 = ((block_1 + (-1)) * 4);
      if (lane < 1) {
        let dot_2 = partials[lane];
        let dot_3 = partials[(lane + 256)];
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
    var acc_4_0: vec4<f32> = vec4<f32>(0f);
    let piece_9 = part;
    if (piece_9 < 8) {
      acc_4_0 = (acc_4_0 + (vec4<f32>(floats[piece_9]) * w_0));
    }
    partials[lane] = acc_4_0;
    workgroupBarrier();
    if (lane < 32) {
      partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      partials[lane] = (partials[lane] + partials[(lane + 2)]);
    }
    workgroupBarrier();
    let row_3 = (((block_1 + (-2)) * 8) + (v * 4));
    if (lane < 2) {
      let dot_4 = partials[lane];
      if (0 < count) {
        let head_2 = (i32(u32(row_3) / u32(8)) * 64);
        let inHead_2 = i32(u32(row_3) % u32(8));
        state[(((position * 2) + (i32(u32(head_2) / u32(4)) + i32(u32(inHead_2) / u32(4)))) + 16)] = bitcast<vec4<u32>>(dot_4);
      }
    }
  }
}

// layers.self_attn.decode: 2 x (1 + position) / 128 of 256
//   read keys0: f32 [1, 8, 8]
//   read layers.q_proj: f32 [8, 16]
//   read values0: f32 [1, 8, 8]
//   write layers.self_attn: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> state: array<vec4<u32>>;
var<workgroup> query: array<f32, 8>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> scores: array<f32, 128>;
var<workgroup> sums: array<vec4<f32>, 256>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
fn queryVector(at: i32) -> vec4<f32> {
  return vec4<f32>(query[at], query[at + 1], query[at + 2], query[at + 3]);
}
@compute @workgroup_size(256, 1, 1)
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
    for (var i = lane; i < 8; i += 256) {
      query[i] = bitcast<f32>(memoryWord(((qAt + i) + 160)));
    }
    workgroupBarrier();
    var most: f32 = (-3.0000000054977558e+38f);
    for (var p = lane; p < mine; p += 256) {
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
    if (lane < 32) {
      scratch[lane] = max(max(max(max(max(max(max(scratch[lane], scratch[(lane + 32)]), scratch[(lane + 64)]), scratch[(lane + 96)]), scratch[(lane + 128)]), scratch[(lane + 160)]), scratch[(lane + 192)]), scratch[(lane + 224)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      scratch[lane] = max(max(max(max(max(max(max(scratch[lane], scratch[(lane + 4)]), scratch[(lane + 8)]), scratch[(lane + 12)]), scratch[(lane + 16)]), scratch[(lane + 20)]), scratch[(lane + 24)]), scratch[(lane + 28)]);
    }
    workgroupBarrier();
    if (lane < 1) {
      scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 1)]), scratch[(lane + 2)]), scratch[(lane + 3)]);
    }
    workgroupBarrier();
    let all_1 = scratch[0];
    workgroupBarrier();
    var weights: f32 = 0f;
    for (var p_1 = lane; p_1 < mine; p_1 += 256) {
      let e_x = min(max((scores[p_1] - all_1), (-87f)), 88f);
      let e_n = round((e_x * 1.4426950216293335f));
      let e_r = ((e_x - (e_n * 0.693359375f)) - (e_n * (-0.00021219444170128554f)));
      let e_y = (((((((((((((((0.00019841270113829523f * e_r) + 0.0013888889225199819f) * e_r) + 0.008333333767950535f) * e_r) + 0.0416666679084301f) * e_r) + 0.1666666716337204f) * e_r) + 0.5f) * e_r) * e_r) + e_r) + 1f) * bitcast<f32>((i32(e_n) + 127) << 23u));
      weights = (weights + e_y);
      scores[p_1] = e_y;
    }
    scratch[lane] = weights;
    workgroupBarrier();
    if (lane < 32) {
      scratch[lane] = (((((((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]) + scratch[(lane + 128)]) + scratch[(lane + 160)]) + scratch[(lane + 192)]) + scratch[(lane + 224)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      scratch[lane] = (((((((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]) + scratch[(lane + 16)]) + scratch[(lane + 20)]) + scratch[(lane + 24)]) + scratch[(lane + 28)]);
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
    for (var p_2 = i32(u32(lane) / u32(2)); p_2 < mine; p_2 += 128) {
      acc_1 = (acc_1 + (vec4<f32>(scores[p_2]) * bitcast<vec4<f32>>(state[((((rows + p_2) * 2) + i32(u32(feature) / u32(4))) + 16)])));
    }
    sums[lane] = acc_1;
    workgroupBarrier();
    if (lane < 32) {
      sums[lane] = (((((((sums[lane] + sums[(lane + 32)]) + sums[(lane + 64)]) + sums[(lane + 96)]) + sums[(lane + 128)]) + sums[(lane + 160)]) + sums[(lane + 192)]) + sums[(lane + 224)]);
    }
    workgroupBarrier();
    if (lane < 4) {
      sums[lane] = (((((((sums[lane] + sums[(lane + 4)]) + sums[(lane + 8)]) + sums[(lane + 12)]) + sums[(lane + 16)]) + sums[(lane + 20)]) + sums[(lane + 24)]) + sums[(lane + 28)]);
    }
    workgroupBarrier();
    if (lane < 2) {
      sums[lane] = (sums[lane] + sums[(lane + 2)]);
    }
    workgroupBarrier();
    let total = sums[lane];
    if (lane < 2) {
      memory[(((h * 2) + lane) + 72)] = bitcast<vec4<u32>>((total * vec4<f32>((1f / all_1_1))));
    }
  }
}

// layers.o_proj.decode: 1 of 256
//   read self_attn.o_proj.weight: f32 weights [8, 16]
//   read layers.self_attn: f32 [8, 16]
//   readwrite x: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> partials: array<vec4<f32>, 256>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  var w_0: vec4<f32> = vec4<f32>(0f);
  let piece = select(15, part, (part < 16));
  let base = ((block_1 * 128) + (v * 4));
  w_0 = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (piece * 2)) + 68)]);
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let piece_1 = part;
  if (piece_1 < 16) {
    acc_0 = (acc_0 + (vec4<f32>(bitcast<f32>(memoryWord((piece_1 + 288)))) * w_0));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    partials[lane] = (partials[lane] + partials[(lane + 2)]);
  }
  workgroupBarrier();
  let row_1 = ((block_1 * 8) + (v * 4));
  if (lane < 2) {
    let dot_1 = partials[lane];
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(i32(u32(row_1) / u32(4)) + 8)]) + dot_1));
    }
  }
}

// layers.gate_proj+up_proj.decode: 3 of 256
//   read mlp.gate_proj.weight: f32 weights [12, 8]
//   read mlp.up_proj.weight: f32 weights [12, 8]
//   read x: f32 [8, 16]
//   read post_attention_layernorm.weight: f32 [8]
//   write layers.mlp.mul14: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> floats: array<f32, 8>;
var<workgroup> partials: array<vec4<f32>, 512>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let part = lane;
  var w_0: vec4<f32> = vec4<f32>(0f);
  var w_1: vec4<f32> = vec4<f32>(0f);
  let piece = select(7, part, (part < 8));
  let base = (block_1 * 64);
  w_0 = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + piece) + 104)]);
  let piece_1 = select(7, part, (part < 8));
  let base_1 = (block_1 * 64);
  w_1 = bitcast<vec4<f32>>(w0[((i32(u32(base_1) / u32(4)) + piece_1) + 112)]);
  var x_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_0 = bitcast<vec4<f32>>(memory[(lane + 8)]);
  }
  var x_1_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_1_0 = bitcast<vec4<f32>>(w0[(lane + 100)]);
  }
  let lanes = (vec4<f32>(0f) + (x_0 * x_0));
  scratch[lane] = ((lanes.x + lanes.y) + (lanes.z + lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]) + scratch[(lane + 128)]) + scratch[(lane + 160)]) + scratch[(lane + 192)]) + scratch[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]) + scratch[(lane + 16)]) + scratch[(lane + 20)]) + scratch[(lane + 24)]) + scratch[(lane + 28)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 1)]) + scratch[(lane + 2)]) + scratch[(lane + 3)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = (1f / sqrt(((all_1 * 0.125f) + 0.000009999999747378752f)));
  let normalised = ((x_0 * vec4<f32>(inverse)) * x_1_0);
  if (lane < 2) {
    {
      let at = (lane * 4);
      let four = normalised;
      floats[at] = four.x;
      floats[at + 1] = four.y;
      floats[at + 2] = four.z;
      floats[at + 3] = four.w;
    }
  }
  workgroupBarrier();
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let piece_2 = part;
  if (piece_2 < 8) {
    acc_0 = (acc_0 + (vec4<f32>(floats[piece_2]) * w_0));
  }
  var acc_1_0: vec4<f32> = vec4<f32>(0f);
  let piece_3 = part;
  if (piece_3 < 8) {
    acc_1_0 = (acc_1_0 + (vec4<f32>(floats[piece_3]) * w_1));
  }
  partials[lane] = acc_0;
  partials[(lane + 256)] = acc_1_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
    partials[(lane + 256)] = (((((((partials[(lane + 256)] + partials[(lane + 288)]) + partials[(lane + 320)]) + partials[(lane + 352)]) + partials[(lane + 384)]) + partials[(lane + 416)]) + partials[(lane + 448)]) + partials[(lane + 480)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
    partials[(lane + 256)] = (((((((partials[(lane + 256)] + partials[(lane + 260)]) + partials[(lane + 264)]) + partials[(lane + 268)]) + partials[(lane + 272)]) + partials[(lane + 276)]) + partials[(lane + 280)]) + partials[(lane + 284)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    partials[lane] = (((partials[lane] + partials[(lane + 1)]) + partials[(lane + 2)]) + partials[(lane + 3)]);
    partials[(lane + 256)] = (((partials[(lane + 256)] + partials[(lane + 257)]) + partials[(lane + 258)]) + partials[(lane + 259)]);
  }
  workgroupBarrier();
  let row_1 = (block_1 * 4);
  if (lane < 1) {
    let dot_1 = partials[lane];
    let dot_1_1 = partials[(lane + 256)];
    if (0 < count) {
      let s_x = dot_1;
      let e_x = min(max((-s_x), vec4<f32>((-87f))), vec4<f32>(88f));
      let e_n = round((e_x * vec4<f32>(1.4426950216293335f)));
      let e_r = ((e_x - (e_n * vec4<f32>(0.693359375f))) - (e_n * vec4<f32>((-0.00021219444170128554f))));
      let e_y = (((((((((((((((vec4<f32>(0.00019841270113829523f) * e_r) + vec4<f32>(0.0013888889225199819f)) * e_r) + vec4<f32>(0.008333333767950535f)) * e_r) + vec4<f32>(0.0416666679084301f)) * e_r) + vec4<f32>(0.1666666716337204f)) * e_r) + vec4<f32>(0.5f)) * e_r) * e_r) + e_r) + vec4<f32>(1f)) * bitcast<vec4<f32>>((vec4<i32>(e_n) + vec4<i32>(127)) << vec4<u32>(23u)));
      memory[(i32(u32(row_1) / u32(4)) + 40)] = bitcast<vec4<u32>>(((s_x / (vec4<f32>(1f) + e_y)) * dot_1_1));
    }
  }
}

// layers.down_proj.decode: 1 of 256
//   read mlp.down_proj.weight: f32 weights [8, 12]
//   read layers.mlp.mul14: f32 [8, 16]
//   readwrite x: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> partials: array<vec4<f32>, 256>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  var w_0: vec4<f32> = vec4<f32>(0f);
  let piece = select(11, part, (part < 12));
  let base = ((block_1 * 96) + (v * 4));
  w_0 = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (piece * 2)) + 152)]);
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let piece_1 = part;
  if (piece_1 < 12) {
    acc_0 = (acc_0 + (vec4<f32>(bitcast<f32>(memoryWord((piece_1 + 160)))) * w_0));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    partials[lane] = (partials[lane] + partials[(lane + 2)]);
  }
  workgroupBarrier();
  let row_1 = ((block_1 * 8) + (v * 4));
  if (lane < 2) {
    let dot_1 = partials[lane];
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(i32(u32(row_1) / u32(4)) + 8)]) + dot_1));
    }
  }
}

// end.embed_tokens.decode: 1 of 256
//   read embed_tokens.weight: f32 weights [16, 8]
//   read x: f32 [8, 16]
//   read norm.weight: f32 [8]
//   write logits: f32 [16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> w1: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> floats: array<f32, 8>;
var<workgroup> partials: array<vec4<f32>, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let row = step.row;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let v = i32(u32(lane) % u32(4));
  let part = i32(u32(lane) / u32(4));
  var w_0: vec4<f32> = vec4<f32>(0f);
  let piece = select(7, part, (part < 8));
  let base = ((block_1 * 128) + (v * 4));
  w_0 = bitcast<vec4<f32>>(w1[(i32(u32(base) / u32(4)) + (piece * 4))]);
  let xRow = (row * 16);
  var x_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_0 = bitcast<vec4<f32>>(memory[((i32(u32(xRow) / u32(4)) + lane) + 8)]);
  }
  var x_1_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_1_0 = bitcast<vec4<f32>>(w0[lane]);
  }
  let lanes = (vec4<f32>(0f) + (x_0 * x_0));
  scratch[lane] = ((lanes.x + lanes.y) + (lanes.z + lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]) + scratch[(lane + 128)]) + scratch[(lane + 160)]) + scratch[(lane + 192)]) + scratch[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]) + scratch[(lane + 16)]) + scratch[(lane + 20)]) + scratch[(lane + 24)]) + scratch[(lane + 28)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = (((scratch[lane] + scratch[(lane + 1)]) + scratch[(lane + 2)]) + scratch[(lane + 3)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let inverse = (1f / sqrt(((all_1 * 0.125f) + 0.000009999999747378752f)));
  let normalised = ((x_0 * vec4<f32>(inverse)) * x_1_0);
  if (lane < 2) {
    {
      let at = (lane * 4);
      let four = normalised;
      floats[at] = four.x;
      floats[at + 1] = four.y;
      floats[at + 2] = four.z;
      floats[at + 3] = four.w;
    }
  }
  workgroupBarrier();
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let piece_1 = part;
  if (piece_1 < 8) {
    acc_0 = (acc_0 + (vec4<f32>(floats[piece_1]) * w_0));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 32) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 32)]) + partials[(lane + 64)]) + partials[(lane + 96)]) + partials[(lane + 128)]) + partials[(lane + 160)]) + partials[(lane + 192)]) + partials[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]) + partials[(lane + 16)]) + partials[(lane + 20)]) + partials[(lane + 24)]) + partials[(lane + 28)]);
  }
  workgroupBarrier();
  let row_1 = ((block_1 * 16) + (v * 4));
  if (lane < 4) {
    let dot_1 = partials[lane];
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
fn memoryVector(at: i32) -> vec4<u32> {
  return vec4<u32>(memory[at], memory[at + 1], memory[at + 2], memory[at + 3]);
}
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  var value: f32 = (-3.3999999521443642e+38f);
  var place: i32 = 16;
  for (var quad = lane; quad < 4; quad += 256) {
    let four = bitcast<vec4<f32>>(memoryVector(((quad * 4) + 16)));
    let x = four.x;
    if (value < x) {
      value = x;
      place = (quad * 4);
    }
    let x_1 = four.y;
    if (value < x_1) {
      value = x_1;
      place = ((quad * 4) + 1);
    }
    let x_2 = four.z;
    if (value < x_2) {
      value = x_2;
      place = ((quad * 4) + 2);
    }
    let x_3 = four.w;
    if (value < x_3) {
      value = x_3;
      place = ((quad * 4) + 3);
    }
  }
  values[lane] = value;
  places[lane] = place;
  workgroupBarrier();
  if (lane < 128) {
    let x_4 = values[lane];
    let x_5 = values[(lane + 128)];
    let i = places[lane];
    let i_1 = places[(lane + 128)];
    if (0 < select(select(select(0, 1, (i_1 < i)), 0, (x_5 < x_4)), 1, (x_4 < x_5))) {
      values[lane] = x_5;
      places[lane] = i_1;
    }
  }
  workgroupBarrier();
  if (lane < 64) {
    let x_6 = values[lane];
    let x_7 = values[(lane + 64)];
    let i_2 = places[lane];
    let i_3 = places[(lane + 64)];
    if (0 < select(select(select(0, 1, (i_3 < i_2)), 0, (x_7 < x_6)), 1, (x_6 < x_7))) {
      values[lane] = x_7;
      places[lane] = i_3;
    }
  }
  workgroupBarrier();
  if (lane < 32) {
    let x_8 = values[lane];
    let x_9 = values[(lane + 32)];
    let i_4 = places[lane];
    let i_5 = places[(lane + 32)];
    if (0 < select(select(select(0, 1, (i_5 < i_4)), 0, (x_9 < x_8)), 1, (x_8 < x_9))) {
      values[lane] = x_9;
      places[lane] = i_5;
    }
  }
  workgroupBarrier();
  if (lane < 16) {
    let x_10 = values[lane];
    let x_11 = values[(lane + 16)];
    let i_6 = places[lane];
    let i_7 = places[(lane + 16)];
    if (0 < select(select(select(0, 1, (i_7 < i_6)), 0, (x_11 < x_10)), 1, (x_10 < x_11))) {
      values[lane] = x_11;
      places[lane] = i_7;
    }
  }
  workgroupBarrier();
  if (lane < 8) {
    let x_12 = values[lane];
    let x_13 = values[(lane + 8)];
    let i_8 = places[lane];
    let i_9 = places[(lane + 8)];
    if (0 < select(select(select(0, 1, (i_9 < i_8)), 0, (x_13 < x_12)), 1, (x_12 < x_13))) {
      values[lane] = x_13;
      places[lane] = i_9;
    }
  }
  workgroupBarrier();
  if (lane < 4) {
    let x_14 = values[lane];
    let x_15 = values[(lane + 4)];
    let i_10 = places[lane];
    let i_11 = places[(lane + 4)];
    if (0 < select(select(select(0, 1, (i_11 < i_10)), 0, (x_15 < x_14)), 1, (x_14 < x_15))) {
      values[lane] = x_15;
      places[lane] = i_11;
    }
  }
  workgroupBarrier();
  if (lane < 2) {
    let x_16 = values[lane];
    let x_17 = values[(lane + 2)];
    let i_12 = places[lane];
    let i_13 = places[(lane + 2)];
    if (0 < select(select(select(0, 1, (i_13 < i_12)), 0, (x_17 < x_16)), 1, (x_16 < x_17))) {
      values[lane] = x_17;
      places[lane] = i_13;
    }
  }
  workgroupBarrier();
  if (lane < 1) {
    let x_18 = values[lane];
    let x_19 = values[(lane + 1)];
    let i_14 = places[lane];
    let i_15 = places[(lane + 1)];
    if (0 < select(select(select(0, 1, (i_15 < i_14)), 0, (x_19 < x_18)), 1, (x_18 < x_19))) {
      values[lane] = x_19;
      places[lane] = i_15;
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
fn memoryVector(at: i32) -> vec4<u32> {
  return vec4<u32>(memory[at], memory[at + 1], memory[at + 2], memory[at + 3]);
}
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  let h = (bitcast<i32>(step[4]) + (((bitcast<i32>(step[0]) + bitcast<i32>(step[1])) + 1) * (-1640531527)));
  let h_1 = ((h ^ i32(u32(h) >> u32(16))) * (-2048144789));
  let h_2 = ((h_1 ^ i32(u32(h_1) >> u32(13))) * (-1028477387));
  let h_3 = (h_2 ^ i32(u32(h_2) >> u32(16)));
  let temperature = bitcast<f32>(bitcast<i32>(step[5]));
  var value: f32 = (-3.3999999521443642e+38f);
  var place: i32 = 16;
  for (var quad = lane; quad < 4; quad += 256) {
    let four = bitcast<vec4<f32>>(memoryVector(((quad * 4) + 16)));
    let h_4 = (h_3 + (((quad * 4) + 1) * (-1640531527)));
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
    let x = (four.x + (temperature * (-l_y_1)));
    if (value < x) {
      value = x;
      place = (quad * 4);
    }
    let h_8 = (h_3 + ((((quad * 4) + 1) + 1) * (-1640531527)));
    let h_9 = ((h_8 ^ i32(u32(h_8) >> u32(16))) * (-2048144789));
    let h_10 = ((h_9 ^ i32(u32(h_9) >> u32(13))) * (-1028477387));
    let h_11 = (h_10 ^ i32(u32(h_10) >> u32(16)));
    let y_1 = (((f32(i32(u32(h_11) >> u32(16))) * 65536f) + (f32((h_11 & 65535)) + 0.5f)) * 2.3283064365386963e-10f);
    let l_u_1 = max((1f - y_1), 2.9802322387695312e-8f);
    let l_i_2 = (bitcast<i32>(l_u_1) + 4913933);
    let l_n_2 = f32((i32(u32(l_i_2) >> u32(23)) + (-127)));
    let l_f_3 = (bitcast<f32>(((l_i_2 & 8388607) + 1060439283)) - 1f);
    let l_f_4 = select((-y_1), l_f_3, (l_n_2 < 0f));
    let l_s_2 = (l_f_4 / (2f + l_f_4));
    let l_q_2 = (l_s_2 * l_s_2);
    let l_t_2 = (l_s_2 + l_s_2);
    let l_y_2 = ((l_n_2 * 0.693359375f) + ((l_n_2 * (-0.00021219444170128554f)) + (l_t_2 + ((l_t_2 * l_q_2) * ((((((0.1111111119389534f * l_q_2) + 0.1428571492433548f) * l_q_2) + 0.20000000298023224f) * l_q_2) + 0.3333333432674408f)))));
    let e_1 = (-l_y_2);
    let l_i_3 = (bitcast<i32>(e_1) + 4913933);
    let l_n_3 = f32((i32(u32(l_i_3) >> u32(23)) + (-127)));
    let l_f_5 = (bitcast<f32>(((l_i_3 & 8388607) + 1060439283)) - 1f);
    let l_s_3 = (l_f_5 / (2f + l_f_5));
    let l_q_3 = (l_s_3 * l_s_3);
    let l_t_3 = (l_s_3 + l_s_3);
    let l_y_3 = ((l_n_3 * 0.693359375f) + ((l_n_3 * (-0.00021219444170128554f)) + (l_t_3 + ((l_t_3 * l_q_3) * ((((((0.1111111119389534f * l_q_3) + 0.1428571492433548f) * l_q_3) + 0.20000000298023224f) * l_q_3) + 0.3333333432674408f)))));
    let x_1 = (four.y + (temperature * (-l_y_3)));
    if (value < x_1) {
      value = x_1;
      place = ((quad * 4) + 1);
    }
    let h_12 = (h_3 + ((((quad * 4) + 2) + 1) * (-1640531527)));
    let h_13 = ((h_12 ^ i32(u32(h_12) >> u32(16))) * (-2048144789));
    let h_14 = ((h_13 ^ i32(u32(h_13) >> u32(13))) * (-1028477387));
    let h_15 = (h_14 ^ i32(u32(h_14) >> u32(16)));
    let y_2 = (((f32(i32(u32(h_15) >> u32(16))) * 65536f) + (f32((h_15 & 65535)) + 0.5f)) * 2.3283064365386963e-10f);
    let l_u_2 = max((1f - y_2), 2.9802322387695312e-8f);
    let l_i_4 = (bitcast<i32>(l_u_2) + 4913933);
    let l_n_4 = f32((i32(u32(l_i_4) >> u32(23)) + (-127)));
    let l_f_6 = (bitcast<f32>(((l_i_4 & 8388607) + 1060439283)) - 1f);
    let l_f_7 = select((-y_2), l_f_6, (l_n_4 < 0f));
    let l_s_4 = (l_f_7 / (2f + l_f_7));
    let l_q_4 = (l_s_4 * l_s_4);
    let l_t_4 = (l_s_4 + l_s_4);
    let l_y_4 = ((l_n_4 * 0.693359375f) + ((l_n_4 * (-0.00021219444170128554f)) + (l_t_4 + ((l_t_4 * l_q_4) * ((((((0.1111111119389534f * l_q_4) + 0.1428571492433548f) * l_q_4) + 0.20000000298023224f) * l_q_4) + 0.3333333432674408f)))));
    let e_2 = (-l_y_4);
    let l_i_5 = (bitcast<i32>(e_2) + 4913933);
    let l_n_5 = f32((i32(u32(l_i_5) >> u32(23)) + (-127)));
    let l_f_8 = (bitcast<f32>(((l_i_5 & 8388607) + 1060439283)) - 1f);
    let l_s_5 = (l_f_8 / (2f + l_f_8));
    let l_q_5 = (l_s_5 * l_s_5);
    let l_t_5 = (l_s_5 + l_s_5);
    let l_y_5 = ((l_n_5 * 0.693359375f) + ((l_n_5 * (-0.00021219444170128554f)) + (l_t_5 + ((l_t_5 * l_q_5) * ((((((0.1111111119389534f * l_q_5) + 0.1428571492433548f) * l_q_5) + 0.20000000298023224f) * l_q_5) + 0.3333333432674408f)))));
    let x_2 = (four.z + (temperature * (-l_y_5)));
    if (value < x_2) {
      value = x_2;
      place = ((quad * 4) + 2);
    }
    let h_16 = (h_3 + ((((quad * 4) + 3) + 1) * (-1640531527)));
    let h_17 = ((h_16 ^ i32(u32(h_16) >> u32(16))) * (-2048144789));
    let h_18 = ((h_17 ^ i32(u32(h_17) >> u32(13))) * (-1028477387));
    let h_19 = (h_18 ^ i32(u32(h_18) >> u32(16)));
    let y_3 = (((f32(i32(u32(h_19) >> u32(16))) * 65536f) + (f32((h_19 & 65535)) + 0.5f)) * 2.3283064365386963e-10f);
    let l_u_3 = max((1f - y_3), 2.9802322387695312e-8f);
    let l_i_6 = (bitcast<i32>(l_u_3) + 4913933);
    let l_n_6 = f32((i32(u32(l_i_6) >> u32(23)) + (-127)));
    let l_f_9 = (bitcast<f32>(((l_i_6 & 8388607) + 1060439283)) - 1f);
    let l_f_10 = select((-y_3), l_f_9, (l_n_6 < 0f));
    let l_s_6 = (l_f_10 / (2f + l_f_10));
    let l_q_6 = (l_s_6 * l_s_6);
    let l_t_6 = (l_s_6 + l_s_6);
    let l_y_6 = ((l_n_6 * 0.693359375f) + ((l_n_6 * (-0.00021219444170128554f)) + (l_t_6 + ((l_t_6 * l_q_6) * ((((((0.1111111119389534f * l_q_6) + 0.1428571492433548f) * l_q_6) + 0.20000000298023224f) * l_q_6) + 0.3333333432674408f)))));
    let e_3 = (-l_y_6);
    let l_i_7 = (bitcast<i32>(e_3) + 4913933);
    let l_n_7 = f32((i32(u32(l_i_7) >> u32(23)) + (-127)));
    let l_f_11 = (bitcast<f32>(((l_i_7 & 8388607) + 1060439283)) - 1f);
    let l_s_7 = (l_f_11 / (2f + l_f_11));
    let l_q_7 = (l_s_7 * l_s_7);
    let l_t_7 = (l_s_7 + l_s_7);
    let l_y_7 = ((l_n_7 * 0.693359375f) + ((l_n_7 * (-0.00021219444170128554f)) + (l_t_7 + ((l_t_7 * l_q_7) * ((((((0.1111111119389534f * l_q_7) + 0.1428571492433548f) * l_q_7) + 0.20000000298023224f) * l_q_7) + 0.3333333432674408f)))));
    let x_3 = (four.w + (temperature * (-l_y_7)));
    if (value < x_3) {
      value = x_3;
      place = ((quad * 4) + 3);
    }
  }
  values[lane] = value;
  places[lane] = place;
  workgroupBarrier();
  if (lane < 128) {
    let x_4 = values[lane];
    let x_5 = values[(lane + 128)];
    let i = places[lane];
    let i_1 = places[(lane + 128)];
    if (0 < select(select(select(0, 1, (i_1 < i)), 0, (x_5 < x_4)), 1, (x_4 < x_5))) {
      values[lane] = x_5;
      places[lane] = i_1;
    }
  }
  workgroupBarrier();
  if (lane < 64) {
    let x_6 = values[lane];
    let x_7 = values[(lane + 64)];
    let i_2 = places[lane];
    let i_3 = places[(lane + 64)];
    if (0 < select(select(select(0, 1, (i_3 < i_2)), 0, (x_7 < x_6)), 1, (x_6 < x_7))) {
      values[lane] = x_7;
      places[lane] = i_3;
    }
  }
  workgroupBarrier();
  if (lane < 32) {
    let x_8 = values[lane];
    let x_9 = values[(lane + 32)];
    let i_4 = places[lane];
    let i_5 = places[(lane + 32)];
    if (0 < select(select(select(0, 1, (i_5 < i_4)), 0, (x_9 < x_8)), 1, (x_8 < x_9))) {
      values[lane] = x_9;
      places[lane] = i_5;
    }
  }
  workgroupBarrier();
  if (lane < 16) {
    let x_10 = values[lane];
    let x_11 = values[(lane + 16)];
    let i_6 = places[lane];
    let i_7 = places[(lane + 16)];
    if (0 < select(select(select(0, 1, (i_7 < i_6)), 0, (x_11 < x_10)), 1, (x_10 < x_11))) {
      values[lane] = x_11;
      places[lane] = i_7;
    }
  }
  workgroupBarrier();
  if (lane < 8) {
    let x_12 = values[lane];
    let x_13 = values[(lane + 8)];
    let i_8 = places[lane];
    let i_9 = places[(lane + 8)];
    if (0 < select(select(select(0, 1, (i_9 < i_8)), 0, (x_13 < x_12)), 1, (x_12 < x_13))) {
      values[lane] = x_13;
      places[lane] = i_9;
    }
  }
  workgroupBarrier();
  if (lane < 4) {
    let x_14 = values[lane];
    let x_15 = values[(lane + 4)];
    let i_10 = places[lane];
    let i_11 = places[(lane + 4)];
    if (0 < select(select(select(0, 1, (i_11 < i_10)), 0, (x_15 < x_14)), 1, (x_14 < x_15))) {
      values[lane] = x_15;
      places[lane] = i_11;
    }
  }
  workgroupBarrier();
  if (lane < 2) {
    let x_16 = values[lane];
    let x_17 = values[(lane + 2)];
    let i_12 = places[lane];
    let i_13 = places[(lane + 2)];
    if (0 < select(select(select(0, 1, (i_13 < i_12)), 0, (x_17 < x_16)), 1, (x_16 < x_17))) {
      values[lane] = x_17;
      places[lane] = i_13;
    }
  }
  workgroupBarrier();
  if (lane < 1) {
    let x_18 = values[lane];
    let x_19 = values[(lane + 1)];
    let i_14 = places[lane];
    let i_15 = places[(lane + 1)];
    if (0 < select(select(select(0, 1, (i_15 < i_14)), 0, (x_19 < x_18)), 1, (x_18 < x_19))) {
      values[lane] = x_19;
      places[lane] = i_15;
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
  if (lane < 32) {
    scratch[lane] = max(max(max(max(max(max(max(scratch[lane], scratch[(lane + 32)]), scratch[(lane + 64)]), scratch[(lane + 96)]), scratch[(lane + 128)]), scratch[(lane + 160)]), scratch[(lane + 192)]), scratch[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = max(max(max(max(max(max(max(scratch[lane], scratch[(lane + 4)]), scratch[(lane + 8)]), scratch[(lane + 12)]), scratch[(lane + 16)]), scratch[(lane + 20)]), scratch[(lane + 24)]), scratch[(lane + 28)]);
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
  if (lane < 32) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 32)]) + scratch[(lane + 64)]) + scratch[(lane + 96)]) + scratch[(lane + 128)]) + scratch[(lane + 160)]) + scratch[(lane + 192)]) + scratch[(lane + 224)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    scratch[lane] = (((((((scratch[lane] + scratch[(lane + 4)]) + scratch[(lane + 8)]) + scratch[(lane + 12)]) + scratch[(lane + 16)]) + scratch[(lane + 20)]) + scratch[(lane + 24)]) + scratch[(lane + 28)]);
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
