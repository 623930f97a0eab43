/**
 * Python names for the values of a body, so that the exported file reads like hand-written code:
 * `q_proj`, `q_proj_rotated`, `attended`.
 */
import type { Body, Node } from '@lamella/graph/ir';

/** A number as a Python float. */
export function float(value: number): string {
  const text = value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const keywords =
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
  'lambda nonlocal not or pass raise return try while with yield';
const isKeyword = new Set(keywords.split(' '));

/**
 * Names that a local variable of the exported file must not have: Python's own, and those that the
 * file defines or imports.
 */
const reserved = new Set(
  (
    `${keywords} torch nn functional VOCAB CONTEXT TABLES RMSNorm LayerNorm State Cache Model initialise self state ` +
    'cache rows part rms_norm causal_conv turns math rope_half rope_adjacent rope_part rope_linear rope_llama3 rope_yarn ' +
    'rope_factors causal_attention bounded_attention block slot reads'
  ).split(' '),
);
/** Names that the printer gives itself. */
const taken = /^(?:keys|values|inputs|borrowed|whole)(?:_|$)/;

/** `text` as a Python identifier that is not reserved. */
export function identifier(text: string): string {
  const plain = text.replace(/\W/g, '_').replace(/^(?=\d)|^$/, '_');
  return reserved.has(plain) || taken.test(plain) ? `${plain}_` : plain;
}

/**
 * Python for the attribute at a dotted path of `object`: numbers are places of an `nn.ModuleList`
 * if `isList` says so of the path before them.
 */
export function attribute(object: string, path: string, isList: (path: string) => boolean = () => false): string {
  const parts = path === '' ? [] : path.split('.');
  return parts.reduce((before, part, i) => {
    if (isList(parts.slice(0, i).join('.'))) return `${before}[${part}]`;
    return /^[A-Za-z_]\w*$/.test(part) && !isKeyword.has(part)
      ? `${before}.${part}`
      : `getattr(${before}, ${JSON.stringify(part)})`;
  }, object);
}

/** The wanted names as identifiers, made unique by a number: `added`, `added_2`. */
export function distinct(wanted: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return wanted.map((text) => {
    const plain = identifier(text);
    let name = plain;
    for (let n = 2; used.has(name.toLowerCase()); n++) name = `${plain}_${n}`;
    used.add(name.toLowerCase());
    return name;
  });
}

/** One name per node of the body, all different. */
export function valueNames(body: Body): readonly string[] {
  const wanted: string[] = [];
  for (const node of body.nodes) wanted.push(suggested(node, body, wanted));
  return distinct(wanted);
}

/** A readable name for the result of `node`; `names` holds those of earlier nodes. */
function suggested(node: Node, body: Body, names: readonly string[]): string {
  const { op } = node;
  // `self_attn.q_proj.weight` belongs to the module `q_proj`.
  const module = (param: number) => body.params[param]?.name.split('.').at(-2) ?? '';
  switch (op.kind) {
    case 'tokens':
      return 'tokens';
    case 'input':
      return 'x';
    case 'embed':
      return module(op.table) || 'embedded';
    case 'linear':
      return body.params[op.weight]?.role === 'table' ? 'logits' : module(op.weight) || 'product';
    case 'rmsNorm':
    case 'layerNorm':
      return (op.gain === null ? '' : module(op.gain)) || 'normed';
    case 'causalConv':
      return module(op.weight) || 'convolved';
    case 'positions':
      return module(op.table) || 'positions';
    case 'rope':
      return `${names[op.x]}_rotated`;
    case 'attention':
      return 'attended';
    case 'map':
      if (op.fn === 'add') return 'added';
      return op.fn === 'mul' ? 'multiplied' : `${names[op.args[0]!]}_${op.fn}`;
    case 'scale':
      return 'scaled';
    case 'stack':
      return 'x';
    default:
      return op satisfies never;
  }
}
