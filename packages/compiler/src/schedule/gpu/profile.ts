/** What a GPU allows. Schedules and the memory layout are made for a profile; every limit here is one that WebGPU names. */
export interface GpuProfile {
  readonly name: string;
  /** Bytes of memory that the invocations of a workgroup share. */
  readonly workgroupBytes: number;
  /** Invocations of a workgroup. */
  readonly invocations: number;
  /** Workgroups along one axis of a dispatch. */
  readonly workgroups: number;
  /** Storage buffers that a shader may bind. */
  readonly storageBuffers: number;
  /** Bytes of one binding, and of one buffer. */
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  /** Where in a buffer a binding may start. */
  readonly offsetAlignment: number;
  /** Features that an adapter must have, besides. */
  readonly needs: readonly 'shader-f16'[];
}

/** WebGPU's default limits, which every implementation keeps. */
export const conservative: GpuProfile = {
  name: 'conservative',
  workgroupBytes: 16_384,
  invocations: 256,
  workgroups: 65_535,
  storageBuffers: 8,
  bindingBytes: 128 << 20,
  bufferBytes: 256 << 20,
  offsetAlignment: 256,
  needs: [],
};

/**
 * For adapters with `shader-f16`: keys and values are halves, which is half the bytes of a long context. All that is computed stays f32: what a
 * kernel reads of them it widens, and integer formats have no other floats to narrow. Variants for subgroups would be profiles like this one.
 */
export const halves: GpuProfile = { ...conservative, name: 'f16', needs: ['shader-f16'] };
