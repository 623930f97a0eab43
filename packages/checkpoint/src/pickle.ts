/**
 * Reads pickles as data. A pickle is a program: GLOBAL names any Python object and REDUCE calls it,
 * so loading a pickle in Python can run anything. This reader runs no code. It supports the opcodes
 * that `torch.save` writes for dictionaries of tensors, numbers, texts and lists (protocols 2 to 5;
 * Python's pickletools documents them), and a vocabulary of names whose meaning the caller
 * supplies. Any other opcode or name ends the reading with an error that names it. There is no
 * recursion, so deep nesting does no harm, and the number of opcodes limits the number of values.
 */
import { shown } from './excerpt.ts';

/**
 * Tuples and lists are arrays, dictionaries are maps; every other object comes from the vocabulary.
 */
export type Value<T> = null | boolean | number | string | readonly Value<T>[] | Map<Value<T>, Value<T>> | T;

/** The meaning of names in a pickle. */
export interface Vocabulary<T extends object> {
  /** Objects by module and name, separated by a space, as in `collections OrderedDict`. */
  readonly globals: ReadonlyMap<string, T>;
  /** Calls an object from `globals`. Throws to refuse. */
  call(callee: T, args: readonly Value<T>[]): Value<T>;
  /** The object outside the pickle that has this key. Throws to refuse. */
  persistent(key: Value<T>): T;
}

/** More than enough: a dictionary of 5000 tensors takes fewer. */
const maxOpcodes = 1 << 18;

/**
 * The opcodes of all protocols, so that an unsupported one is refused by name; the supported ones
 * have their cases below.
 */
const opcodes: ReadonlyMap<number, string> = new Map(
  (
    '28 MARK 2e STOP 30 POP 31 POP_MARK 32 DUP 46 FLOAT 49 INT 4a BININT 4b BININT1 4c LONG 4d BININT2 4e NONE 50 PERSID 51 BINPERSID ' +
    '52 REDUCE 53 STRING 54 BINSTRING 55 SHORT_BINSTRING 56 UNICODE 58 BINUNICODE 61 APPEND 62 BUILD 63 GLOBAL 64 DICT 7d EMPTY_DICT ' +
    '65 APPENDS 67 GET 68 BINGET 69 INST 6a LONG_BINGET 6c LIST 5d EMPTY_LIST 6f OBJ 70 PUT 71 BINPUT 72 LONG_BINPUT 73 SETITEM ' +
    '74 TUPLE 29 EMPTY_TUPLE 75 SETITEMS 47 BINFLOAT 80 PROTO 81 NEWOBJ 82 EXT1 83 EXT2 84 EXT4 85 TUPLE1 86 TUPLE2 87 TUPLE3 ' +
    '88 NEWTRUE 89 NEWFALSE 8a LONG1 8b LONG4 42 BINBYTES 43 SHORT_BINBYTES 8c SHORT_BINUNICODE 8d BINUNICODE8 8e BINBYTES8 ' +
    '8f EMPTY_SET 90 ADDITEMS 91 FROZENSET 92 NEWOBJ_EX 93 STACK_GLOBAL 94 MEMOIZE 95 FRAME 96 BYTEARRAY8 97 NEXT_BUFFER 98 READONLY_BUFFER'
  )
    .match(/\S+ \S+/g)!
    .map((pair) => [Number.parseInt(pair, 16), pair.slice(3)]),
);

/**
 * Reads the pickle at the start of `bytes`; returns its value and the offset of the byte after it.
 * Throws `refuse(reason)`, or what the vocabulary throws.
 */
