/**
 * Profiles of phones from published figures, for phones that are not at hand. Only figures with a
 * source are here; a prediction leaves out or counts as no time what is missing. They describe the
 * published runtimes, not ours: `lamella profile --on` measures a phone with our kernels.
 */
import type { DeviceProfile } from '../contract.ts';

/** Bytes of a weight in 16 bits. */
const HALF = 2;
/** Products per token of MobileLLM-125M: in its 30 blocks, and in all (arXiv 2402.14905). */
const [BLOCKS, ALL] = [30 * 3_540_096, 124_635_456];
/** Parameters of Llama-3.2-1B, which are products per token too. */
const LLAMA = 1_235_814_400;
/** The working set beyond which the paper's blocks cannot stay: "around 20 MB" of SRAM. */
const SRAM = 20e6;

const gigabytes = (bytes: number, ms: number): number => bytes / ms / 1e6;

/**
 * The paper's phone, from two rows of its table 7: the base model reads all weights in 15.6 ms; the
 * layer-sharing model runs each block a second time from fast memory, which adds 0.4 ms. The third
 * row, 60 different blocks in 29.0 ms, took no part, so it tests the model.
 */
const iphone13: DeviceProfile = {
  format: 'lamella-profile/1',
  device: 'iPhone 13 (modelled)',
  engine: 'ExecuTorch with MPS, iOS 17.2.1',
  fastMemoryBytes: SRAM,
  threads: 1,
  reads: [],
  kernels: [
    {
      target: 'wasm',
      threads: 1,
      quant: 'f16',
      kernels: 'ExecuTorch, f16',
      decodeGmacs: BLOCKS / 0.4 / 1e6,
      weights: [
        { workingSetBytes: SRAM, gbPerSecond: gigabytes(HALF * BLOCKS, 0.4) },
        { workingSetBytes: 2 * SRAM, gbPerSecond: gigabytes(HALF * ALL, 15.6) },
      ],
    },
  ],
  sources: [
    'arXiv 2402.14905v2, table 7: MobileLLM-125M 15.6 ms, with shared layers 16.0 ms, 60 layers 29.0 ms; f16',
    'arXiv 2402.14905v2, section 2: about 20 MB of SRAM',
  ],
  published: [
    { parameters: ALL, executions: 30, decodeMs: 15.6 },
    { parameters: ALL, executions: 60, decodeMs: 16.0 },
    { parameters: ALL + BLOCKS, executions: 60, decodeMs: 29.0 },
  ],
};

/** One model, far larger than any cache: the speed of reading, and a lower bound of products. */
const oneplus12: DeviceProfile = {
  format: 'lamella-profile/1',
  device: 'OnePlus 12 (modelled)',
  engine: 'ExecuTorch with XNNPACK and KleidiAI',
  threads: 1,
  reads: [],
  kernels: [
    {
      target: 'wasm',
      threads: 1,
      quant: 'f16',
      kernels: 'ExecuTorch, bf16',
      decodeGmacs: (LLAMA * 19.2) / 1e9,
      prefillGmacs: (LLAMA * 60.3) / 1e9,
      weights: [{ workingSetBytes: HALF * LLAMA, gbPerSecond: (HALF * LLAMA * 19.2) / 1e9 }],
    },
  ],
  sources: [
    'pytorch/executorch, examples/models/llama/README.md: Llama-3.2-1B in BF16, prompt of 64 tokens: decode 19.2 tok/s, prefill 60.3 tok/s',
  ],
  published: [{ parameters: LLAMA, executions: 16, decodeMs: 1e3 / 19.2 }],
};

/** By the name that `--device` takes. */
export const phones: Readonly<Record<string, DeviceProfile>> = { 'iphone-13': iphone13, 'oneplus-12': oneplus12 };
