/** Keys and values as they lie in an execution's state, read back as numbers. */
import type { Kind, StatePart } from '@lamella/compiler/program/ir';

/** A head's codes and their scale. */
export interface Coded {
  readonly codes: Int8Array;
  readonly scale: number;
}

export class State {
  private readonly kind: Kind;
  private readonly bytes: ArrayBuffer;
  private readonly positions: number;

  constructor(kind: Kind, bytes: ArrayBuffer, context: number) {
    this.kind = kind;
    this.bytes = bytes;
    this.positions = 8 * Math.ceil(context / 8);
  }

  /** Feature `i` of a head that is kept as floats. */
  value(part: number, head: number, position: number, i: number): number {
    const { offset, stride } = this.part(part);
    return new Float32Array(this.bytes, offset)[(head * this.positions + position) * stride + i]!;
  }

  /** A head that is kept as codes: all of them come before all scales. */
  coded(part: number, head: number, position: number): Coded {
    const { offset, stride, kvHeads } = this.part(part);
    const at = head * this.positions + position;
    const scales = offset + kvHeads * this.positions * stride;
    return {
      codes: new Int8Array(this.bytes, offset + at * stride, stride),
      scale: new Float32Array(this.bytes, scales, at + 1)[at]!,
    };
  }

  private part(part: number): StatePart {
    return this.kind.state[part]!;
  }
}
