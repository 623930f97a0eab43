/**
 * Prints one expanded kernel as a WGSL shader. Grid loops become axes of the dispatch, the
 * workgroup loop becomes its invocations. Buffers become the bindings of `bind.ts`, read as 32-bit
 * words or vectors of them and reinterpreted at each use.
 */
import { GPU_STEP, GPU_UNIFORM_WORDS, WORD } from '@lamella/runtime/step';
import type { GpuKernel } from '@lamella/runtime/webgpu-manifest';
import { plus } from '../../loops/build.ts';
import { intrinsics, wgslFunctions } from '../../loops/intrinsics.ts';
import type { Expr, Kernel, Stmt } from '../../loops/ir.ts';
import { type Multiples, multiplesIn } from '../../loops/multiples.ts';
import { elementBytes, type Type } from '../../loops/types.ts';
import { unroll } from '../../loops/unroll.ts';
import { verifyKernel } from '../../loops/verify.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Kind } from '../../program/ir.ts';
import type { GpuProfile } from '../../schedule/gpu/profile.ts';
import { type Bound, bind, unitBytes, type Variable } from './bind.ts';
import { launchOf, printExtent } from './launch.ts';
import { Loads } from './loads.ts';
import { ShaderNames } from './names.ts';
import { storageBarriersOf } from './storage-barriers.ts';

/** A shader with its dispatch and its bindings. */
export interface Shader extends GpuKernel {
  readonly code: string;
}

const wgslType: Readonly<Partial<Record<Type, string>>> = {
  i32: 'i32',
  f32: 'f32',
  bool: 'bool',
  f32x4: 'vec4<f32>',
  i32x4: 'vec4<i32>',
  i8x16: 'vec4<u32>',
};

/** The words of the uniform, in order. */
const uniformWords = Array.from(
  { length: GPU_UNIFORM_WORDS },
  (_, word) => Object.entries(GPU_STEP).find(([, at]) => at === word)?.[0] ?? 'spare',
);

/** The shader of a kernel. */
export function printShader(kernel: Kernel, plan: Plan, kind: Kind, profile: GpuProfile): Shader {
  const expanded = unroll(kernel);
  verifyKernel(expanded, true);
  const { axes, lane, lanes, body } = launchOf(expanded);
  if (lanes > profile.invocations) throw new Error(`kernel ${kernel.name}: ${lanes} invocations a workgroup`);
  const multiples = multiplesIn(expanded);
  const bound = bind(expanded, plan, kind, multiples, profile);
  const printer = new Printer(expanded, bound, multiples);
  for (const scalar of expanded.scalars) printer.names.keep(scalar);

  const scalars = expanded.scalars.map((name) => `  let ${name} = step.${name};`);
  const ids = [
    ...axes.map(({ name, step }, i) => {
      const id = `i32(group.${'xyz'[i]})`;
      return `  let ${printer.names.of(name)} = ${step === 1 ? id : `${id} * ${step}`};`;
    }),
    `  let ${printer.names.of(lane)} = i32(invocation);`,
  ];
  const text = body.flatMap((s) => printer.statement(s, '  '));
  const uniform = expanded.scalars.length > 0;
  const bindings = [
    ...(uniform
      ? [{ resource: 'step', group: 0, offset: 0, bytes: GPU_UNIFORM_WORDS * WORD, access: 'uniform' } as const]
      : []),
    ...bound.variables.flatMap((v) => v.bindings),
  ];
  const grid = axes.map((a) => a.extent);
  const code = [
    ...(bound.variables.some((v) => v.element === 'f16') ? ['enable f16;'] : []),
    `// ${kernel.name}: ${grid.length === 0 ? 'one workgroup' : grid.map(printExtent).join(' x ')} of ${lanes}`,
    ...kernel.buffers
      .filter((b) => b.address.kind !== 'workgroup')
      .map((b) => `//   ${b.access} ${b.name}: ${b.element} ${b.note}`),
    ...(uniform ? [`struct Step { ${uniformWords.map((name) => `${name}: i32`).join(', ')} }`] : []),
    ...(uniform ? ['@group(0) @binding(0) var<uniform> step: Step;'] : []),
    ...declarations(bound.variables, uniform ? 1 : 0),
    ...printer.functions(),
    `@compute @workgroup_size(${lanes}, 1, 1)`,
    'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {',
    ...scalars,
    ...ids,
    ...text,
    '}',
    '',
  ].join('\n');
  return { name: kernel.name, lanes, grid, bindings, code };
}

function declarations(variables: readonly Variable[], first: number): string[] {
  let binding = first;
  return variables.flatMap(({ name, of, bindings, element, words }) => {
    if (bindings.length === 0) {
      const type = of === 'vectors' ? `array<vec4<${element}>, ${words / 4}>` : `array<${element}, ${words}>`;
      return [`var<workgroup> ${name}: ${type};`];
    }
    const type = { words: `array<${element}>`, pairs: 'array<vec2<u32>>', vectors: `array<vec4<${element}>>` }[of];
    return bindings.map(
      ({ access }, i) =>
        `@group(0) @binding(${binding++}) var<storage, ${access}> ${bindings.length > 1 ? `${name}_${i}` : name}: ${type};`,
    );
  });
}

