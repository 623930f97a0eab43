/**
 * The GPU buffers of a model: a few large buffers, filled in order, none larger than the profile
 * allows. A weight group or a state lies within one of them, at an offset where a binding may
 * start. The packed files are the same as for WASM; `copies` says where their bytes go.
 */
import { GPU_STEP_WORDS, WORD } from '@lamella/runtime/step';
import type { GpuLayout, GpuPlace } from '@lamella/runtime/webgpu-manifest';
import type { Plan } from '../../plan/plan.ts';
import { padded } from '../../program/packs.ts';
import type { GpuProfile } from '../../schedule/gpu/profile.ts';
import { CANDIDATE_BYTES } from '../../schedule/gpu/scope.ts';
import { resourceAt } from './bind.ts';

/** Buffers for one purpose, filled from the start. */
class Family {
  readonly sizes: number[] = [];
  readonly #profile: GpuProfile;

  constructor(profile: GpuProfile) {
    this.#profile = profile;
  }

  place(bytes: number): GpuPlace {
    const { offsetAlignment, bufferBytes } = this.#profile;
    const at = padded(this.sizes.at(-1) ?? 0, offsetAlignment);
    if (this.sizes.length === 0 || at + bytes > bufferBytes) {
      this.sizes.push(bytes);
      return { buffer: this.sizes.length - 1, offset: 0 };
    }
    this.sizes[this.sizes.length - 1] = at + bytes;
    return { buffer: this.sizes.length - 1, offset: at };
  }
}

/** The buffers of a model; ids are read back `chunk` at a time. */
export function gpuLayout(plan: Plan, profile: GpuProfile, chunk: number): GpuLayout {
  const { memory: regions, program } = plan;
  const weights = new Family(profile);
  const states = new Family(profile);
  const placed = new Map(
    plan.segments.map((s) => [s.offset + regions.weights.offset, weights.place(padded(s.bytes, 16))]),
  );
  const slots = new Map<number, GpuPlace>();
  for (const { kind, state } of plan.table)
    if (state !== 0 && !slots.has(state)) slots.set(state, states.place(program.kinds[kind]!.stateBytes));
  const rows = plan.table.map(({ weights: addresses, state }) => ({
    weights: addresses.map((address) => placed.get(address)!),
    state: slots.get(state) ?? null,
  }));
  const memory = resourceAt(plan, regions.tokens.offset);
  const inMemory = (address: number): number => address - memory.start;
  const constants = padded(plan.ropeBytes, 16);
  const history = 4 * (program.context + 1);
  // room for readbacks: ids of two chunks, the candidates and one row of logits
  const reads = 2 * padded(4 * chunk, 16) + CANDIDATE_BYTES + 4 * program.vocab;
  const families = [...weights.sizes, ...states.sizes].reduce((sum, n) => sum + n, 0);
  return {
    memory: padded(memory.bytes, 16),
    constants,
    history,
    candidates: CANDIDATE_BYTES,
    step: GPU_STEP_WORDS * WORD,
    tokens: inMemory(regions.tokens.offset),
    logits: inMemory(regions.logits.offset),
    weights: weights.sizes,
    states: states.sizes,
    copies: [
      ...(plan.ropeBytes > 0 ? [{ from: 0, bytes: plan.ropeBytes, to: null }] : []),
      ...plan.segments.map((s) => ({
        from: s.offset,
        bytes: s.bytes,
        to: placed.get(s.offset + regions.weights.offset)!,
      })),
    ],
    rows,
    bytes:
      families +
      GPU_STEP_WORDS * WORD +
      padded(memory.bytes, 16) +
      Math.max(16, constants) +
      history +
      CANDIDATE_BYTES +
      reads,
  };
}
