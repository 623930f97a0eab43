/**
 * Chooses the architecture of llama.cpp for a graph: the first one that, read back by import, is
 * the same decoder. So import's table (checkpoint's `gguf/architectures.ts`) also decides what is
 * exported, and a file means to import what it was written from.
 */
import { type Architecture, architectures } from '@lamella/checkpoint/gguf/architectures';
import { Keys } from '@lamella/checkpoint/gguf/keys';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import type { Metadata } from './container.ts';
import { type Difference, differences } from './differences.ts';
import { attentionsOf, mainRope, modelMetadata } from './metadata.ts';
import type { Features, Model } from './model.ts';
import { ropeFactors } from './rope.ts';
import type { TensorType } from './tensor-types.ts';
import { type Tensor, tensorsOf } from './tensors.ts';

/** A model as a file of one architecture. */
export interface Written {
  readonly architecture: string;
  /** The keys of the architecture. */
  readonly metadata: Metadata;
  readonly tensors: readonly Tensor[];
}

/** Writes `model` as the first architecture that computes it. Throws L306 if there is none. */
export function write(graph: Graph, model: Model, type: TensorType): Written {
  const attempts = [...architectures].map(([name, row]) => attempt(graph, model, type, name, row));
  const fitting = attempts.find(({ missing }) => missing?.length === 0);
  if (fitting) return fitting.written;
  const lacks = ({ missing }: Attempt) => missing?.length ?? Number.POSITIVE_INFINITY;
  const nearest = attempts.reduce((best, each) => (lacks(each) < lacks(best) ? each : best));
  const { written, missing } = nearest;
  const reason = `no architecture of llama.cpp computes it; the nearest is ${written.architecture}, ${missing?.[0]}`;
  throw new LamellaError(
    'L306',
    { what: 'the model', reason, remedy: 'export to PyTorch' },
    { place: graph.name, site: graph.kinds[0]?.site ?? null },
  );
}

interface Attempt {
  readonly written: Written;
  /**
   * What the architecture does not have, as the end of a sentence about it; empty if the model
   * fits. Null if import cannot read the file.
   */
  readonly missing: readonly string[] | null;
}

function attempt(graph: Graph, model: Model, type: TensorType, name: string, row: Architecture): Attempt {
  const tensors = tensorsOf(graph, model, row, type);
  const entries = Object.entries(modelMetadata(model.features, row));
  const metadata = Object.fromEntries(entries.map(([key, value]) => [`${name}.${key}`, value]));
  const written = { architecture: name, metadata, tensors };
  try {
    const decoder = row.read(keysOf(name, written, model.features, row));
    const limits = row.limits
      .flatMap((limit) => limit(decoder) ?? [])
      .map((each) => `which llama.cpp does not load ${each}`);
    const features = differences(model.features, decoder).map(sentence);
    return { written, missing: [...features, ...rotations(model.features, row), ...limits] };
  } catch (error) {
    if (!(error instanceof LamellaError)) throw error;
    // the row needs a key for which the model has no value, such as the taps of a convolution
    return { written, missing: null };
  }
}

/** The file as import reads it. */
function keysOf(name: string, { metadata, tensors }: Written, features: Features, row: Architecture): Keys {
  const values = new Map(
    Object.entries(metadata).map(([key, { type, value }]) => [key, type === 'f32' ? Math.fround(value) : value]),
  );
  const attentions = attentionsOf(features);
  const factors = row.ropeFactors ? ropeFactors(mainRope(attentions), attentions[0]!.headDim) : null;
  return new Keys('', name, { metadata: values, tensors: new Map(tensors.map((each) => [each.name, each])) }, factors);
}

function sentence({ layer, feature, wanted, there }: Difference): string {
  const where = layer === null ? '' : ` of layer ${layer}`;
  return `where the ${feature}${where} is ${there}; in the model it is ${wanted}`;
}

/** llama.cpp moves the rows of whole heads, and each architecture rotates in one way. */
function rotations(features: Features, { moved }: Architecture): readonly string[] {
  const ropes = attentionsOf(features).flatMap(({ rope }) => rope ?? []);
  const pairings = new Set(ropes.map(({ pairing }) => pairing));
  if (pairings.size > 1) return ['where all layers rotate the same pairs of features'];
  if (!ropes.some(({ dims }) => dims !== null) || (moved !== 'pairs' && pairings.has('half'))) return [];
  return ['where RoPE rotates whole heads'];
}
