/**
 * A decoder as a graph file that an author can read and change, laid out as one would write it by hand. What the DSL has a
 * layer for (`gqa`, `swiglu`) is that layer; the rest is composed of plain operations.
 */
import { body } from './block-body.ts';
import type { Attention, BlockShape, Decoder, FeedForward, Norm, ShortConv } from './decoder.ts';
import { gqaText, isGqa, isSwiglu, normOptions, normText, rotation } from './layer-text.ts';
import { columns, digits, indented, object, type Tree } from './literals.ts';

/** What the file says of itself. */
export interface GraphTitle {
  readonly name: string;
  /** The file that the decoder was read from. */
  readonly source: string;
}

/** The graph file of `decoder`, as TypeScript. Weight names are those of the checkpoint. */
export function writeGraph(title: GraphTitle, decoder: Decoder): string {
  const writer = new GraphWriter(decoder);
  const blocks = decoder.kinds.map((kind) => writer.block(kind)).join('\n');
  const model = writer.model(title.name);
  return [
    comment(title, decoder, writer.parameters),
    `${imports(`${blocks}${model}`)}\n`,
    `${writer.axes()}\n`,
    `${blocks}`,
    model,
  ].join('\n');
}

/** Everything of the DSL that a graph file may call; a name is imported where it is called. */
const vocabulary =
  'add attention block cache causalConv defineModel dims embedding gelu geluTanh gqa headNorm input layerNorm linear mul relu ' +
  'residual rmsNorm rope ropeScaling rotate scale share silu split stack swiglu tanh';

function imports(text: string): string {
  const called = (word: string) => word === 'dims' || new RegExp(`(?<![\\w.])${word}[(.]`).test(text);
  const used = vocabulary.split(' ').filter(called);
  const line = `import { ${used.join(', ')} } from '@lamella/dsl';`;
  return line.length <= columns
    ? line
    : `import {\n${used.map((word) => `  ${word},\n`).join('')}} from '@lamella/dsl';`;
}

function comment({ name, source }: GraphTitle, decoder: Decoder, parameters: number): string {
  const { layers, repeats, head, modelType, context, limited } = decoder;
  const blocks =
    repeats > 1 ? `${layers.length} blocks, each run ${repeats} times in a row` : `${layers.length} blocks`;
  const tied = head.tied ? 'the head is the embedding' : 'a head of its own';
  return `/**
 * ${name}: ${blocks}; ${tied}; ${parameters.toLocaleString('en-US')} parameters.
 * Imported from ${source.replaceAll('*/', '* /')} (model_type ${modelType}). Keys are the checkpoint's tensor names.
${
  limited
    ? ` * Sequences have at most ${context.toLocaleString('en-US')} of the checkpoint's ${limited.from.toLocaleString('en-US')} tokens: beyond that, ${limited.key} has an effect that a graph cannot express.
`
    : ''
} */`;
}

/** Writes the parts of one file, and counts parameters as modules are written. */
class GraphWriter {
  /** Parameters of the whole model. */
  parameters = 0;
  readonly #decoder: Decoder;
  /** Axes besides t, d, vocab, by name. */
  readonly #axes = new Map<string, number>();
  /** How often the block being written is there. */
  #times = 1;

  constructor(decoder: Decoder) {
    this.#decoder = decoder;
  }

