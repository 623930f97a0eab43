// layers.o_proj.prefill: 1 x (count) / 8 of 64
//   read layers.self_attn: f32 [13, 16]
//   read self_attn.o_proj.weight: f32 weights [8, 16]
//   readwrite x: f32 [13, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> partials: array<vec4<f32>, 64>;
fn memoryWord(at: i32) -> u32 {
  return memory[at >> 2u][at & 3];
}
@compute @workgroup_size(64, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let tile = i32(group.y) * 8;
  let lane = i32(invocation);
  let block_1_1 = block_1;
  let v = i32(u32(lane) % u32(2));
  let token = (tile + (i32(u32(i32(u32(lane) % u32(4))) / u32(2)) * 4));
  let xToken = token;
  let part = i32(u32(lane) / u32(4));
  var acc_0: vec4<f32> = vec4<f32>(0f);
  var acc_1: vec4<f32> = vec4<f32>(0f);
  var acc_2: vec4<f32> = vec4<f32>(0f);
  var acc_3: vec4<f32> = vec4<f32>(0f);
  let base = ((block_1_1 * 128) + (v * 4));
  for (var k = part; k < 16; k += 16) {
    let wk = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (k * 2)) + 68)]);
    acc_0 = (acc_0 + (vec4<f32>(bitcast<f32>(memoryWord((((xToken * 16) + k) + 448)))) * wk));
    acc_1 = (acc_1 + (vec4<f32>(bitcast<f32>(memoryWord(((((xToken + 1) * 16) + k) + 448)))) * wk));
    acc_2 = (acc_2 + (vec4<f32>(bitcast<f32>(memoryWord(((((xToken + 2) * 16) + k) + 448)))) * wk));
    acc_3 = (acc_3 + (vec4<f32>(bitcast<f32>(memoryWord(((((xToken + 3) * 16) + k) + 448)))) * wk));
  }
  partials[lane] = acc_0;
  workgroupBarrier();
  if (lane < 16) {
    partials[lane] = (((partials[lane] + partials[(lane + 16)]) + partials[(lane + 32)]) + partials[(lane + 48)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]);
  }
  workgroupBarrier();
  let sum = partials[i32(u32(lane) % u32(4))];
  workgroupBarrier();
  let dot_1 = sum;
  partials[lane] = acc_1;
  workgroupBarrier();
  if (lane < 16) {
    partials[lane] = (((partials[lane] + partials[(lane + 16)]) + partials[(lane + 32)]) + partials[(lane + 48)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]);
  }
  workgroupBarrier();
  let sum_1 = partials[i32(u32(lane) % u32(4))];
  workgroupBarrier();
  let dot_1_1 = sum_1;
  partials[lane] = acc_2;
  workgroupBarrier();
  if (lane < 16) {
    partials[lane] = (((partials[lane] + partials[(lane + 16)]) + partials[(lane + 32)]) + partials[(lane + 48)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]);
  }
  workgroupBarrier();
  let sum_2 = partials[i32(u32(lane) % u32(4))];
  workgroupBarrier();
  let dot_2 = sum_2;
  partials[lane] = acc_3;
  workgroupBarrier();
  if (lane < 16) {
    partials[lane] = (((partials[lane] + partials[(lane + 16)]) + partials[(lane + 32)]) + partials[(lane + 48)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (((partials[lane] + partials[(lane + 4)]) + partials[(lane + 8)]) + partials[(lane + 12)]);
  }
  workgroupBarrier();
  let sum_3 = partials[i32(u32(lane) % u32(4))];
  workgroupBarrier();
  let dot_3 = sum_3;
  let row_1 = ((block_1_1 * 8) + (v * 4));
  if (lane < 4) {
    if (token < count) {
      memory[(((token * 4) + i32(u32(row_1) / u32(4))) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(((token * 4) + i32(u32(row_1) / u32(4))) + 8)]) + dot_1));
    }
    if ((token + 1) < count) {
      memory[((((token + 1) * 4) + i32(u32(row_1) / u32(4))) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[((((token + 1) * 4) + i32(u32(row_1) / u32(4))) + 8)]) + dot_1_1));
    }
    if ((token + 2) < count) {
      memory[((((token + 2) * 4) + i32(u32(row_1) / u32(4))) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[((((token + 2) * 4) + i32(u32(row_1) / u32(4))) + 8)]) + dot_2));
    }
    if ((token + 3) < count) {
      memory[((((token + 3) * 4) + i32(u32(row_1) / u32(4))) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[((((token + 3) * 4) + i32(u32(row_1) / u32(4))) + 8)]) + dot_3));
    }
  }
}

// layers.gate_proj+up_proj.operand.prefill: count of 128
//   read x: f32 [13, 16]
//   read post_attention_layernorm.weight: f32 [8]
//   write layers.gate_proj+up_proj.normed: f32 [13, 8]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<u32>;
@group(0) @binding(2) var<storage, read> w0: array<u32>;
var<workgroup> scratch: array<f32, 128>;
fn memoryVector(at: i32) -> vec4<u32> {
  return vec4<u32>(memory[at], memory[at + 1], memory[at + 2], memory[at + 3]);
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let t = i32(group.x);
  let lane = i32(invocation);
  let xRow = (t * 16);
  var sum4: vec4<f32> = vec4<f32>(0f);
  for (var quad = lane; quad < 2; quad += 128) {
    let v = bitcast<vec4<f32>>(memoryVector(((xRow + (quad * 4)) + 32)));
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
    memory[(((t * 8) + i) + 448)] = bitcast<u32>(((bitcast<f32>(memory[((xRow + i) + 32)]) * inverse) * bitcast<f32>(w0[(i + 400)])));
  }
  workgroupBarrier();
}
