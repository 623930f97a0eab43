enable f16;
// layers.self_attn.decode: 2 x (1 + position) / 128 of 256
//   read keys0: f16 [1, 8, 8]
//   read layers.q_proj: f32 [8, 16]
//   read values0: f16 [1, 8, 8]
//   write layers.self_attn: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> state: array<vec4<f16>>;
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
        acc = (acc + (queryVector(i_1) * vec4<f32>(state[(i32(u32(keyAt) / u32(4)) + i32(u32(i_1) / u32(4)))])));
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
      acc_1 = (acc_1 + (vec4<f32>(scores[p_2]) * vec4<f32>(state[((((rows + p_2) * 2) + i32(u32(feature) / u32(4))) + 16)])));
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
