// layers.self_attn.encode.decode: 4 of 32
//   read layers.q_proj: f32 [8, 16]
//   write self_attn.queries: i32 [8, 32] int8, four a word
//   write self_attn.scales: f32 [8, 2]
//   read layers.keys0: f32 [8, 8]
//   write keys0: i32 [1, 8, 16] int8, four a word
//   write keys0.scale: f32 [1, 8]
//   read layers.values0: f32 [8, 8]
//   write values0: i32 [1, 8, 16] int8, four a word
//   write values0.scale: f32 [1, 8]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
var<workgroup> scratch: array<f32, 32>;
fn memoryVector(at: i32) -> vec4<u32> {
  return vec4<u32>(memory[at], memory[at + 1], memory[at + 2], memory[at + 3]);
}
fn packBytes(x: vec4<i32>) -> i32 {
  let bytes = clamp(x, vec4<i32>(-128), vec4<i32>(127)) & vec4<i32>(255);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
@compute @workgroup_size(32, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let position = step.position;
  let item = i32(group.x);
  let lane = i32(invocation);
  if (item < 2) {
    let head = item;
    let from_1 = (head * 8);
    var x_0: vec4<f32> = vec4<f32>(0f);
    if (lane < 2) {
      x_0 = bitcast<vec4<f32>>(memoryVector(((from_1 + (lane * 4)) + 160)));
    }
    let to = (head * 4);
    let scaleAt = head;
    let lanes = max(vec4<f32>(0f), abs(x_0));
    scratch[lane] = max(max(lanes.x, lanes.y), max(lanes.z, lanes.w));
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
    let largest = all_1;
    if (lane < 1) {
      memory[(scaleAt + 480)] = bitcast<u32>((largest * 0.007874015718698502f));
    }
    let inverse = select(0f, (127f / largest), (0f < largest));
    if (lane < 2) {
      memory[((to + i32(u32((lane * 4)) / u32(4))) + 416)] = bitcast<u32>(packBytes(vec4<i32>(round((x_0 * vec4<f32>(inverse))))));
    }
    for (var zero = (lane + 2); zero < 4; zero += 32) {
      memory[((to + zero) + 416)] = bitcast<u32>(0);
    }
  }
  if (1 < item) {
    if (item < 3) {
      let head_1 = (item + (-2));
      let from_1_1 = (head_1 * 8);
      var x_1_0: vec4<f32> = vec4<f32>(0f);
      if (lane < 2) {
        x_1_0 = bitcast<vec4<f32>>(memoryVector(((from_1_1 + (lane * 4)) + 288)));
      }
      let row_1 = ((head_1 * 8) + position);
      let to_1 = (row_1 * 4);
      let lanes_1 = max(vec4<f32>(0f), abs(x_1_0));
      scratch[lane] = max(max(lanes_1.x, lanes_1.y), max(lanes_1.z, lanes_1.w));
      workgroupBarrier();
      if (lane < 4) {
        scratch[lane] = max(max(max(max(max(max(max(scratch[lane], scratch[(lane + 4)]), scratch[(lane + 8)]), scratch[(lane + 12)]), scratch[(lane + 16)]), scratch[(lane + 20)]), scratch[(lane + 24)]), scratch[(lane + 28)]);
      }
      workgroupBarrier();
      if (lane < 1) {
        scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 1)]), scratch[(lane + 2)]), scratch[(lane + 3)]);
      }
      workgroupBarrier();
      let all_1_1 = scratch[0];
      workgroupBarrier();
      let largest_1 = all_1_1;
      if (lane < 1) {
        state[(row_1 + 32)] = bitcast<u32>((largest_1 * 0.007874015718698502f));
      }
      let inverse_1 = select(0f, (127f / largest_1), (0f < largest_1));
      if (lane < 2) {
        state[(to_1 + i32(u32((lane * 4)) / u32(4)))] = bitcast<u32>(packBytes(vec4<i32>(round((x_1_0 * vec4<f32>(inverse_1))))));
      }
      for (var zero_1 = (lane + 2); zero_1 < 4; zero_1 += 32) {
        state[(to_1 + zero_1)] = bitcast<u32>(0);
      }
    }
  }
  if (2 < item) {
    let head_2 = (item + (-3));
    let from_2 = (head_2 * 8);
    var x_2_0: vec4<f32> = vec4<f32>(0f);
    if (lane < 2) {
      x_2_0 = bitcast<vec4<f32>>(memoryVector(((from_2 + (lane * 4)) + 352)));
    }
    let row_2 = ((head_2 * 8) + position);
    let to_2 = (row_2 * 4);
    let lanes_2 = max(vec4<f32>(0f), abs(x_2_0));
    scratch[lane] = max(max(lanes_2.x, lanes_2.y), max(lanes_2.z, lanes_2.w));
    workgroupBarrier();
    if (lane < 4) {
      scratch[lane] = max(max(max(max(max(max(max(scratch[lane], scratch[(lane + 4)]), scratch[(lane + 8)]), scratch[(lane + 12)]), scratch[(lane + 16)]), scratch[(lane + 20)]), scratch[(lane + 24)]), scratch[(lane + 28)]);
    }
    workgroupBarrier();
    if (lane < 1) {
      scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 1)]), scratch[(lane + 2)]), scratch[(lane + 3)]);
    }
    workgroupBarrier();
    let all_2 = scratch[0];
    workgroupBarrier();
    let largest_2 = all_2;
    if (lane < 1) {
      state[(row_2 + 72)] = bitcast<u32>((largest_2 * 0.007874015718698502f));
    }
    let inverse_2 = select(0f, (127f / largest_2), (0f < largest_2));
    if (lane < 2) {
      state[((to_2 + i32(u32((lane * 4)) / u32(4))) + 40)] = bitcast<u32>(packBytes(vec4<i32>(round((x_2_0 * vec4<f32>(inverse_2))))));
    }
    for (var zero_2 = (lane + 2); zero_2 < 4; zero_2 += 32) {
      state[((to_2 + zero_2) + 40)] = bitcast<u32>(0);
    }
  }
}