  axes(): string {
    const { context, d, vocab } = this.#decoder;
    const sizes = [['t', context], ['d', d], ...this.#axes, ['vocab', vocab]] as const;
    const names = sizes.map(([name]) => name).join(', ');
    const line = `const { ${names} } = dims({ ${sizes.map(([name, size]) => `${name}: ${digits(size)}`).join(', ')} });`;
    if (line.length <= columns) return line;
    return `const { ${names} } = dims({\n${sizes.map(([name, size]) => `  ${name}: ${digits(size)},\n`).join('')}});`;
  }

  block(shape: BlockShape): string {
    const { kinds, layers } = this.#decoder;
    this.#times = layers.filter((kind) => kinds[kind] === shape).length;
    return `${rotation(shape)}const ${shape.name} = block(
  [t, d],
  () => (${indented(object(this.#modules(shape)), 2)}),
  (w, x) => {
${body(shape)
  .map((line) => `    ${line}\n`)
  .join('')}  },
);
`;
  }

  /** The modules of a block, as text by checkpoint name. */
  #modules(shape: BlockShape): Tree {
    const { norms, norm, mixer, feedForward, names } = shape;
    const [before, after] = [norms !== 'post', norms === 'post' || norms === 'sandwich'];
    return {
      ...(mixer && before && { [names.mixerNorm]: this.#norm(norm) }),
      ...(mixer && { [names.mixer]: this.#mixer(mixer, shape) }),
      ...(mixer && after && { [names.mixerPostNorm]: this.#norm(norm) }),
      ...(before && { [names.feedForwardNorm]: this.#norm(norm) }),
      [names.feedForward]: this.#feedForward(feedForward, shape),
      ...(after && { [names.feedForwardPostNorm]: this.#norm(norm) }),
    };
  }

  #norm(norm: Norm): string {
    this.#count(norm.kind === 'layer' ? 2 * this.#decoder.d : this.#decoder.d);
    return normText('d', norm);
  }

  #mixer(mixer: Attention | ShortConv, shape: BlockShape): string | Tree {
    const { d } = this.#decoder;
    if (mixer.kind === 'conv') {
      const { taps, bias } = mixer;
      this.#count(d * taps + 3 * d * d + (bias ? 4 * d : 0));
      return {
        conv: `causalConv(d, ${taps}${bias ? ', { bias: true }' : ''})`,
        in_proj: `split(d, { b: d, c: d, u: d }${bias ? ', { bias: true }' : ''})`,
        out_proj: this.#linear('d', 'd', d, d, bias),
      };
    }
    const { heads, kvHeads, headDim, bias, norm } = mixer;
    const [q, kv] = [heads * headDim, kvHeads * headDim];
    if (isGqa(mixer, shape)) {
      this.#count(2 * d * (q + kv));
      return gqaText(mixer);
    }
    this.#axis('q', q);
    this.#axis('kv', kv);
    const { names } = shape;
    const normed = (axis: string, size: number, count: number): string => {
      const { over, gain, eps, offset } = norm!;
      if (gain) this.#count(over === 'head' ? headDim : size);
      if (over === 'projection') return normText(axis, { kind: 'rms', eps, offset });
      const options = [`heads: ${count}`, ...normOptions({ eps, offset }), ...(gain ? [] : ['gain: false'])];
      return `headNorm(${axis}, { ${options.join(', ')} })`;
    };
    const projections: Tree = mixer.fused
      ? { [names.qkv]: this.#fusedQkv(mixer) }
      : {
          [names.q]: this.#linear('d', 'q', d, q, bias.qkv),
          [names.k]: this.#linear('d', 'kv', d, kv, bias.qkv),
          [names.v]: this.#linear('d', 'kv', d, kv, bias.qkv),
        };
    return {
      ...projections,
      [names.out]: this.#linear('q', 'd', q, d, bias.out),
      ...(norm && { [names.qNorm]: normed('q', q, heads), [names.kNorm]: normed('kv', kv, kvHeads) }),
    };
  }

  /** One tensor whose rows are the queries, keys and values. */
  #fusedQkv({ heads, kvHeads, headDim, bias, fused }: Attention): string {
    const rows = (heads + 2 * kvHeads) * headDim;
    this.#count(rows * this.#decoder.d + (bias.qkv ? rows : 0));
    const options = [...(fused === 'heads' ? [`groups: ${kvHeads}`] : []), ...(bias.qkv ? ['bias: true'] : [])];
    return `split(d, { q, k: kv, v: kv }${options.length > 0 ? `, { ${options.join(', ')} }` : ''})`;
  }

  #feedForward(shape: FeedForward, { names }: BlockShape): string | Tree {
    const { d } = this.#decoder;
    const { ff, gated, fused, bias } = shape;
    this.#axis('ff', ff);
    if (isSwiglu(shape, names)) {
      this.#count(3 * d * ff);
      return 'swiglu(d, ff)';
    }
    const down = { [names.down]: this.#linear('ff', 'd', ff, d, bias) };
    if (gated && fused) {
      this.#count(2 * ff * (d + (bias ? 1 : 0)));
      return { [names.gateUp]: `split(d, { gate: ff, up: ff }${bias ? ', { bias: true }' : ''})`, ...down };
    }
    return {
      ...(gated && { [names.gate]: this.#linear('d', 'ff', d, ff, bias) }),
      [names.up]: this.#linear('d', 'ff', d, ff, bias),
      ...down,
    };
  }

  #linear(from: string, to: string, fromSize: number, toSize: number, bias: boolean): string {
    this.#count(toSize * (fromSize + (bias ? 1 : 0)));
    return `linear(${from}, ${to}${bias ? ', { bias: true }' : ''})`;
  }

  #axis(name: string, size: number): void {
    this.#axes.set(name, size);
  }

  #count(parameters: number): void {
    this.parameters += this.#times * parameters;
  }

  model(modelName: string): string {
    this.#times = 1;
    const { d, vocab, embedding, finalNorm, head, names } = this.#decoder;
    const { factors } = embedding;
    const [row, width] = factors ? (['rank', factors.rank] as const) : (['d', d] as const);
    if (factors) this.#axis('rank', factors.rank);
    this.#count(vocab * width);
    const trunk: Tree = {
      [embedding.name]: `embedding(vocab, ${row})`,
      ...(factors && { [factors.into]: this.#linear('rank', 'd', width, d, false) }),
      [names.layers]: this.#stack(),
      [names.norm]: this.#norm(finalNorm),
    };
    const outer: Tree = {
      ...(factors && { [factors.outOf]: this.#linear('d', 'rank', d, width, false) }),
      ...(!head.tied && { [names.head]: this.#linear(row, 'vocab', width, vocab, head.bias) }),
    };
    const isOnlyTrunk = Object.keys(outer).length === 0;
    const all = isOnlyTrunk ? trunk : { [names.prefix]: trunk, ...outer };
    const m = isOnlyTrunk ? 'm' : `m.${names.prefix}`;
    const looked = `${m}.${embedding.name}(input(t))`;
    const rows = factors ? `${m}.${factors.into}(${looked})` : looked;
    const scaled = embedding.scale === null ? rows : `scale(${rows}, ${digits(embedding.scale)})`;
    const normed = `${m}.${names.norm}(${m}.${names.layers}(${scaled}))`;
    const hidden = factors ? `m.${factors.outOf}(${normed})` : normed;
    const plain = head.tied ? `${m}.${embedding.name}.logits(${hidden})` : `m.${names.head}(${hidden})`;
    const options = isOnlyTrunk ? `{ prefix: '${names.prefix}' }` : '{}';
    return `export default defineModel(
  '${modelName}',
  ${options},
  () => (${indented(object(all), 2)}),
  (m) => ${logits(plain, head)},
);
`;
  }

  #stack(): string {
    const { kinds, layers, repeats } = this.#decoder;
    const sharing = repeats > 1 ? `, share.immediate(${repeats})` : '';
    return `stack(${layers.length}, ${pattern(
      kinds.map(({ name }) => name),
      layers,
    )}${sharing})`;
  }
}

function logits(plain: string, { scale, softcap }: Decoder['head']): string {
  const scaled = scale === null ? plain : `scale(${plain}, ${digits(scale)})`;
  if (softcap === null) return scaled;
  return `scale(tanh(scale(${scaled}, 1 / ${digits(softcap)})), ${digits(softcap)})`;
}

/** Which block a layer has, as an argument of `stack`: one name, a rule by index, or a list. */
function pattern(names: readonly string[], layers: readonly number[]): string {
  if (names.length === 1) return names[0]!;
  if (names.length === 2) {
    for (let period = 2; period <= layers.length / 2; period++) {
      for (const [usual, odd] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const last = layers.every((kind, i) => kind === ((i + 1) % period === 0 ? odd : usual));
        if (last) return `(i) => ((i + 1) % ${period} === 0 ? ${names[odd]} : ${names[usual]})`;
      }
    }
    const fewer = layers.filter((kind) => kind === 1).length * 2 <= layers.length ? 1 : 0;
    const at = layers.flatMap((kind, i) => (kind === fewer ? [i] : []));
    return `(i) => ([${at.join(', ')}].includes(i) ? ${names[fewer]} : ${names[1 - fewer]})`;
  }
  return `(i) => [${layers.map((kind) => names[kind]).join(', ')}][i]!`;
}
