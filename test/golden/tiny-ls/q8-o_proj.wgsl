// layers.o_proj.decode: 1 of 128
//   read layers.self_attn: f32 [13, 16]
//   read self_attn.o_proj.weight: i8 weights [8, 16] int8, row scales behind each block of 8
//   read self_attn.o_proj.weight.scale: f32 the same bytes as f32
//   readwrite x: f32 [13, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 128>;
var<workgroup> codes: array<i32, 4>;
var<workgroup> scale: array<f32, 4>;
var<workgroup> partials: array<vec4<i32>, 128>;
fn packBytes(x: vec4<i32>) -> i32 {
  let bytes = clamp(x, vec4<i32>(-128), vec4<i32>(127)) & vec4<i32>(255);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
fn dotWords(x: vec4<u32>, y: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4I8Packed(x.x, y.x), dot4I8Packed(x.y, y.y), dot4I8Packed(x.z, y.z), dot4I8Packed(x.w, y.w));
}
@compute @workgroup_size(128, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  var max4: vec4<f32> = vec4<f32>(0f);
  for (var quad = lane; quad < 4; quad += 128) {
    max4 = max(max4, abs(bitcast<vec4<f32>>(memory[(quad + 80)])));
  }
  let lanes = max4;
  scratch[lane] = max(max(lanes.x, lanes.y), max(lanes.z, lanes.w));
  workgroupBarrier();
  if (lane < 32) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 32)]), scratch[(lane + 64)]), scratch[(lane + 96)]);
  }
  workgroupBarrier();
  if (lane < 8) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 8)]), scratch[(lane + 16)]), scratch[(lane + 24)]);
  }
  workgroupBarrier();
  if (lane < 2) {
    scratch[lane] = max(max(max(scratch[lane], scratch[(lane + 2)]), scratch[(lane + 4)]), scratch[(lane + 6)]);
  }
  workgroupBarrier();
  if (lane < 1) {
    scratch[lane] = max(scratch[lane], scratch[(lane + 1)]);
  }
  workgroupBarrier();
  let all_1 = scratch[0];
  workgroupBarrier();
  let largest = all_1;
  if (lane < 1) {
    scale[0] = (largest * 0.007874015718698502f);
  }
  let inverse = select(0f, (127f / largest), (0f < largest));
  for (var quad_1 = lane; quad_1 < 4; quad_1 += 128) {
    codes[i32(u32((quad_1 * 4)) / u32(4))] = packBytes(vec4<i32>(round((bitcast<vec4<f32>>(memory[(quad_1 + 80)]) * vec4<f32>(inverse)))));
  }
  workgroupBarrier();
  let block_1_1 = block_1;
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  var acc_0: vec4<i32> = vec4<i32>(0);
  let base = ((block_1_1 * 160) + (v * 16));
  for (var k = part; k < 4; k += 64) {
    let wk = w0[((i32(u32(base) / u32(16)) + (k * 2)) + 28)];
    acc_0 = (acc_0 + dotWords(wk, vec4<u32>(bitcast<u32>(codes[k]))));
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
  let dot_1 = (vec4<f32>(sum) * (bitcast<vec4<f32>>(w0[(((block_1_1 * 10) + (8 + v)) + 28)]) * vec4<f32>(scale[0])));
  let row_1 = ((block_1_1 * 8) + (v * 4));
  if (lane < 2) {
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 12)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(i32(u32(row_1) / u32(4)) + 12)]) + dot_1));
    }
  }
}
