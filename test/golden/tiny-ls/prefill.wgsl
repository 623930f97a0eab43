// layers.o_proj.prefill: 1 x (count) / 8 of 64
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
@compute @workgroup_size(64, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let tile = i32(group.y) * 8;
  let lane = i32(invocation);
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(4));
  let token = (tile + (i32(u32(i32(u32(lane) % u32(4))) / u32(2)) * 4));
  let xToken = token;
  var acc_0: vec4<f32> = vec4<f32>(0f);
  var acc_1: vec4<f32> = vec4<f32>(0f);
  var acc_2: vec4<f32> = vec4<f32>(0f);
  var acc_3: vec4<f32> = vec4<f32>(0f);
  for (var piece = part; piece < 16; piece += 16) {
    let base = ((block_1 * 128) + (v * 4));
    let w_1 = bitcast<vec4<f32>>(w0[((i32(u32(base) / u32(4)) + (piece * 2)) + 68)]);
    acc_0 = (acc_0 + (vec4<f32>(bitcast<f32>(memoryWord((((xToken * 16) + piece) + 288)))) * w_1));
    acc_1 = (acc_1 + (vec4<f32>(bitcast<f32>(memoryWord(((((xToken + 1) * 16) + piece) + 288)))) * w_1));
    acc_2 = (acc_2 + (vec4<f32>(bitcast<f32>(memoryWord(((((xToken + 2) * 16) + piece) + 288)))) * w_1));
    acc_3 = (acc_3 + (vec4<f32>(bitcast<f32>(memoryWord(((((xToken + 3) * 16) + piece) + 288)))) * w_1));
  }
  partials[lane] = acc_0;
  partials[(lane + 64)] = acc_1;
  partials[(lane + 128)] = acc_2;
  partials[(lane + 192)] = acc_3;
  workgroupBarrier();
  if (lane < 8) {
    partials[lane] = (((((((partials[lane] + partials[(lane + 8)]) + partials[(lane + 16)]) + partials[(lane + 24)]) + partials[(lane + 32)]) + partials[(lane + 40)]) + partials[(lane + 48)]) + partials[(lane + 56)]);
    partials[(lane + 64)] = (((((((partials[(lane + 64)] + partials[(lane + 72)]) + partials[(lane + 80)]) + partials[(lane + 88)]) + partials[(lane + 96)]) + partials[(lane + 104)]) + partials[(lane + 112)]) + partials[(lane + 120)]);
    partials[(lane + 128)] = (((((((partials[(lane + 128)] + partials[(lane + 136)]) + partials[(lane + 144)]) + partials[(lane + 152)]) + partials[(lane + 160)]) + partials[(lane + 168)]) + partials[(lane + 176)]) + partials[(lane + 184)]);
    partials[(lane + 192)] = (((((((partials[(lane + 192)] + partials[(lane + 200)]) + partials[(lane + 208)]) + partials[(lane + 216)]) + partials[(lane + 224)]) + partials[(lane + 232)]) + partials[(lane + 240)]) + partials[(lane + 248)]);
  }
  workgroupBarrier();
  if (lane < 4) {
    partials[lane] = (partials[lane] + partials[(lane + 4)]);
    partials[(lane + 64)] = (partials[(lane + 64)] + partials[(lane + 68)]);
    partials[(lane + 128)] = (partials[(lane + 128)] + partials[(lane + 132)]);
    partials[(lane + 192)] = (partials[(lane + 192)] + partials[(lane + 196)]);
  }
  workgroupBarrier();
  let row_1 = ((block_1 * 8) + (v * 4));
  if (lane < 4) {
    let dot_1 = partials[lane];
    let dot_1_1 = partials[(lane + 64)];
    let dot_2 = partials[(lane + 128)];
    let dot_3 = partials[(lane + 192)];
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

// layers.gate_proj+up_proj.operand.prefill: count of 256
//   read x: f32 [8, 16]
//   read post_attention_layernorm.weight: f32 [8]
//   write layers.gate_proj+up_proj.floats: f32 [8, 8]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let t = i32(group.x);
  let lane = i32(invocation);
  let xRow = (t * 16);
  var x_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 2) {
    x_0 = bitcast<vec4<f32>>(memory[((i32(u32(xRow) / u32(4)) + lane) + 8)]);
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
    memory[(((t * 2) + lane) + 72)] = bitcast<vec4<u32>>(normalised);
  }
}