export function readPickle<T extends object>(
  bytes: Uint8Array,
  vocabulary: Vocabulary<T>,
  refuse: (reason: string) => Error,
): { readonly value: Value<T>; readonly end: number } {
  const input = new Input(bytes, refuse);
  const stack = new Stack<Value<T>>(refuse);
  const memo = new Map<number, Value<T>>();
  const recall = (key: number) => {
    const value = memo.get(key);
    if (value === undefined) throw refuse(`its pickle reads memo ${key}, which was never set`);
    return value;
  };
  for (let count = 0; count < maxOpcodes; count++) {
    const at = input.position;
    const opcode = opcodes.get(input.u8());
    switch (opcode) {
      case 'PROTO': {
        const protocol = input.u8();
        if (protocol < 2 || protocol > 5) throw refuse(`its pickle has protocol ${protocol}; 2 to 5 are read`);
        break;
      }
      case 'FRAME':
        input.text(8); // the length of a frame, which only matters when reading from a stream
        break;
      case 'STOP':
        return { value: stack.pop(), end: input.position };
      case 'MARK':
        stack.mark();
        break;
      case 'NONE':
        stack.push(null);
        break;
      case 'NEWTRUE':
        stack.push(true);
        break;
      case 'NEWFALSE':
        stack.push(false);
        break;
      case 'BININT1':
        stack.push(input.u8());
        break;
      case 'BININT2':
        stack.push(input.u16());
        break;
      case 'BININT':
        stack.push(input.u32() | 0);
        break;
      case 'LONG1':
        stack.push(input.long(input.u8()));
        break;
      case 'BINFLOAT':
        stack.push(input.f64());
        break;
      case 'BINUNICODE':
      case 'BINSTRING':
        stack.push(input.text(input.u32()));
        break;
      case 'SHORT_BINUNICODE':
      case 'SHORT_BINSTRING':
        stack.push(input.text(input.u8()));
        break;
      case 'EMPTY_LIST':
        stack.push([]);
        break;
      case 'APPEND':
        append(stack.take(1), stack.top());
        break;
      case 'APPENDS':
        append(stack.toMark(), stack.top());
        break;
      case 'EMPTY_TUPLE':
        stack.push([]);
        break;
      case 'TUPLE1':
      case 'TUPLE2':
      case 'TUPLE3':
        stack.push(stack.take(Number(opcode.at(-1))));
        break;
      case 'TUPLE':
        stack.push(stack.toMark());
        break;
      case 'EMPTY_DICT':
        stack.push(new Map());
        break;
      case 'SETITEM':
        setItems(stack.take(2), stack.top());
        break;
      case 'SETITEMS':
        setItems(stack.toMark(), stack.top());
        break;
      case 'BINPUT':
        memo.set(input.u8(), stack.top());
        break;
      case 'LONG_BINPUT':
        memo.set(input.u32(), stack.top());
        break;
      case 'MEMOIZE':
        memo.set(memo.size, stack.top());
        break;
      case 'BINGET':
        stack.push(recall(input.u8()));
        break;
      case 'LONG_BINGET':
        stack.push(recall(input.u32()));
        break;
      case 'GLOBAL':
        stack.push(named(input.line(), input.line()));
        break;
      case 'STACK_GLOBAL': {
        const [module, name] = stack.take(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw refuse(`its pickle names ${kindOf(name)} in ${kindOf(module)}`);
        stack.push(named(module, name));
        break;
      }
      case 'BINPERSID':
        stack.push(vocabulary.persistent(stack.pop()));
        break;
      case 'REDUCE': {
        const args = stack.pop();
        const callee = stack.pop();
        if (!isTuple(args) || !isMade(callee)) throw refuse(`its pickle calls ${kindOf(callee)} with ${kindOf(args)}`);
        stack.push(vocabulary.call(callee, args));
        break;
      }
      case 'BUILD': {
        // Attributes of the dictionary, such as a state dict's _metadata: they say nothing about
        // its tensors.
        const state = stack.pop();
        if (!(state instanceof Map && stack.top() instanceof Map))
          throw refuse(`its pickle gives ${kindOf(stack.top())} the state of ${kindOf(state)}`);
        break;
      }
      default:
        throw refuse(
          opcode
            ? `its pickle has the opcode ${opcode} at byte ${at}, which a state dict does not need`
            : `its pickle has no opcode at byte ${at}, but 0x${bytes[at]!.toString(16)}`,
        );
    }
  }
  throw refuse(`its pickle has more than ${maxOpcodes} opcodes`);

  function named(module: string, name: string): T {
    const known = vocabulary.globals.get(`${module} ${name}`);
    if (!known) throw refuse(`its pickle names ${shown(`${module}.${name}`)}, which is not part of a state dict`);
    return known;
  }

  function append(items: readonly Value<T>[], into: Value<T>): void {
    // one at a time: a single call would exceed the limit on arguments
    if (!Array.isArray(into)) throw refuse(`its pickle appends to ${kindOf(into)}`);
    for (const item of items) into.push(item);
  }

  function setItems(items: readonly Value<T>[], into: Value<T>): void {
    if (!(into instanceof Map)) throw refuse(`its pickle sets an item of ${kindOf(into)}`);
    if (items.length % 2 === 1) throw refuse('its pickle sets an item without a value');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (into.has(key))
        throw refuse(`its pickle sets the item ${typeof key === 'string' ? shown(key) : kindOf(key)} twice`);
      into.set(key, items[i + 1]!);
    }
  }
}

