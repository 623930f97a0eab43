/**
 * Writes an ONNX file. Nodes and tensors are appended one by one, so that no more than one tensor
 * is in memory. Field numbers are those of onnx.proto (IR version 8, opset 17).
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Fields, float, int, join, message, opening, text } from './protobuf.ts';

/** Element types of TensorProto. */
const elementTypes = { float: 1, int8: 3, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

/** An attribute of a node. */
export type Attribute = readonly [name: string, type: 'int' | 'float', value: number];

/** The domain of operators that are not in the ONNX standard but have kernels in onnxruntime. */
export const microsoft = 'com.microsoft';

const graphField = 7;
/** One write call takes at most 2 GiB - 1. */
const maxWriteBytes = 1 << 30;

export class OnnxFile {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w');
    const opset = (domain: string, version: number) => message(8, text(1, domain), int(2, version));
    this.#append(int(1, 8), opset('', 17), opset(microsoft, 1), message(graphField, text(2, 'model')));
  }

  /**
   * Adds one operator. An empty input name omits an optional input. Returns the name of its first
   * output.
   */
  node(
    operator: string,
    inputs: readonly string[],
    outputs: readonly [string, ...string[]],
    attributes: readonly Attribute[] = [],
    domain = '',
  ): string {
    const fields = [
      ...inputs.map((name) => text(1, name)),
      ...outputs.map((name) => text(2, name)),
      text(3, `${outputs[0]}/${operator}`),
      text(4, operator),
      ...attributes.map((attribute) => message(5, attributeFields(attribute))),
      text(7, domain),
    ];
    this.#append(message(graphField, message(1, ...fields)));
    return outputs[0];
  }

  /** Adds a constant tensor, row-major. */
  initializer(name: string, shape: readonly number[], values: Float32Array | Int8Array | BigInt64Array): string {
    const type = values instanceof Float32Array ? 'float' : values instanceof Int8Array ? 'int8' : 'int64';
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const dims = shape.map((size) => int(1, size));
    const head = join([...dims, int(2, elementTypes[type]), text(8, name), opening(9, bytes.length)]);
    const tensor = join([opening(5, head.length + bytes.length), head]);
    this.#append(opening(graphField, tensor.length + bytes.length), tensor, bytes);
    return name;
  }

  /** Declares a tensor that the caller supplies. A named size may differ in each run. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    this.#append(message(graphField, message(11, valueInfo(name, type, shape))));
    return name;
  }

  /** Declares a tensor that is returned to the caller. */
  output(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    this.#append(message(graphField, message(12, valueInfo(name, type, shape))));
    return name;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(...parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      for (let done = 0; done < part.length; ) {
        done += writeSync(this.#descriptor, part, done, Math.min(part.length - done, maxWriteBytes));
      }
    }
  }
}

function attributeFields([name, type, value]: Attribute): Fields {
  return type === 'float'
    ? join([text(1, name), float(2, value), int(20, 1)])
    : join([text(1, name), int(3, value), int(20, 2)]);
}

function valueInfo(name: string, type: ElementType, shape: readonly (number | string)[]): Fields {
  const dims = shape.map((size) => message(1, typeof size === 'string' ? text(2, size) : int(1, size)));
  return join([text(1, name), message(2, message(1, int(1, elementTypes[type]), message(2, ...dims)))]);
}