// layers.self_attn.decode: 2 x (1 + position) / 128 of 256
//   read keys0: i8 [1, 8, 16] int8
//   read keys0.scale: f32 [1, 8]
//   read self_attn.queries: i32 [8, 32] int8, four a word
//   read self_attn.scales: f32 [8, 2]
//   read values0: i8 [1, 8, 16] int8
//   read values0.scale: f32 [1, 8]
//   write layers.self_attn: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> state: array<vec4<u32>>;
var<workgroup> query: array<i32, 4>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> scores: array<f32, 64>;
var<workgroup> sums: array<vec4<i32>, 256>;
var<workgroup> codes: array<i32, 64>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
fn queryVector(at: i32) -> vec4<i32> {
  return vec4<i32>(query[at], query[at + 1], query[at + 2], query[at + 3]);
}
fn dotWords(x: vec4<u32>, y: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4I8Packed(x.x, y.x), dot4I8Packed(x.y, y.y), dot4I8Packed(x.z, y.z), dot4I8Packed(x.w, y.w));
}
fn stateWord(at: i32) -> u32 {
  return state[at >> 2u][at & 3];
}
fn signedBytesOf(word: u32) -> vec4<i32> {
  return vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
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
    let qAt = (h * 4);
    for (var i = lane; i < 4; i += 256) {
      query[i] = bitcast<i32>(memoryWord(((qAt + i) + 416)));
    }
    workgroupBarrier();
    let queryScale = (bitcast<f32>(memoryWord((h + 480))) * 0.3535533845424652f);
    var largest: f32 = (-3.0000000054977558e+38f);
    var sum: f32 = 0f;
    var total: vec4<f32> = vec4<f32>(0f);
    for (var chunk = 0; chunk < mine; chunk += 64) {
      let left = (mine - chunk);
      let row_1 = (rows + chunk);
      let inChunk = select(left, 64, (64 < left));
      var most: f32 = (-3.0000000054977558e+38f);
      for (var p = lane; p < inChunk; p += 256) {
        let keyRow = (row_1 + p);
        let keyAt = (keyRow * 16);
        var acc: vec4<i32> = vec4<i32>(0);
        for (var i_1 = 0; i_1 < 16; i_1 += 16) {
          acc = (acc + dotWords(bitcast<vec4<u32>>(queryVector(i32(u32(i_1) / u32(4)))), state[(i32(u32(keyAt) / u32(16)) + i32(u32(i_1) / u32(16)))]));
        }
        let lanes = acc;
        let score = (f32(((lanes.x + lanes.y) + (lanes.z + lanes.w))) * (bitcast<f32>(stateWord((keyRow + 32))) * queryScale));
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
      var mostWeight: f32 = 0f;
      for (var p_1 = lane; p_1 < inChunk; p_1 += 256) {
        let e_x = min(max((scores[p_1] - all_1), (-87f)), 88f);
        let e_n = round((e_x * 1.4426950216293335f));
        let e_r = ((e_x - (e_n * 0.693359375f)) - (e_n * (-0.00021219444170128554f)));
        let e_y = (((((((((((((((0.00019841270113829523f * e_r) + 0.0013888889225199819f) * e_r) + 0.008333333767950535f) * e_r) + 0.0416666679084301f) * e_r) + 0.1666666716337204f) * e_r) + 0.5f) * e_r) * e_r) + e_r) + 1f) * bitcast<f32>((i32(e_n) + 127) << 23u));
        weights = (weights + e_y);
        let scaled = (e_y * bitcast<f32>(stateWord(((row_1 + p_1) + 72))));
        scores[p_1] = scaled;
        mostWeight = max(mostWeight, scaled);
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
      scratch[lane] = mostWeight;
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
      let all_2 = scratch[0];
      workgroupBarrier();
      let inverse = select(0f, (32767f / all_2), (0f < all_2));
      for (var p_2 = lane; p_2 < inChunk; p_2 += 256) {
        codes[p_2] = i32(round((scores[p_2] * inverse)));
      }
      workgroupBarrier();
      let worth = (all_2 * 0.000030518509447574615f);
      let feature = (i32(u32(lane) % u32(2)) * 4);
      var acc_1: vec4<i32> = vec4<i32>(0);
      for (var p_3 = i32(u32(lane) / u32(2)); p_3 < inChunk; p_3 += 128) {
        acc_1 = (acc_1 + (vec4<i32>(codes[p_3]) * signedBytesOf(stateWord(((((row_1 + p_3) * 4) + i32(u32(feature) / u32(4))) + 40)))));
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
      let total_1 = sums[lane];
      let floats = (vec4<f32>(total_1) * vec4<f32>(worth));
      workgroupBarrier();
      let larger = max(largest, all_1);
      let e_x_1 = min(max((largest - larger), (-87f)), 88f);
      let e_n_1 = round((e_x_1 * 1.4426950216293335f));
      let e_r_1 = ((e_x_1 - (e_n_1 * 0.693359375f)) - (e_n_1 * (-0.00021219444170128554f)));
      let e_y_1 = (((((((((((((((0.00019841270113829523f * e_r_1) + 0.0013888889225199819f) * e_r_1) + 0.008333333767950535f) * e_r_1) + 0.0416666679084301f) * e_r_1) + 0.1666666716337204f) * e_r_1) + 0.5f) * e_r_1) * e_r_1) + e_r_1) + 1f) * bitcast<f32>((i32(e_n_1) + 127) << 23u));
      let before = e_y_1;
      let e_x_2 = min(max((all_1 - larger), (-87f)), 88f);
      let e_n_2 = round((e_x_2 * 1.4426950216293335f));
      let e_r_2 = ((e_x_2 - (e_n_2 * 0.693359375f)) - (e_n_2 * (-0.00021219444170128554f)));
      let e_y_2 = (((((((((((((((0.00019841270113829523f * e_r_2) + 0.0013888889225199819f) * e_r_2) + 0.008333333767950535f) * e_r_2) + 0.0416666679084301f) * e_r_2) + 0.1666666716337204f) * e_r_2) + 0.5f) * e_r_2) * e_r_2) + e_r_2) + 1f) * bitcast<f32>((i32(e_n_2) + 127) << 23u));
      let now = e_y_2;
      total = ((total * vec4<f32>(before)) + (floats * vec4<f32>(now)));
      sum = ((sum * before) + (all_1_1 * now));
      largest = larger;
    }
    if (lane < 2) {
      memory[(((h * 2) + lane) + 40)] = bitcast<vec4<u32>>((total * vec4<f32>((1f / sum))));
    }
  }
}
