/**
 * Interprets a kernel of the loop IR on a memory image, operation by operation, as the intrinsic
 * table defines them. Every printed kernel is compared with it, and it tests GPU kernels without a
 * GPU. The invocations of a workgroup run as coroutines that wait for each other at barriers, so a
 * missing barrier gives a wrong result, and a barrier that some invocation skips is an error.
 * Workgroup memory starts as NaN, so that reading before writing shows too. Grid iterations run in
 * either order: a kernel whose result depends on the order is wrong.
 */
import { fromHalf, toHalf } from './half.ts';
import { intrinsics, type Value } from './intrinsics.ts';
import type { Address, Expr, Kernel, KernelBuffer, Loop, Stmt } from './ir.ts';
import { type ElementType, elementBytes, type Type } from './types.ts';
import { loadWidth, storeWidth } from './verify.ts';

/**
 * Values of the kernel's address arguments (`w0`, `state`) and scalars (`position`, `count`,
 * `row`).
 */
export type Arguments = Readonly<Record<string, number>>;

/**
 * Runs `kernel` once, on one thread. Throws on an access outside a buffer, and on a barrier that
 * some invocation does not reach.
 */
export function interpret(
  kernel: Kernel,
  memory: ArrayBufferLike,
  args: Arguments,
  gridOrder: 'forward' | 'reverse' = 'forward',
): void {
  const run = new Interpreter(kernel, memory, args, gridOrder).run();
  // a single thread never waits at a barrier
  while (!run.next().done);
}

/**
 * Runs a kernel that was divided among threads: in forward or reverse order, each thread runs to
 * its next barrier, then all continue. If threads depend on each other between two barriers, the
 * resulting bytes differ from those of one thread.
 */
export function interpretThreads(
  kernel: Kernel,
  memory: ArrayBufferLike,
  args: Arguments,
  threads: number,
  order: 'forward' | 'reverse' = 'forward',
): void {
  const running = Array.from({ length: threads }, (_, thread) =>
    new Interpreter(kernel, memory, { ...args, thread, threads }, 'forward').run(),
  );
  if (order === 'reverse') running.reverse();
  for (;;) {
    const ended = running.filter((thread) => thread.next().done).length;
    if (ended === threads) return;
    if (ended > 0) throw new Error(`kernel ${kernel.name}: a barrier that not every thread reaches`);
  }
}

type Locals = Map<string, Value[]>;

class Interpreter {
  readonly #kernel: Kernel;
  readonly #view: DataView;
  /** Memory of the workgroup that is running. */
  #shared = new Map<string, DataView>();
  readonly #args: Arguments;
  readonly #reverseGrid: boolean;
  readonly #buffers: ReadonlyMap<string, KernelBuffer>;

  constructor(kernel: Kernel, memory: ArrayBufferLike, args: Arguments, gridOrder: 'forward' | 'reverse') {
    this.#kernel = kernel;
    this.#view = new DataView(memory);
    this.#args = args;
    this.#reverseGrid = gridOrder === 'reverse';
    this.#buffers = new Map(kernel.buffers.map((b) => [b.name, b]));
  }

  run(): Generator<void, void> {
    const locals: Locals = new Map(this.#kernel.scalars.map((name) => [name, [this.#argument(name)]]));
    return this.execute(this.#kernel.body, locals);
  }

  #argument(name: string): number {
    const value = this.#args[name];
    if (value === undefined) throw new Error(`kernel ${this.#kernel.name} needs the argument ${name}`);
    return value;
  }

  #base(address: Address): number {
    switch (address.kind) {
      case 'memory':
        return address.offset;
      case 'weights':
        return this.#argument(`w${address.group}`) + address.offset;
      case 'state':
        return this.#argument('state') + address.offset;
      case 'workgroup':
        return 0;
      default:
        return address satisfies never;
    }
  }

  #locate(name: string, at: number, width: number): { view: DataView; element: ElementType; byte: number } {
    const buffer = this.#buffers.get(name);
    if (!buffer) throw new Error(`no buffer ${name}`);
    if (at < 0 || at + width > buffer.length)
      throw new Error(`kernel ${this.#kernel.name}: ${name}[${at}..${at + width - 1}] of ${buffer.length}`);
    const view = buffer.address.kind === 'workgroup' ? this.#sharedOf(buffer) : this.#view;
    return { view, element: buffer.element, byte: this.#base(buffer.address) + at * elementBytes(buffer.element) };
  }

