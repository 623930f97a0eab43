/**
 * Python names for the values of a body, so that the exported file reads like hand-written code:
 * `q_proj`, `q_proj_rotated`, `attended`.
 */
import type { Body, Node } from '@lamella/graph/ir';

/**
 * Names that a local variable of the exported file must not have: Python's own, and those that the
 * file defines or imports.
 */
const reserved = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
    'lambda nonlocal not or pass raise return try while with yield torch nn functional math lru_cache reduce Model VOCAB CONTEXT MATRICES declare self w ' +
    'embed linear rms_norm head_norm layer_norm causal_conv rope_table rope_half rope_adjacent rope_part rope_linear rope_llama3 ' +
    'rope_yarn rope_factors causal_attention bounded_attention part under silu block names weight_set slot state states'
  ).split(' '),
);

/** `text` as a Python identifier that is not reserved. */
export function identifier(text: string): string {
  const plain = text.replace(/\W/g, '_').replace(/^(?=\d)|^$/, '_');
  return reserved.has(plain) ? `${plain}_` : plain;
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