class Printer {
  readonly names: ShaderNames;
  readonly #bound: Bound;
  readonly #multiples: Multiples;
  readonly #kernel: Kernel;
  readonly #loads: Loads;
  /** Functions that the text so far calls, by name. */
  readonly #called = new Map<string, string>();
  /** Barriers that must also order accesses to storage buffers. */
  readonly #storageBarriers: ReadonlySet<Stmt>;

  constructor(kernel: Kernel, bound: Bound, multiples: Multiples) {
    this.#kernel = kernel;
    this.#bound = bound;
    this.#multiples = multiples;
    this.#loads = new Loads(kernel, bound, multiples, (e) => this.#expr(e), this.#called);
    const own = bound.variables.flatMap((v) => [v.name, ...v.bindings.map((_, i) => `${v.name}_${i}`)]);
    this.names = new ShaderNames([
      ...own,
      ...own.flatMap((n) => [`${n}Word`, `${n}Pair`, `${n}Vector`]),
      ...wgslFunctions.map((f) => f.name),
      'group',
      'invocation',
    ]);
    this.#storageBarriers = storageBarriersOf(kernel);
  }

  /** The functions that the printed text calls. */
  functions(): string[] {
    return [...this.#called.values()];
  }

  statement(s: Stmt, indent: string): string[] {
    const line = (text: string) => [`${indent}${text}`];
    switch (s.kind) {
      case 'let':
        return line(`let ${this.names.of(s.name)} = ${this.#expr(s.value)};`);
      case 'var':
        return line(`var ${this.names.of(s.name)}: ${this.#type(s.type)} = ${this.#expr(s.init)};`);
      case 'set':
        return line(`${this.names.of(s.name)} = ${this.#expr(s.value)};`);
      case 'store':
        return this.#store(s, indent);
      case 'for': {
        if (s.tag !== 'serial') throw new Error(`kernel ${this.#kernel.name}: a ${s.tag} loop inside a workgroup`);
        const i = this.names.of(s.name);
        const next = s.step === 1 ? `${i}++` : `${i} += ${s.step}`;
        return [
          ...line(`for (var ${i} = ${this.#expr(s.from)}; ${i} < ${this.#expr(s.to)}; ${next}) {`),
          ...s.body.flatMap((x) => this.statement(x, `${indent}  `)),
          ...line('}'),
        ];
      }
      case 'if':
        return [
          ...line(`if ${this.#expr(s.condition)} {`),
          ...s.body.flatMap((x) => this.statement(x, `${indent}  `)),
          ...line('}'),
        ];
      case 'barrier':
        return [...line('workgroupBarrier();'), ...(this.#storageBarriers.has(s) ? line('storageBarrier();') : [])];
      default:
        return s satisfies never;
    }
  }

  #type(type: Type): string {
    const name = wgslType[type];
    if (!name) throw new Error(`kernel ${this.#kernel.name}: WGSL has no ${type}`);
    return name;
  }

  #expr(e: Expr): string {
    switch (e.kind) {
      case 'const':
        if (e.type === 'bool') return e.value ? 'true' : 'false';
        if (e.type === 'f32') return e.value < 0 ? `(${e.value}f)` : `${e.value}f`;
        return e.value < 0 ? `(${e.value})` : `${e.value}`;
      case 'get':
        return this.names.of(e.name);
      case 'load':
        return this.#loads.text(e);
      case 'apply': {
        const { wgsl } = intrinsics[e.fn];
        if (!wgsl) throw new Error(`kernel ${this.#kernel.name}: WGSL has no ${e.fn}`);
        this.#type(e.type);
        const args = e.args.map((a) => this.#expr(a));
        const text = wgsl(args, e.args[0]!.type, e.lanes);
        const called = wgslFunctions.find((f) => text.startsWith(`${f.name}(`));
        if (called) this.#called.set(called.name, called.text);
        return text;
      }
      default:
        return e satisfies never;
    }
  }

  #store(s: Extract<Stmt, { kind: 'store' }>, indent: string): string[] {
    const { element } = this.#kernel.buffers.find((b) => b.name === s.buffer)!;
    const { variable, offset } = this.#bound.place(s.buffer);
    const bytes = elementBytes(element);
    const from = this.#bits(s.value, variable);
    const { type } = s.value;
    if (type === 'f32' || type === 'i32')
      return [`${indent}${variable.name}[${this.#expr(plus(s.index, offset / 4))}] = ${from};`];
    if (variable.of === 'vectors') {
      const unit = unitBytes(variable);
      const at = plus(this.#multiples.divide(s.index, unit / bytes), offset / unit);
      return [`${indent}${variable.name}[${this.#expr(at)}] = ${from};`];
    }
    return [
      `${indent}{`,
      `${indent}  let at = ${this.#expr(plus(s.index, offset / 4))};`,
      `${indent}  let four = ${from};`,
      ...[...'xyzw'].map((c, i) => `${indent}  ${variable.name}[${i === 0 ? 'at' : `at + ${i}`}] = four.${c};`),
      `${indent}}`,
    ];
  }

  /** The bits of a value as elements of a variable. */
  #bits(value: Expr, { element }: Variable): string {
    const text = this.#expr(value);
    const wide = value.type === 'f32x4' || value.type === 'i32x4';
    const own = wide ? value.type.slice(0, 3) : value.type;
    if (own === element) return text;
    if (element === 'f16') return `vec4<f16>(${text})`;
    return `bitcast<${wide ? `vec4<${element}>` : element}>(${text})`;
  }
}
