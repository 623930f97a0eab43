/**
 * Element-wise functions: one row for each function that an author can apply to every feature. A
 * row holds the number of operands, the f64 maths that the oracle runs (written by hand) and the
 * PyTorch expression. The kernels' code for a function is in a table of the compiler's own.
 */
export interface ElementFunction {
  readonly arity: 1 | 2;
  readonly meaning: (x: number, y: number) => number;
  /** A PyTorch expression over its operands, which are names. */
  readonly torch: (x: string, y: string) => string;
  /** The infix operator, if the function has one. */
  readonly infix?: string;
}

const unary = (meaning: (x: number) => number, torch: (x: string) => string): ElementFunction => ({
  arity: 1,
  meaning,
  torch,
});
const operator = (infix: string, meaning: (x: number, y: number) => number): ElementFunction => ({
  arity: 2,
  meaning,
  torch: (x, y) => `${x} ${infix} ${y}`,
  infix,
});

export const functions = {
  add: operator('+', (x, y) => x + y),
  sub: operator('-', (x, y) => x - y),
  mul: operator('*', (x, y) => x * y),
  div: operator('/', (x, y) => x / y),
  min: { arity: 2, meaning: (x, y) => Math.min(x, y), torch: (x, y) => `torch.minimum(${x}, ${y})` },
  max: { arity: 2, meaning: (x, y) => Math.max(x, y), torch: (x, y) => `torch.maximum(${x}, ${y})` },
  exp: unary(
    (x) => Math.exp(x),
    (x) => `torch.exp(${x})`,
  ),
  tanh: unary(
    (x) => Math.tanh(x),
    (x) => `torch.tanh(${x})`,
  ),
  sigmoid: unary(
    (x) => 1 / (1 + Math.exp(-x)),
    (x) => `torch.sigmoid(${x})`,
  ),
  relu: unary(
    (x) => Math.max(x, 0),
    (x) => `torch.clamp(${x}, min=0)`,
  ),
  /** x sigmoid(x), arXiv 1702.03118. */
  silu: unary(
    (x) => x / (1 + Math.exp(-x)),
    (x) => `${x} * torch.sigmoid(${x})`,
  ),
  /**
   * x times the standard normal distribution function at x (arXiv 1606.08415): `gelu` exactly,
   * `geluTanh` by GPT-2's tanh approximation.
   */
  gelu: unary(
    (x) => 0.5 * x * erfc(-x * Math.SQRT1_2),
    (x) => `0.5 * ${x} * torch.erfc(-${x} * ${Math.SQRT1_2})`,
  ),
  geluTanh: unary(
    (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    (x) => `0.5 * ${x} * (1 + torch.tanh(${Math.sqrt(2 / Math.PI)} * (${x} + 0.044715 * ${x} * ${x} * ${x})))`,
  ),
  square: unary(
    (x) => x * x,
    (x) => `${x} * ${x}`,
  ),
  /** log(1 + exp(x)), written so that exp never overflows. */
  softplus: unary(
    (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    (x) => `torch.clamp(${x}, min=0) + torch.log1p(torch.exp(-torch.abs(${x})))`,
  ),
} as const satisfies Readonly<Record<string, ElementFunction>>;

/** 1 - erf(x) in f64: the Taylor series of erf for |x| < 3, a continued fraction beyond. */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 3) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let tail = x;
  for (let n = 60; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

export type FunctionName = keyof typeof functions;
export const functionNames = Object.keys(functions) as readonly FunctionName[];

/** The row of a function. */
export function functionOf(name: FunctionName): ElementFunction {
  return functions[name];
}
