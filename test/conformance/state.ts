/** Reads keys and values of an execution's state as numbers. */
import { fromHalf } from '@lamella/compiler/loops/half';
import { type Kind, type Program, positionsOf, type StatePart } from '@lamella/compiler/program/ir';
import { nearestHalf } from '@lamella/graph/oracle/half';

/** A head's codes and their scale. */
export interface Coded {
  readonly codes: Int8Array;
  readonly scale: number;
}

export class State {
  readonly #kind: Kind;
  readonly #bytes: ArrayBuffer;
  readonly #program: Program;

  constructor(kind: Kind, bytes: ArrayBuffer, program: Program) {
    this.#kind = kind;
    this.#bytes = bytes;
    this.#program = program;
  }

  /** Feature `i` of a head that is stored as floats. */
  value(part: number, head: number, position: number, i: number): number {
    const { offset, stride, format } = this.#part(part);
    const at = this.#row(part, head, position) * stride + i;
    if (format === 'f16') return fromHalf(new Uint16Array(this.#bytes, offset)[at]!);
    return new Float32Array(this.#bytes, offset)[at]!;
  }

  /** Whether an f64 number is stored as f32 or as a half. */
  kept(part: number, x: number): number {
    return this.#part(part).format === 'f16' ? nearestHalf(x) : x;
  }

  /** A head that is stored as codes: all codes come before all scales. */
  coded(part: number, head: number, position: number): Coded {
    const { offset, stride, kvHeads } = this.#part(part);
    const at = this.#row(part, head, position);
    const scales = offset + this.#row(part, kvHeads, 0) * stride;
    return {
      codes: new Int8Array(this.#bytes, offset + at * stride, stride),
      scale: new Float32Array(this.#bytes, scales, at + 1)[at]!,
    };
  }

  /** The index of a head's position among those of all heads: in a ring, modulo its length. */
  #row(part: number, head: number, position: number): number {
    const positions = positionsOf(this.#part(part), this.#program);
    return head * positions + (position % positions);
  }

  #part(part: number): StatePart {
    return this.#kind.state[part]!;
  }
}
