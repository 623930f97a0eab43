/**
 * Checks whether a compiler can have written the GPU's part of a manifest: its fields, that every
 * kernel it names exists, that every copy of weights has room, and that every binding lies in its
 * buffer. The WebGPU driver makes buffers and bind groups by these numbers without further checks.
 */
import { candidateList, GPU_STEP_WORDS, WORD } from '../step.ts';
import { checkStateRows, stateRows } from './check-state-rows.ts';
import {
  bytes,
  demand,
  figure,
  fileName,
  hash,
  id,
  integer,
  listOf,
  MOST_BYTES,
  oneOf,
  orNull,
  record,
  size,
  text,
} from './checks.ts';
import type { Manifest } from './manifest.ts';
import type { GpuKernel, GpuPlace, GpuTarget } from './webgpu-manifest.ts';

const GPU_STEP_BYTES = WORD * GPU_STEP_WORDS;

const extent = record({ constant: id, position: oneOf(0, 1), count: oneOf(0, 1), per: integer(1, 2 ** 31 - 1) });
const place = record({ buffer: id, offset: bytes });

/** The type and range of every field. */
export const gpuTarget = record({
  file: fileName,
  sha256: hash,
  profile: text,
  needs: listOf(text),
  kernels: listOf(
    record({
      name: text,
      lanes: integer(1, 1024),
      grid: listOf(extent, 0, 3),
      bindings: listOf(
        record({
          resource: oneOf('step', 'memory', 'constants', 'history', 'candidates', 'weights', 'state'),
          group: id,
          offset: bytes,
          bytes: size,
          access: oneOf('uniform', 'read', 'read_write'),
        }),
        1,
        1000,
      ),
    }),
    1,
  ),
  kinds: listOf(record({ decode: listOf(id), prefill: listOf(id) })),
  argmax: id,
  draw: id,
  candidates: record({ kernel: id, lanes: integer(1, 1024), each: integer(1, 1024) }),
  states: listOf(listOf(stateRows)),
  layout: record({
    memory: size,
    constants: bytes,
    history: size,
    candidates: size,
    step: integer(GPU_STEP_BYTES, MOST_BYTES),
    tokens: bytes,
    logits: bytes,
    weights: listOf(size),
    states: listOf(size),
    copies: listOf(record({ from: bytes, bytes, to: orNull(place) })),
    rows: listOf(record({ weights: listOf(place), state: orNull(place) })),
    bytes: figure,
  }),
  chunk: integer(1, 4096),
});

/**
 * Checks every relation between fields. Throws `WrongValue` for the first wrong value; `at` is the
 * field of the target.
 */
export function checkGpuTarget(
  { kernels, kinds, argmax, draw, candidates, states, layout }: GpuTarget,
  manifest: Manifest,
  at: string,
): void {
  const { vocab, tile, context, table, memory } = manifest;
  const holds = (field: string, bytes: number, least: number) =>
    demand(bytes >= least, `${at}.layout.${field}`, bytes, `at least ${least}`);
  holds('history', layout.history, 4 * (context + 1));
  holds('candidates', layout.candidates, candidateList(candidates.lanes * candidates.each).bytes);
  holds('memory', layout.memory, Math.max(layout.tokens + 4 * tile, layout.logits + 4 * vocab));

  const count = (field: string, list: readonly unknown[], length: number) =>
    demand(list.length === length, `${at}.${field}.length`, list.length, `${length}`);
  count('kinds', kinds, manifest.kinds.length);
  count('states', states, manifest.kinds.length);
  count('layout.rows', layout.rows, table.length);

  const isKernel = (kernel: number, field: string) =>
    demand(kernel < kernels.length, `${at}.${field}`, kernel, `below ${kernels.length}, the number of kernels`);
  isKernel(argmax, 'argmax');
  isKernel(draw, 'draw');
  isKernel(candidates.kernel, 'candidates.kernel');
  for (const [i, { decode, prefill }] of kinds.entries())
    for (const [name, list] of Object.entries({ decode, prefill }))
      for (const [j, kernel] of list.entries()) isKernel(kernel, `kinds[${i}].${name}[${j}]`);

  let end = 0;
  for (const [i, { from, bytes, to }] of layout.copies.entries()) {
    const field = `${at}.layout.copies[${i}]`;
    demand(from >= end, `${field}.from`, from, `at least ${end}, where the copy before it ends`);
    end = from + bytes;
    const room = memory.weights.bytes - from;
    demand(bytes <= room, `${field}.bytes`, bytes, `at most ${room}, the rest of the weights`);
    if (to) checkPlace(to, bytes, layout.weights, `${field}.to`);
    else
      demand(
        bytes <= layout.constants,
        `${field}.bytes`,
        bytes,
        `at most ${layout.constants}, the size of the constants`,
      );
  }
  for (const [i, row] of layout.rows.entries()) {
    const { decode, prefill } = kinds[table[i]!.kind]!;
    for (const kernel of new Set([...decode, ...prefill]))
      checkBindings(kernels[kernel]!, row, layout, `${at}.kernels[${kernel}]`, `${at}.layout.rows[${i}]`);
    if (row.state) {
      checkPlace(row.state, 0, layout.states, `${at}.layout.rows[${i}].state`);
      const room = layout.states[row.state.buffer]! - row.state.offset;
      checkStateRows(states[table[i]!.kind]!, room, `${at}.states[${table[i]!.kind}]`);
    }
  }
  for (const kernel of [argmax, draw, candidates.kernel])
    checkBindings(
      kernels[kernel]!,
      layout.rows.at(-1)!,
      layout,
      `${at}.kernels[${kernel}]`,
      `${at}.layout.rows[${table.length - 1}]`,
    );
}

/** Checks that everything a kernel binds for a row lies inside its buffer. */
function checkBindings(
  { bindings }: GpuKernel,
  row: GpuTarget['layout']['rows'][number],
  layout: GpuTarget['layout'],
  kernel: string,
  at: string,
): void {
  for (const [i, { resource, group, offset, bytes }] of bindings.entries()) {
    if (resource === 'weights') {
      const place = row.weights[group];
      if (place) checkPlace(place, offset + bytes, layout.weights, `${at}.weights[${group}]`);
      else
        demand(
          false,
          `${kernel}.bindings[${i}].group`,
          group,
          `below ${row.weights.length}, the weight groups of ${at}`,
        );
    } else if (resource === 'state') {
      if (row.state) checkPlace(row.state, offset + bytes, layout.states, `${at}.state`);
      else demand(false, `${at}.state`, row.state, `a place, because ${kernel} binds it`);
    } else {
      const most = layout[resource];
      demand(
        offset + bytes <= most,
        `${kernel}.bindings[${i}].bytes`,
        bytes,
        `at most ${most - offset}, the rest of ${resource}`,
      );
    }
  }
}

function checkPlace({ buffer, offset }: GpuPlace, bytes: number, buffers: readonly number[], field: string): void {
  demand(buffer < buffers.length, `${field}.buffer`, buffer, `below ${buffers.length}, the number of buffers`);
  const room = buffers[buffer]! - bytes;
  demand(offset <= room, `${field}.offset`, offset, `at most ${room}, because ${bytes} bytes are read there`);
}
