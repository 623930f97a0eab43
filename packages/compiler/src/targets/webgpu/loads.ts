/**
 * Prints loads as WGSL. Bindings hold words, or vectors of two or four words (`bind.ts`), but the
 * loop IR loads smaller or larger elements: this file extracts and combines them so that the bits
 * are the same.
 */
import { plus, quotient, times } from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import type { Multiples } from '../../loops/multiples.ts';
import { elementBytes } from '../../loops/types.ts';
import { loadWidth } from '../../loops/verify.ts';
import { type Bound, unitBytes, type Variable } from './bind.ts';

/** WGSL functions that extract parts of words, by name. */
const wordFunctions = {
  signedByte: `fn signedByte(word: u32, at: i32) -> i32 {
  return i32(word << u32(24 - 8 * (at & 3))) >> 24u;
}`,
  byteAt: `fn byteAt(word: u32, at: i32) -> i32 {
  return i32((word >> u32(8 * (at & 3))) & 255u);
}`,
  signedBytesOf: `fn signedBytesOf(word: u32) -> vec4<i32> {
  return vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
}`,
  bytesOf: `fn bytesOf(word: u32) -> vec4<i32> {
  return vec4<i32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}`,
  halfAt: `fn halfAt(word: u32, at: i32) -> f32 {
  return unpack2x16float(word)[(at >> 1u) & 1];
}`,
  halvesOf: `fn halvesOf(two: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(two.x), unpack2x16float(two.y));
}`,
} as const;

type Load = Extract<Expr, { kind: 'load' }>;

/** Prints the loads of one kernel. */
export class Loads {
  readonly #kernel: Kernel;
  readonly #bound: Bound;
  readonly #multiples: Multiples;
  readonly #expr: (e: Expr) => string;
  readonly #called: Map<string, string>;

  /** `expr` prints an index. Functions that loads call are added to `called`, by name. */
  constructor(
    kernel: Kernel,
    bound: Bound,
    multiples: Multiples,
    expr: (e: Expr) => string,
    called: Map<string, string>,
  ) {
    this.#kernel = kernel;
    this.#bound = bound;
    this.#multiples = multiples;
    this.#expr = expr;
    this.#called = called;
  }

  /** One load. */
  text(e: Load): string {
    const { element } = this.#kernel.buffers.find((b) => b.name === e.buffer)!;
    const { variable, offset } = this.#bound.place(e.buffer);
    const bytes = elementBytes(element);
    const size = loadWidth(element, e.type, e.access)! * bytes;
    const at = plus(times(e.index, bytes), offset);
    const halves = element === 'f16' && e.type === 'f32x4';
    if (halves || size === 16) {
      const four = this.#several(variable, size, this.#unitAt(variable, e.index, bytes, offset));
      if (!halves) return reinterpreted(four, e.type as 'f32x4', variable);
      return variable.element === 'f16' ? `vec4<f32>(${four})` : `${this.#function('halvesOf')}(${four})`;
    }
    const word = this.#word(variable, bytes === 4 ? plus(e.index, offset / 4) : this.#dividedByFour(at));
    if (element === 'f16') return `${this.#function('halfAt')}(${word}, ${this.#expr(at)})`;
    if (e.type === 'i8x16') return `vec4<u32>(${reinterpreted(word, 'u32', variable)})`;
    if (e.access === 'splat') return `${wgslTypes[e.type as 'f32x4']}(${reinterpreted(word, 'f32', variable)})`;
    if (bytes === 4) return reinterpreted(word, e.type as 'i32' | 'f32', variable);
    if (e.type === 'i32x4') return `${this.#function(element === 'i8' ? 'signedBytesOf' : 'bytesOf')}(${word})`;
    return `${this.#function(element === 'i8' ? 'signedByte' : 'byteAt')}(${word}, ${this.#expr(at)})`;
  }