export function isTuple<T extends object>(value: Value<T>): value is readonly Value<T>[] {
  return Array.isArray(value);
}

/** Whether a value comes from the vocabulary. */
export function isMade<T extends object>(value: Value<T>): value is T {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** The type of a value, for messages. Its contents are left out, since they may be of any size. */
export function kindOf(value: unknown): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return `a dictionary of ${value.size}`;
  if (typeof value === 'string') return `the text ${shown(value)}`;
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${value}`;
}

class Input {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #refuse: (reason: string) => Error;

  constructor(bytes: Uint8Array, refuse: (reason: string) => Error) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#refuse = refuse;
  }

  u8 = () => this.#view.getUint8(this.#skip(1));
  u16 = () => this.#view.getUint16(this.#skip(2), true);
  u32 = () => this.#view.getUint32(this.#skip(4), true);
  /** The only big-endian number in a pickle. */
  f64 = () => this.#view.getFloat64(this.#skip(8), false);

  /**
   * A signed little-endian integer of `count` bytes, rounded if it exceeds the exact range of a
   * number.
   */
  long(count: number): number {
    const at = this.#skip(count);
    if (count > 8) throw this.#refuse(`its pickle has an integer of ${count} bytes`);
    const value = this.#bytes.subarray(at, at + count).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return Number(BigInt.asIntN(8 * count, value));
  }

  text(count: number): string {
    const at = this.#skip(count);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + count));
  }

  /** Text up to the next line feed. */
  line(): string {
    const length = this.#bytes.indexOf(10, this.position) - this.position;
    if (length < 0) throw this.#refuse('its pickle ends within a name');
    const text = this.text(length);
    this.#skip(1);
    return text;
  }

  #skip(count: number): number {
    const at = this.position;
    if (at + count > this.#bytes.length)
      throw this.#refuse(`its pickle ends at byte ${this.#bytes.length}, and needs ${at + count}`);
    this.position += count;
    return at;
  }
}

/** A stack of values and marks. Popping past a mark or an empty stack is refused. */
class Stack<V> {
  readonly #values: V[] = [];
  readonly #marks: number[] = [];
  readonly #refuse: (reason: string) => Error;

  constructor(refuse: (reason: string) => Error) {
    this.#refuse = refuse;
  }

  push(value: V): void {
    this.#values.push(value);
  }

  mark(): void {
    this.#marks.push(this.#values.length);
  }

  top(): V {
    this.#require(1);
    return this.#values.at(-1)!;
  }

  pop(): V {
    this.#require(1);
    return this.#values.pop()!;
  }

  take(count: number): V[] {
    this.#require(count);
    return this.#values.splice(-count);
  }

  toMark(): V[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#refuse('its pickle pops a mark that was never set');
    return this.#values.splice(mark);
  }

  #require(count: number): void {
    if (this.#values.length - (this.#marks.at(-1) ?? 0) < count)
      throw this.#refuse('its pickle pops from an empty stack');
  }
}
