/**
 * The limits of a GPU. Schedules and the memory layout are made for one profile; every limit here
 * is a WebGPU limit.
 */
export interface GpuProfile {
  readonly name: string;
  /** Bytes of memory that the invocations of a workgroup share. */
  readonly workgroupBytes: number;
  /** The most invocations of a workgroup. */
  readonly invocations: number;
  /** The most workgroups along one axis of a dispatch. */
  readonly workgroups: number;
  /** The most storage buffers that a shader may bind. */
  readonly storageBuffers: number;
  /** The most bytes of one binding, and of one buffer. */
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  /** The offset of a binding must be a multiple of this. */
  readonly offsetAlignment: number;
  /** Features that an adapter must have in addition. */
  readonly needs: readonly 'shader-f16'[];
}

/** WebGPU's default limits, which every implementation meets. */
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
 * For adapters with `shader-f16`: keys and values are stored as halves, which halves the bytes of a
 * long context. All arithmetic stays f32: kernels widen what they read, and integer formats have no
 * other floats to narrow. Variants that use subgroups would be profiles of the same form.
 */
export const halves: GpuProfile = { ...conservative, name: 'f16', needs: ['shader-f16'] };
