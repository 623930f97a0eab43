/**
 * Runs commands on a WebGPU device. Buffers and shaders are passed as data, so that the same few
 * lines serve a device in this process and one in a page. Only numbers and bytes go in and out.
 */

/** Objects that are made once. */
export interface Setup {
  readonly buffers: readonly { readonly size: number; readonly usage: number }[];
  readonly shaders: readonly { readonly name: string; readonly code: string }[];
}

export type Command =
  | {
      readonly kind: 'write';
      readonly buffer: number;
      readonly offset: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | {
      readonly kind: 'run';
      readonly shader: number;
      readonly bound: readonly { readonly buffer: number; readonly offset: number; readonly size: number }[];
      readonly grid: readonly [number, number, number];
    };

export interface Executor {
  /** Commands run in order. */
  submit(commands: readonly Command[]): void;
  /** Bytes of a buffer after all commands. Rejects with the device's errors since the last read. */
  read(buffer: number, offset: number, bytes: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/**
 * Pipelines by the text of their shader: drivers for the CPU take longer to compile one than to run
 * it, and models share most of theirs.
 */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

function pipelineOf(device: GPUDevice, shader: Setup['shaders'][number]): Promise<GPUComputePipeline> {
  const known = compiled.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  compiled.set(device, known);
  const pipeline = known.get(shader.code) ?? compile(device, shader);
  known.set(shader.code, pipeline);
  return pipeline;
}

async function compile(device: GPUDevice, { name, code }: Setup['shaders'][number]): Promise<GPUComputePipeline> {
  const module = device.createShaderModule({ label: name, code });
  const bad = (await module.getCompilationInfo()).messages.filter((m) => m.type !== 'info');
  if (bad.length > 0)
    throw new Error(`${name}: ${bad.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join('\n')}\n${code}`);
  return device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
}

/** Makes all objects. Rejects with the device's errors about a shader. */
export async function executorOn(device: GPUDevice, { buffers, shaders }: Setup): Promise<Executor> {
  const errors: string[] = [];
  const listen = (e: Event) => errors.push((e as GPUUncapturedErrorEvent).error.message);
  device.addEventListener('uncapturederror', listen);
  const made = buffers.map((each) => device.createBuffer(each));
  const pipelines = await Promise.all(shaders.map((shader) => pipelineOf(device, shader)));
  const groups = new Map<string, GPUBindGroup>();
  const groupOf = ({ shader, bound }: Extract<Command, { kind: 'run' }>): GPUBindGroup => {
    const key = JSON.stringify([shader, bound]);
    const known = groups.get(key);
    if (known) return known;
    const entries = bound.map(({ buffer, ...range }, binding) => ({
      binding,
      resource: { buffer: made[buffer]!, ...range },
    }));
    const group = device.createBindGroup({ layout: pipelines[shader]!.getBindGroupLayout(0), entries });
    groups.set(key, group);
    return group;
  };
  return {
    submit(commands) {
      for (const command of commands) {
        if (command.kind === 'write') {
          device.queue.writeBuffer(made[command.buffer]!, command.offset, command.bytes);
          continue;
        }
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipelines[command.shader]!);
        pass.setBindGroup(0, groupOf(command));
        pass.dispatchWorkgroups(...command.grid);
        pass.end();
        device.queue.submit([encoder.finish()]);
      }
    },
    async read(buffer, offset, bytes) {
      const size = Math.ceil(bytes / 4) * 4;
      const staging = device.createBuffer({ size, usage: 0x01 | 0x08 });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(made[buffer]!, offset, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(1);
      const out = staging.getMappedRange().slice(0, bytes);
      staging.destroy();
      if (errors.length > 0) throw new Error(errors.join('\n'));
      return out;
    },
    async close() {
      device.removeEventListener('uncapturederror', listen);
      for (const buffer of made) buffer.destroy();
    },
  };
}
