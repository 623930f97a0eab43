// layers.o_proj.decode: 1 of 256
//   read self_attn.o_proj.weight: i8 weights [8, 16] int4 in groups of 32, 2 streams of four rows
//   read self_attn.o_proj.weight.scale: f16 its scales
//   read layers.self_attn: f32 [8, 16]
//   readwrite x: f32 [8, 16]
struct Step { position: i32, count: i32, row: i32, spare: i32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> memory: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> w0: array<vec2<u32>>;
var<workgroup> scratch: array<f32, 256>;
var<workgroup> codes: array<i32, 8>;
var<workgroup> scale: array<f32, 4>;
var<workgroup> partials: array<vec4<f32>, 256>;
fn w0Vector(at: i32) -> vec4<u32> {
  return vec4<u32>(w0[at], w0[at + 1]);
}
fn halvesOf(two: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(two.x), unpack2x16float(two.y));
}
fn scratchVector(at: i32) -> vec4<f32> {
  return vec4<f32>(scratch[at], scratch[at + 1], scratch[at + 2], scratch[at + 3]);
}
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
  var w_1_0: vec4<f32> = vec4<f32>(0f);
  let piece = select(3, part, (part < 4));
  w_0 = w0Vector(((((block_1 * 10) + (v * 10)) + ((i32(u32(i32(u32(piece) / u32(4))) / u32(2)) * 18) + (((i32(u32(i32(u32(piece) / u32(4))) % u32(2)) * 8) + 2) + (i32(u32(piece) % u32(4)) * 2)))) + 88));
  w_1_0 = halvesOf(w0[((((block_1 * 10) + (v * 10)) + ((i32(u32(i32(u32(piece) / u32(4))) / u32(2)) * 18) + i32(u32(i32(u32(piece) / u32(4))) % u32(2)))) + 88)]);
  var x_0: vec4<f32> = vec4<f32>(0f);
  if (lane < 4) {
    x_0 = bitcast<vec4<f32>>(memory[(lane + 72)]);
  }
  if (lane < 4) {
    let lanes = abs(x_0);
    scratch[i32(u32((lane * 4)) / u32(4))] = max(max(lanes.x, lanes.y), max(lanes.z, lanes.w));
  }
  for (var entry = (lane + 4); entry < 8; entry += 256) {
    scratch[entry] = 0f;
  }
  workgroupBarrier();
  for (var g = lane; g < 1; g += 256) {
    let lanes_1 = max(scratchVector((g * 8)), scratchVector(((g * 8) + 4)));
    let largest = max(max(lanes_1.x, lanes_1.y), max(lanes_1.z, lanes_1.w));
    scale[g] = (largest * 0.007874015718698502f);
  }
  if (lane < 4) {
    let lanes_2 = max(scratchVector((i32(u32((lane * 4)) / u32(32)) * 8)), scratchVector(((i32(u32((lane * 4)) / u32(32)) * 8) + 4)));
    let largest_1 = max(max(lanes_2.x, lanes_2.y), max(lanes_2.z, lanes_2.w));
    codes[i32(u32((lane * 4)) / u32(4))] = packBytes(vec4<i32>(round((x_0 * vec4<f32>(select(0f, (127f / largest_1), (0f < largest_1)))))));
  }
  for (var zero = (lane + 4); zero < 8; zero += 256) {
    codes[zero] = 0;
  }
  workgroupBarrier();
  var acc_0: vec4<f32> = vec4<f32>(0f);
  let piece_1 = part;
  if (piece_1 < 4) {
    let mask = vec4<u32>(u32(15 & 255) * 0x01010101u);
    let w_2 = (w_0 & mask);
    let w_3 = ((w_0 >> vec4<u32>(4u)) & mask);
    let x_1_0 = codes[(piece_1 * 2)];
    let x_2_0 = codes[((piece_1 * 2) + 1)];
    acc_0 = (acc_0 + (vec4<f32>(((dotWords(w_2, vec4<u32>(u32(x_1_0))) + dotWords(w_3, vec4<u32>(u32(x_2_0)))) - vec4<i32>(((dot4I8Packed(u32(x_1_0), u32(16843009)) + dot4I8Packed(u32(x_2_0), u32(16843009))) * 8)))) * (w_1_0 * vec4<f32>(scale[i32(u32(piece_1) / u32(4))]))));
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