  #dividedByFour(byte: Expr): Expr {
    return this.#multiples.of(byte) % 4 === 0 ? this.#multiples.divide(byte, 4) : quotient(byte, 4);
  }

  #function(name: keyof typeof wordFunctions): string {
    this.#called.set(name, wordFunctions[name]);
    return name;
  }

  /** One word, at a word index. */
  #word(variable: Variable, at: Expr): string {
    const { name, of, element } = variable;
    if (of === 'words') return this.#unit(variable, this.#expr(at));
    const [index, inside] = of === 'pairs' ? ['at >> 1u', '[at & 1]'] : ['at >> 2u', '[at & 3]'];
    return `${this.#accessor(variable, `${name}Word`, element, index, inside)}(${this.#expr(at)})`;
  }

  /** The array index of an element. */
  #unitAt(variable: Variable, index: Expr, bytes: number, offset: number): Expr {
    const unit = unitBytes(variable);
    if (unit === 4 && bytes < 4) return this.#dividedByFour(plus(times(index, bytes), offset));
    return plus(this.#multiples.divide(index, unit / bytes), offset / unit);
  }

  /**
   * `size` bytes from an array index on, as one vector. If they span several array elements, a
   * function reads them, so that the index is computed once.
   */
  #several(variable: Variable, size: number, at: Expr): string {
    const { name, element, of } = variable;
    const count = size / unitBytes(variable);
    if (count < 1) throw new Error(`${name} holds ${of}, and ${size} bytes of one are read`);
    if (count === 1) return this.#unit(variable, this.#expr(at));
    const [fn, type] = size === 8 ? [`${name}Pair`, `vec2<${element}>`] : [`${name}Vector`, `vec4<${element}>`];
    const read = [...Array(count).keys()].map((i) => this.#unit(variable, i === 0 ? 'at' : `at + ${i}`));
    this.#called.set(fn, `fn ${fn}(at: i32) -> ${type} {\n  return ${type}(${read.join(', ')});\n}`);
    return `${fn}(${this.#expr(at)})`;
  }

  /** One element of the array. */
  #unit(variable: Variable, at: string): string {
    const { name, of, bindings, element } = variable;
    if (bindings.length <= 1) return `${name}[${at}]`;
    const [suffix, type] = {
      words: ['Word', element],
      pairs: ['Pair', `vec2<${element}>`],
      vectors: ['Vector', `vec4<${element}>`],
    }[of] as [string, string];
    return `${this.#accessor(variable, `${name}${suffix}`, type, 'at', '')}(${at})`;
  }

  /** A function that reads an array which may be split over several bindings. */
  #accessor(variable: Variable, fn: string, type: string, index: string, inside: string): string {
    const { name, bindings } = variable;
    const unit = unitBytes(variable);
    const reads =
      bindings.length <= 1
        ? [`  return ${name}[${index}]${inside};`]
        : [
            `  let i = ${index};`,
            ...bindings.map(({ offset, bytes }, i) => {
              const read = `return ${name}_${i}[i - ${offset / unit}]${inside};`;
              return i === bindings.length - 1 ? `  ${read}` : `  if i < ${(offset + bytes) / unit} { ${read} }`;
            }),
          ];
    this.#called.set(fn, [`fn ${fn}(at: i32) -> ${type} {`, ...reads, '}'].join('\n'));
    return fn;
  }
}

const wgslTypes = {
  u32: 'u32',
  i32: 'i32',
  f32: 'f32',
  f32x4: 'vec4<f32>',
  i32x4: 'vec4<i32>',
  i8x16: 'vec4<u32>',
} as const;
const scalars = { u32: 'u32', i32: 'i32', f32: 'f32', f32x4: 'f32', i32x4: 'i32', i8x16: 'u32' } as const;

/** A value with the same bits as another type. */
function reinterpreted(text: string, to: keyof typeof wgslTypes, { element }: Variable): string {
  return scalars[to] === element ? text : `bitcast<${wgslTypes[to]}>(${text})`;
}
