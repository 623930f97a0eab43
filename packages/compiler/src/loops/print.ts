/**
 * Prints a kernel of the loop IR for readers: one statement per line; buffers with address and
 * note.
 */
import { type Address, addressArguments, type Expr, type Kernel, type Stmt } from './ir.ts';

const infix: Readonly<Partial<Record<string, string>>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  quotient: '/',
  remainder: '%',
  and: '&',
  shl: '<<',
  less: '<',
};

/** The kernel as text. */
export function printKernel(kernel: Kernel): string {
  const args = [...addressArguments(kernel), ...kernel.scalars].join(', ');
  const width = Math.max(0, ...kernel.buffers.map((b) => b.name.length));
  const buffers = kernel.buffers.map(
    (b) =>
      `  ${b.access.padEnd(9)} ${b.name.padEnd(width)} : ${b.element}[${b.length}] ${printAddress(b.address)}  ; ${b.note}`,
  );
  return [`kernel ${kernel.name}(${args})`, ...buffers, ...kernel.body.flatMap((s) => printStmt(s, '  '))].join('\n');
}

function printAddress(address: Address): string {
  if (address.kind === 'workgroup') return 'in workgroup memory';
  if (address.kind === 'memory') return `at ${address.offset}`;
  return `at ${address.kind === 'state' ? 'state' : `w${address.group}`} + ${address.offset}`;
}

function printStmt(s: Stmt, indent: string): string[] {
  switch (s.kind) {
    case 'let':
      return [`${indent}${s.name} = ${printExpr(s.value)}`];
    case 'var':
      return [`${indent}var ${s.name}: ${s.type}${s.count === null ? '' : `[${s.count}]`} = ${printExpr(s.init)}`];
    case 'set':
      return [`${indent}${s.name}${s.index ? `[${printExpr(s.index)}]` : ''} := ${printExpr(s.value)}`];
    case 'store':
      return [`${indent}${s.buffer}[${printExpr(s.index)}] := ${printExpr(s.value)}`];
    case 'for': {
      const step = s.step === 1 ? '' : ` step ${s.step}`;
      const work = s.work === 1 ? '' : ` work ${s.work}`;
      const head = `${indent}${s.tag} ${s.name} in ${printExpr(s.from)} .. ${printExpr(s.to)}${step}${work}`;
      return [head, ...s.body.flatMap((x) => printStmt(x, `${indent}  `))];
    }
    case 'if':
      return [`${indent}if ${printExpr(s.condition)}`, ...s.body.flatMap((x) => printStmt(x, `${indent}  `))];
    case 'barrier':
      return [`${indent}barrier`];
    default:
      return s satisfies never;
  }
}

function printExpr(e: Expr, nested = false): string {
  switch (e.kind) {
    case 'const':
      return e.type === 'f32' && Number.isInteger(e.value) ? e.value.toFixed(1) : String(e.value);
    case 'get':
      return e.index ? `${e.name}[${printExpr(e.index)}]` : e.name;
    case 'load': {
      const how = e.access === 'splat' ? `${e.type} splat ` : e.type === 'f32' || e.type === 'i32' ? '' : `${e.type} `;
      return `${how ? '(' : ''}${how}${e.buffer}[${printExpr(e.index)}]${how ? ')' : ''}`;
    }
    case 'apply': {
      const sign = infix[e.fn];
      const lanes = e.lanes.length ? `<${e.lanes.join(' ')}>` : '';
      if (!sign) return `${e.fn}${lanes}(${e.args.map((a) => printExpr(a)).join(', ')})`;
      const text = e.args.map((a) => printExpr(a, true)).join(` ${sign} `);
      return nested ? `(${text})` : text;
    }
    default:
      return e satisfies never;
  }
}
