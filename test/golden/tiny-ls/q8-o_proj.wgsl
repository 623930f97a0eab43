// layers.o_proj.decode: 1 of 256
//   read self_attn.o_proj.weight: i8 weights [8, 16] int8, row scales behind every four rows, 2 streams
//   read self_attn.o_proj.weight.scale: f32 the same bytes as f32
//   read layers.self_attn: f32 [8, 16]
//   readwrite x: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec4<u32>>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> codes: array<i32, 4>;
var<workgroup> scale: array<f32, 4>;
var<workgroup> partials: array<vec4<i32>, 256>;
fn packBytes(x: vec4<i32>) -> i32 {
  let bytes = clamp(x, vec4<i32>(-128), vec4<i32>(127)) & vec4<i32>(255);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
fn dotWords(x: vec4<u32>, y: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4I8Packed(x.x, y.x), dot4I8Packed(x.y, y.y), dot4I8Packed(x.z, y.z), dot4I8Packed(x.w, y.w));
}
@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let count = step.count;
  let block_1 = i32(group.x);
  let lane = i32(invocation);
  let v = i32(u32(lane) % u32(2));
  let part = i32(u32(lane) / u32(2));
  var w_0: vec4<u32> = vec4<u32>(u32(0 & 255) * 0x01010101u);
  var rowScales_0: vec4<f32> = vec4<f32>(0f);
  let piece = select(3, part, (part < 4));
  let base = ((block_1 * 80) + (v * 80));
  w_0 = w0[((i32(u32(base) / u32(16)) + piece) + 28)];
  rowScales_0 = bitcast<vec4<f32>>(w0[((((block_1 * 5) + (v * 5)) + 4) + 28)]);
  var x_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 4) {
    x_0 = bitcast<vec4<f32>>(memory[(lane + 72)]);
  }
  let lanes = max(vec4<f32>(0f), abs(x_0));
  scratch[lane] = max(max(lanes.x, lanes.y), max(lanes.z, lanes.w));
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
  let largest = all_1;
  if (lane < 1) {
    scale[0] = (largest * 0.007874015718698502f);
  }
  let inverse = select(0f, (127f / largest), (0f < largest));
  if (lane < 4) {
    codes[i32(u32((lane * 4)) / u32(4))] = packBytes(vec4<i32>(round((x_0 * vec4<f32>(inverse)))));
  }
  workgroupBarrier();
  var acc_0: vec4<i32> = vec4<i32>(0);
  let piece_1 = part;
  if (piece_1 < 4) {
    acc_0 = (acc_0 + dotWords(w_0, vec4<u32>(bitcast<u32>(codes[piece_1]))));
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
    let dot_1 = (vec4<f32>(partials[lane]) * (rowScales_0 * vec4<f32>(scale[0])));
    if (0 < count) {
      memory[(i32(u32(row_1) / u32(4)) + 8)] = bitcast<vec4<u32>>((bitcast<vec4<f32>>(memory[(i32(u32(row_1) / u32(4)) + 8)]) + dot_1));
    }
  }
}