  /** A buffer of the running workgroup. All its bits are set: NaN as a float, -1 as an integer. */
  #sharedOf({ name, element, length }: KernelBuffer): DataView {
    const known = this.#shared.get(name);
    if (known) return known;
    const view = new DataView(new Uint8Array(length * elementBytes(element)).fill(255).buffer);
    this.#shared.set(name, view);
    return view;
  }

  #readElement(view: DataView, element: ElementType, byte: number): number {
    if (element === 'f32') return view.getFloat32(byte, true);
    if (element === 'f16') return fromHalf(view.getUint16(byte, true));
    if (element === 'i32') return view.getInt32(byte, true);
    return element === 'i8' ? view.getInt8(byte) : view.getUint8(byte);
  }

  #load(e: Extract<Expr, { kind: 'load' }>, locals: Locals): Value {
    const buffer = this.#buffers.get(e.buffer);
    const width = buffer && loadWidth(buffer.element, e.type, e.access);
    if (!width) throw new Error(`${e.buffer} cannot be read as ${e.type}`);
    const { view, element, byte } = this.#locate(e.buffer, this.#number(e.index, locals), width);
    if (e.type === 'i16x8' && e.access === 'splat')
      return Array.from({ length: 8 }, (_, i) => view.getInt16(byte + 2 * (i % 2), true));
    if (e.type === 'i8x16' && e.access === 'splat')
      return Array.from({ length: 16 }, (_, i) => view.getInt8(byte + (i % 4)));
    if (element === 'i32' && e.type === 'i8x16') return Array.from({ length: 16 }, (_, i) => view.getInt8(byte + i));
    if (element === 'i32' && e.type === 'i16x8')
      return Array.from({ length: 8 }, (_, i) => view.getInt16(byte + 2 * i, true));
    if (element === 'i32' && e.type === 'f32x4')
      return Array.from({ length: 4 }, (_, i) => view.getFloat32(byte + 4 * i, true));
    if (e.access === 'splat') return Array<number>(4).fill(this.#readElement(view, element, byte));
    if (width === 1) return this.#readElement(view, element, byte);
    return Array.from({ length: width }, (_, i) => this.#readElement(view, element, byte + i * elementBytes(element)));
  }

  #store(s: Extract<Stmt, { kind: 'store' }>, locals: Locals): void {
    const value = this.#value(s.value, locals);
    const buffer = this.#buffers.get(s.buffer);
    const width = buffer && storeWidth(buffer.element, s.value.type);
    if (!width) throw new Error(`${s.value.type} cannot be stored to ${s.buffer}`);
    const { view, element, byte } = this.#locate(s.buffer, this.#number(s.index, locals), width);
    const lanes = typeof value === 'number' ? [value] : value;
    lanes.forEach((x, i) => {
      if (element === 'f16') view.setUint16(byte + 2 * i, toHalf(x), true);
      else if (element === 'f32' || s.value.type === 'f32x4') view.setFloat32(byte + 4 * i, x, true);
      else if (s.value.type === 'i8x16') view.setInt8(byte + i, x);
      else if (s.value.type === 'i16x8') view.setInt16(byte + 2 * i, x, true);
      else view.setInt32(byte + 4 * i, x, true);
    });
  }

  #value(e: Expr, locals: Locals): Value {
    switch (e.kind) {
      case 'const':
        return e.value;
      case 'get': {
        const registers = locals.get(e.name);
        const value = registers?.[e.index ? this.#number(e.index, locals) : 0];
        if (value === undefined) throw new Error(`kernel ${this.#kernel.name}: ${e.name} has no such register`);
        return value;
      }
      case 'load':
        return this.#load(e, locals);
      case 'apply': {
        const args = e.args.map((a) => this.#value(a, locals));
        return intrinsics[e.fn].meaning(args, e.args[0]?.type as Type, e.lanes);
      }
      default:
        return e satisfies never;
    }
  }

  #number(e: Expr, locals: Locals): number {
    const value = this.#value(e, locals);
    if (typeof value !== 'number') throw new Error('a vector stands where an index is needed');
    return value;
  }

  /** Yields at every barrier; the caller, which runs the workgroup, resumes it. */
  private *execute(body: readonly Stmt[], outer: Locals): Generator<void, void> {
    const locals: Locals = new Map(outer);
    for (const s of body) {
      switch (s.kind) {
        case 'let':
          locals.set(s.name, [this.#value(s.value, locals)]);
          break;
        case 'var':
          locals.set(s.name, Array<Value>(s.count ?? 1).fill(this.#value(s.init, locals)));
          break;
        case 'set': {
          const registers = locals.get(s.name);
          const at = s.index ? this.#number(s.index, locals) : 0;
          if (!registers || at < 0 || at >= registers.length) throw new Error(`no register ${s.name}[${at}]`);
          registers[at] = this.#value(s.value, locals);
          break;
        }
        case 'store':
          this.#store(s, locals);
          break;
        case 'if':
          if (this.#number(s.condition, locals)) yield* this.execute(s.body, locals);
          break;
        case 'barrier':
          yield;
          break;
        case 'for':
          yield* this.loop(s, locals);
          break;
        default:
          s satisfies never;
      }
    }
  }

  private *loop(s: Loop, locals: Locals): Generator<void, void> {
    const iterations: number[] = [];
    for (let i = this.#number(s.from, locals); i < this.#number(s.to, locals); i += s.step) iterations.push(i);
    const body = (i: number) => this.execute(s.body, new Map(locals).set(s.name, [i]));
    switch (s.tag) {
      case 'grid':
        if (this.#reverseGrid) iterations.reverse();
        for (const i of iterations) yield* body(i);
        return;
      case 'serial':
      case 'unroll':
        for (const i of iterations) yield* body(i);
        return;
      case 'workgroup':
      case 'lane': {
        if (s.tag === 'workgroup') this.#shared = new Map();
        const running = iterations.map(body);
        for (;;) {
          const ended = running.filter((invocation) => invocation.next().done).length;
          if (ended === running.length) break;
          if (ended > 0) throw new Error(`kernel ${this.#kernel.name}: a barrier that not every invocation reaches`);
          // a workgroup's barrier ends inside it; only nested lanes pass it on to the enclosing
          // workgroup
          if (s.tag === 'lane') yield;
        }
        return;
      }
      default:
        s.tag satisfies never;
    }
  }
}
