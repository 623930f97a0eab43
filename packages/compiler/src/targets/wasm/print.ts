/**
 * Prints one expanded kernel as a WAT function. The printer makes no decisions: types map to types,
 * operations to the spellings in the intrinsic table, an index to an address with its constant part
 * in the `offset` immediate.
 */
import { i32 } from '../../loops/build.ts';
import { intrinsics } from '../../loops/intrinsics.ts';
import {
  addressArguments,
  type Expr,
  type Kernel,
  type KernelBuffer,
  type Stmt,
  walkStatements,
} from '../../loops/ir.ts';
import { elementBytes, type Features, lanesOf, type Type } from '../../loops/types.ts';

const wasmType = (type: Type): string => (lanesOf(type) > 1 ? 'v128' : type === 'f32' ? 'f32' : 'i32');

/** Arguments of the function, in order: addresses, then scalars. */
export function functionArguments(kernel: Kernel): readonly string[] {
  return [...addressArguments(kernel), ...kernel.scalars];
}

/**
 * The kernel as `(func $name ...)`. It must have been expanded by `unroll`. On Arm, matrices that do
 * not begin a row's weights have an address of their own: V8 adds an offset beyond 4095 in three
 * instructions at every load.
 */
export function printFunction(kernel: Kernel, features: Features): string {
  const buffers = new Map(kernel.buffers.map((b) => [b.name, b]));
  const locals = new Map<string, string[]>();
  const declare = (name: string, type: string) => {
    if (!locals.has(type)) locals.set(type, []);
    locals.get(type)!.push(`(local $${name} ${type})`);
  };
  walkStatements(kernel.body, (s) => {
    if (s.kind === 'let') declare(s.name, wasmType(s.value.type));
    if (s.kind === 'var') declare(s.name, wasmType(s.type));
    if (s.kind === 'for') declare(s.name, 'i32');
  });
  const params = functionArguments(kernel).map((name) => `(param $${name} i32)`);
  const own = features.has('sdot') ? matricesOf(kernel) : [];
  for (const { name } of own) declare(name, 'i32');
  const printer = new Printer(buffers, new Set(own.map(({ name }) => name)));
  const body = printer.statements(kernel.body, '  ');
  if (printer.widensHalves) for (const name of [HALF_BITS, HALF_SCALE]) declare(name, 'v128');
  const declared = [...locals.values()].map((names) => `  ${names.join(' ')}\n`).join('');
  const addresses = own.map(
    ({ name, group, offset }) => `  (local.set $${name} (i32.add (local.get $w${group}) (i32.const ${offset})))\n`,
  );
  return `(func $${kernel.name} ${params.join(' ')}\n${declared}${addresses.join('')}${printer.widensHalves ? halfConstants : ''}${body})`;
}

/** A local with the address of a matrix that does not begin a row's weights. */
interface MatrixAddress {
  readonly name: string;
  readonly group: number;
  readonly offset: number;
}

const matrixName = (group: number, offset: number): string => `w${group}.${offset}`;

function matricesOf({ buffers }: Kernel): readonly MatrixAddress[] {
  const found = buffers.flatMap(({ address, element }) => {
    // kernels for floats are the plain ones
    if (element !== 'i8' || address.kind !== 'weights' || address.offset === 0) return [];
    const { group, offset } = address;
    return [{ name: matrixName(group, offset), group, offset }];
  });
  return [...new Map(found.map((each) => [each.name, each])).values()];
}

/**
 * Widens a half to f32: its sign and its other 15 bits move to their places in an f32, and the
 * result is multiplied by 2^112, the difference of the exponent biases. Exact for subnormal halves
 * too, but wrong for infinities and NaN, which weights cannot contain (L214, L216).
 */
const widened = { bits: '0x8fffe000', scale: '0x1p112' };
/**
 * Locals with these constants in four lanes: an engine materialises a constant inside a loop at
 * every use.
 */
const HALF_BITS = 'half.bits';
const HALF_SCALE = 'half.scale';
const halfConstants = `  (local.set $${HALF_BITS} (i32x4.splat (i32.const ${widened.bits})))
  (local.set $${HALF_SCALE} (f32x4.splat (f32.const ${widened.scale})))
`;

class Printer {
  /** Whether the text so far uses the locals of `halfConstants`. */
  widensHalves = false;
  readonly #buffers: ReadonlyMap<string, KernelBuffer>;

  /** Names of the locals with addresses of matrices. */
  readonly #matrices: ReadonlySet<string>;

  constructor(buffers: ReadonlyMap<string, KernelBuffer>, matrices: ReadonlySet<string>) {
    this.#buffers = buffers;
    this.#matrices = matrices;
  }

  /** The statements as text, each ending in a newline. */
  statements(body: readonly Stmt[], indent: string): string {
    let text = '';
    for (const s of body) text += `${indent}${this.#statement(s, indent)}\n`;
    return text;
  }

  #statement(s: Stmt, indent: string): string {
    switch (s.kind) {
      case 'let':
        return `(local.set $${s.name} ${this.#expr(s.value)})`;
      case 'var':
        return `(local.set $${s.name} ${this.#expr(s.init)})`;
      case 'set':
        return `(local.set $${s.name} ${this.#expr(s.value)})`;
      case 'store': {
        if (this.#buffers.get(s.buffer)!.element === 'f16') throw new Error(`${s.buffer}: WASM stores no halves`);
        const op = lanesOf(s.value.type) > 1 ? 'v128.store' : `${s.value.type}.store`;
        return `(${op} ${this.#address(s.buffer, s.index)} ${this.#expr(s.value)})`;
      }
      case 'for': {
        // the test is at the loop's end, so that an iteration has one branch; a loop that may run
        // zero times is guarded before
        const i = `$${s.name}`;
        const certain = s.from.kind === 'const' && s.to.kind === 'const' && s.from.value < s.to.value;
        const to = this.#expr(s.to);
        const next = `(local.tee ${i} (i32.add (local.get ${i}) (i32.const ${s.step})))`;
        const start = `(local.set ${i} ${this.#expr(s.from)})\n${indent}`;
        const body = this.statements(s.body, `${indent}  `);
        const loop = `(loop ${i}.next\n${body}${indent}  (br_if ${i}.next (i32.lt_s ${next} ${to})))`;
        if (certain) return `${start}${loop}`;
        return `${start}(if (i32.lt_s (local.get ${i}) ${to}) (then\n${indent}${loop}\n${indent}))`;
      }
      case 'if':
        return `(if ${this.#expr(s.condition)} (then\n${this.statements(s.body, `${indent}  `)}${indent}))`;
      case 'barrier':
        return '(call $barrier (local.get $thread))';
      default:
        return s satisfies never;
    }
  }

  #expr(e: Expr): string {
    switch (e.kind) {
      case 'const':
        return e.type === 'f32' ? `(f32.const ${e.value})` : `(i32.const ${e.value})`;
      case 'get':
        return `(local.get $${e.name})`;
      case 'load':
        return this.#load(e);
      case 'apply': {
        const { wat } = intrinsics[e.fn];
        if (!wat) throw new Error(`WASM has no ${e.fn}`);
        return wat(
          e.args.map((a) => this.#expr(a)),
          e.args[0]?.type ?? e.type,
          e.lanes,
        );
      }
      default:
        return e satisfies never;
    }
  }

  #load(e: Extract<Expr, { kind: 'load' }>): string {
    const loaded = `(${this.#loadOp(e)} ${this.#address(e.buffer, e.index)})`;
    const { element } = this.#buffers.get(e.buffer)!;
    if (element === 'f16') return this.#half(loaded, e.type);
    if (e.type !== 'i32x4' || (element !== 'u8' && element !== 'i8')) return loaded;
    // four bytes, widened twice
    const sign = element === 'u8' ? 'u' : 's';
    return `(i32x4.extend_low_i16x8_${sign} (i16x8.extend_low_i8x16_${sign} ${loaded}))`;
  }

  /** Halves, sign-extended to words, widened to floats. */
  #half(words: string, type: Type): string {
    if (type === 'f32') {
      const bits = `(i32.and (i32.shl ${words} (i32.const 13)) (i32.const ${widened.bits}))`;
      return `(f32.mul (f32.reinterpret_i32 ${bits}) (f32.const ${widened.scale}))`;
    }
    this.widensHalves = true;
    const bits = `(v128.and (i32x4.shl ${words} (i32.const 13)) (local.get $${HALF_BITS}))`;
    return `(f32x4.mul ${bits} (local.get $${HALF_SCALE}))`;
  }

  #loadOp({ buffer, type, access }: Extract<Expr, { kind: 'load' }>): string {
    const { element } = this.#buffers.get(buffer)!;
    if (element === 'f16') return type === 'f32' ? 'i32.load16_s' : 'v128.load16x4_s';
    if (access === 'splat') return 'v128.load32_splat';
    if (elementBytes(element) === 1 && type === 'i32x4') return 'v128.load32_zero';
    if (element === 'u8') return 'i32.load8_u';
    if (element === 'i8' && type === 'i16x8') return 'v128.load8x8_s';
    if (element === 'i8' && type === 'i32') return 'i32.load8_s';
    return lanesOf(type) > 1 ? 'v128.load' : `${type}.load`;
  }

  /** `offset=n (address)` of an element. */
  #address(name: string, at: Expr): string {
    const { element, address } = this.#buffers.get(name)!;
    if (address.kind === 'workgroup') throw new Error(`${name}: there is no workgroup memory here`);
    const size = elementBytes(element);
    const { base, constant } = splitConstant(at);
    const matrix = address.kind === 'weights' ? matrixName(address.group, address.offset) : '';
    const own = this.#matrices.has(matrix);
    const offset = (own ? 0 : address.offset) + constant * size;
    const scaled = base && this.#scaled(base, size);
    const from =
      address.kind === 'memory'
        ? null
        : `(local.get $${own ? matrix : address.kind === 'state' ? 'state' : `w${address.group}`})`;
    const sum = from && scaled ? `(i32.add ${from} ${scaled})` : (from ?? scaled ?? '(i32.const 0)');
    return offset === 0 ? sum : `offset=${offset} ${sum}`;
  }

  #scaled(index: Expr, size: number): string {
    return size === 1 ? this.#expr(index) : `(i32.shl ${this.#expr(index)} (i32.const ${Math.log2(size)}))`;
  }
}

interface Split {
  readonly base: Expr | null;
  readonly constant: number;
}

/**
 * An index as base + constant, so that the constant can be an immediate. A negative constant stays
 * in the base.
 */
function splitConstant(e: Expr): Split {
  if (e.kind === 'const') return { base: null, constant: e.value };
  if (e.kind !== 'apply' || e.fn !== 'add') return { base: e, constant: 0 };
  const [a, b] = e.args.map(splitConstant) as [Split, Split];
  const constant = a.constant + b.constant;
  if (constant < 0) return { base: e, constant: 0 };
  const base = a.base && b.base ? { ...e, args: [a.base, b.base] } : (a.base ?? b.base);
  return { base: base ?? i32(0), constant };
}
